"""Options of masks, checked against each other, and how one says them."""

from __future__ import annotations

from typing import Any

from zoo.spec.data_options import MaskOptions, MaskValues
from zoo.spec.errors import OptionError, listing, quote
from zoo.spec.hints.spoken import data_option, spoken
from zoo.spec.options import Options


def check_values(options: MaskValues) -> None:
    """Raises OptionError where options of values do not go together."""
    if options.threshold is not None:
        for name in ("colors", "ignore"):
            if getattr(options, name) is not None:
                expected, hint = (
                    f"threshold or {name}",
                    "a threshold makes two classes, and every pixel counts",
                )
                raise OptionError("masks", expected=expected, got="both", hint=hint)


def check_options(options: MaskOptions) -> None:
    """Raises OptionError where options do not go together, or a value does not fit."""
    check_values(options)
    for name in ("images", "masks", "image_suffix", "mask_suffix"):
        value = getattr(options, name)
        if value is not None and not value.strip("/"):
            raise OptionError(name, expected="a name, or an end of names", got=quote(value))
    if options.images is not None and options.images == options.masks and not options.mask_suffix:
        hint = f"say how the names of masks end: {said(mask_suffix='_mask')}"
        raise OptionError("masks", expected="another folder than images", got=quote(options.masks), hint=hint)


def check_none(options: Options, where: str) -> None:
    """Raises OptionError where options of masks are given for data that are read without any."""
    if found := [name for name in type(options).model_fields if name in options.model_fields_set]:
        expected = "a model that gives a class to each pixel"
        hint = f"leave out {listing(found)}: {'it is' if len(found) == 1 else 'they are'} of masks"
        raise OptionError(where, expected=expected, got="data that are read without masks", hint=hint)


def ignored_items(options: MaskValues) -> list[object]:
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
    between = " " if spoken().way == "shell" else ", "
    return between.join(data_option(name, value) for name, value in options.items())
