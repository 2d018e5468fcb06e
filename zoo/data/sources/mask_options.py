"""Options that say how masks are laid out and what their values mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.spec.errors import OptionError, quote

Color = str | int | Sequence[int]
"""A colour: `#804080`, a gray value, or red, green and blue."""

Colors = str | Mapping[str, Color | Sequence[Color]] | Sequence[Color]
"""Colours of classes: by their names, in the order of their numbers, or a file of either."""


_WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskOptions:
    """Masks as the user says them to be; what is None is found out.

    Args:
        images: folder of the images, wherever it lies in the data: `JPEGImages`.
        masks: folder of the masks: `SegmentationClass`.
        image_suffix: end of an image's name that its mask's lacks.
        mask_suffix: end of a mask's name that its image's lacks: `_mask`.
        skip_unpaired: leaves out images without a mask and masks without an image.
        colors: colours of the classes; masks are then read by colour.
        ignore: value, colour or class that does not count, or several; 255 by default.
        threshold: gray values above it are the object, all others background.
    """

    images: str | None = None
    masks: str | None = None
    image_suffix: str | None = None
    mask_suffix: str | None = None
    skip_unpaired: bool = False
    colors: Colors | None = None
    ignore: Color | Sequence[Color] | None = None
    threshold: int | None = None

    @property
    def places(self) -> bool:
        """Whether something is said of folders or names."""
        return any((self.images, self.masks, self.image_suffix, self.mask_suffix))


def check_options(options: MaskOptions) -> None:
    """Raises OptionError where options do not go together, or a value does not fit."""
    threshold = options.threshold
    if threshold is not None:
        if type(threshold) is not int or not 0 <= threshold < _WHITE:
            raise OptionError(
                "threshold", expected=f"a whole number from 0 to {_WHITE - 1}", got=quote(threshold)
            )
        for name in ("colors", "ignore"):
            if getattr(options, name) is not None:
                expected, hint = (
                    f"threshold or {name}",
                    "a threshold makes two classes, and every pixel counts",
                )
                raise OptionError("masks", expected=expected, got="both", hint=hint)
    for name in ("images", "masks", "image_suffix", "mask_suffix"):
        value = getattr(options, name)
        if value is not None and not (isinstance(value, str) and value.strip("/")):
            raise OptionError(name, expected="a name, or an end of names", got=quote(value))
    if options.images is not None and options.images == options.masks and not options.mask_suffix:
        hint = f"say how the names of masks end: {said(mask_suffix='_mask')}"
        raise OptionError("masks", expected="another folder than images", got=quote(options.masks), hint=hint)


def ignored_items(options: MaskOptions) -> list[object]:
    """The values, colours and names that do not count.

    Example:
        >>> ignored_items(MaskOptions(ignore=0)), ignored_items(MaskOptions(ignore=["Void", "#000000"]))
        ([0], ['Void', '#000000'])
    """
    given = options.ignore
    if given is None:
        return []
    rgb = options.colors is not None and isinstance(given, list | tuple) and len(given) == 3
    if not isinstance(given, list | tuple) or (rgb and all(type(part) is int for part in given)):
        return [given]
    return [*given]


def said(**options: Any) -> str:
    """The options as one says them.

    Example:
        >>> said(images="JPEGImages", threshold=127)
        "images='JPEGImages', threshold=127"
    """
    return ", ".join(f"{name}={value!r}" for name, value in options.items())
