"""Input specs: size, channels, bands and normalisation that a network expects of images."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any

from zoo.spec.arguments import check, misplaced, said_by_name
from zoo.spec.channels.bands import Band
from zoo.spec.errors import RecipeError, listing, near, quote

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
INTERPOLATIONS = ("nearest", "bilinear", "bicubic")
"""How an image may be resized."""
EXACT, FAST = DECODES = ("exact", "fast")
"""How a file may be read, see `InputSpec`."""
MOST_CHANNELS = 4096
"""Most channels of an image: there are cameras of some hundred bands."""
MOST_PIXELS = 65_536
"""Largest height and width: of three channels in float32 this is 48 GiB."""
FIRST, BANDS = PAGES = ("first", "bands")
"""What of a file of several pages is read, see `InputSpec`."""
CHOSEN = ("range", "mean", "std", "interpolation", "bands", "crop")
"""Fields that are chosen for a new network; channels and size are arguments of their own."""
_BEYOND = 1e300
_LEAST_NORMAL = 2.0**-126
"""Below it float32 has no more than some digits."""
RISING = "two rising numbers, such as [0, 4095]"
_LEAST_CROP = 0.01
_SHARE = f"a number from {_LEAST_CROP} to 1, such as 0.875"
WHOLE = "none"
"""As chosen `crop`: the whole image is seen, whatever the weights say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Part of an input spec that files are read by.

    Args:
        range: lowest and highest number; see `InputSpec.value_range`.
        pages: see `InputSpec`.
    """

    range: tuple[float, float] | None = None
    pages: str = FIRST


@said_by_name(lambda given: "input spec")
@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """Preprocessing that belongs to a set of weights.

    An image in [0, 1] is resized to `size` with `interpolation`; of it the `bands` are taken, scaled to
    `range` and normalised to `(x - mean) / std`, each by itself.

    Args:
        channels: number of the images' channels.
        size: height and width in pixels.
        range: values that 0 and 1 of an image are mapped to before normalisation.
        mean: per band, in units of `range`.
        std: per band, in units of `range`, positive.
        interpolation: one of `nearest`, `bilinear`, `bicubic`.
        bands: what the network sees, see `Band`; nothing means the channels as they are.
        decode: `exact` decodes a file in full and resizes in float32; `fast` decodes a JPEG at a reduced
            scale where it is made much smaller anyway, and resizes bytes as bytes.
        value_range: lowest and highest number of a file or array that matter; they become 0 and 1 of an
            image, and what lies beyond is clipped. None where numbers are bytes, of 16 bits, or in [0, 1].
        pages: `first` reads the first page of a TIFF, `bands` all of them, one after the other as channels;
            then each image has one page a channel.
        crop: size divided by the height and width that an image is resized to cover with its sides' ratio
            kept, 0.01 to 1, such as 224/256; the middle is then cut out. None resizes the whole
            image to the size, whatever its sides' ratio.

    Raises:
        DeclarationError: a field is out of range or has the wrong length.
    """

    channels: int = 3
    size: tuple[int, int] = (224, 224)
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    interpolation: str = "bilinear"
    bands: tuple[Band, ...] = ()
    decode: str = EXACT
    value_range: tuple[float, float] | None = None
    crop: float | None = None
    pages: str = FIRST

    def __post_init__(self) -> None:
        fine = type(self.channels) is int and 1 <= self.channels <= MOST_CHANNELS
        check(fine, "input spec", "channels", f"a whole number from 1 to {MOST_CHANNELS:,}", self.channels)
        check(isinstance(self.bands, list | tuple), "input spec", "bands", "a list of bands", self.bands)
        object.__setattr__(self, "bands", tuple(map(Band.of, self.bands)))
        most = max((i for band in self.bands for i in band.channels), default=0)
        step = f"images of {most + 1} channels: in_channels={most + 1}"
        fine = most < self.channels
        check(fine, "input spec", "bands", f"channels 0..{self.channels - 1}", most, step)
        count = len(self.bands) or self.channels
        each = "a band" if self.bands else "a channel"
        for name in ("size", "range", "mean", "std"):
            value = getattr(self, name)
            check(_are_numbers(value), "input spec", name, "a tuple of numbers", value)
        if isinstance(self.value_range, list):
            object.__setattr__(self, "value_range", tuple(self.value_range))
        checks = {
            "size": (
                len(self.size) == 2 and all(type(n) is int and 1 <= n <= MOST_PIXELS for n in self.size),
                f"two whole numbers (height, width) from 1 to {MOST_PIXELS:,}",
            ),
            "range": (len(self.range) == 2 and self.range[0] < self.range[1], "two rising numbers"),
            "mean": (len(self.mean) == count, f"{count} number{'s' * (count != 1)}, one {each}"),
            "std": (
                len(self.std) == count and all(value > 0 for value in self.std),
                f"{count} positive number{'s' * (count != 1)}, one {each}",
            ),
            "interpolation": (self.interpolation in INTERPOLATIONS, f"one of {', '.join(INTERPOLATIONS)}"),
            "decode": (self.decode in DECODES, f"one of {', '.join(DECODES)}"),
            "pages": (self.pages in PAGES, f"one of {', '.join(PAGES)}"),
            "value_range": (self.value_range is None or is_range(self.value_range), RISING),
            "crop": (self.crop is None or _is_share(self.crop), _SHARE),
        }
        for field, (fine, expected) in checks.items():
            check(fine, "input spec", field, expected, getattr(self, field))

    def with_channels(self, channels: int) -> InputSpec:
        """The same for another number of channels: one gets the mean of all, more repeat them in turn.

        Example:
            >>> InputSpec(mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2)).with_channels(1).mean
            (0.5,)
        """
        if channels == self.channels:
            return self
        if self.bands:
            return replace(self, channels=channels)

        def fit(values: tuple[float, ...]) -> tuple[float, ...]:
            # As the first layer's weights are summed over the colours, see `Backbone.adapt_input`
            if channels == 1:
                return (sum(values) / len(values),)
            return tuple(values[i % len(values)] for i in range(channels))

        return replace(self, channels=channels, mean=fit(self.mean), std=fit(self.std))

    def with_size(self, size: tuple[int, int]) -> InputSpec:
        """The same for another image size."""
        return replace(self, size=size)

    @property
    def network(self) -> InputSpec:
        """The spec of the network behind the bands, whose channels they are."""
        return replace(self, channels=len(self.bands), bands=()) if self.bands else self

    def changed(self, changes: Mapping[str, Any]) -> InputSpec:
        """The same with what somebody has chosen for a new network.

        Args:
            changes: of `CHOSEN`; one number as mean or std is that of each channel. Bands without these are
                scaled from the values that they may have to -1..1. The crop `WHOLE` undoes one.

        Raises:
            DeclarationError: a value does not fit.

        Example:
            >>> InputSpec().changed({"range": [-1, 1], "mean": 0, "std": 1}).mean
            (0, 0, 0)
            >>> shifted = InputSpec().changed({"range": [2, 4], "bands": ["hue"]})
            >>> shifted.mean, shifted.std
            ((3.0,), (1.0,))
        """
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}
        # Checked before bands are scaled to it
        low, high = replace(self, range=values.get("range", self.range)).range
        if "bands" in values:
            given = values["bands"]
            check(isinstance(given, tuple), "input spec", "bands", "a list of bands", given)
            values["bands"] = tuple(map(Band.of, given))
            spans = [band.span for band in values["bands"]]
            middle = [(least + most) / 2 * (high - low) + low for least, most in spans]
            half = [(most - least) / 2 * (high - low) for least, most in spans]
            values = {"mean": tuple(middle), "std": tuple(half), **values}
        if values.get("crop") == WHOLE:
            values["crop"] = None
        count = len(values.get("bands", self.bands)) or self.channels
        for name in ("mean", "std"):
            if isinstance(values.get(name), int | float):
                values[name] = (values[name],) * count
        return replace(self, **values)

    @property
    def reading(self) -> tuple[float, float] | Reading | None:
        """Range that files are read by, with pages where these are bands; None for files as they are."""
        return self.value_range if self.pages == FIRST else Reading(self.value_range, self.pages)

    def with_decode(self, decode: str) -> InputSpec:
        """The same for files that are read in another way."""
        return replace(self, decode=decode)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; how files are read where that is not as without a word on it."""
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        usual = {"decode": EXACT, "value_range": None, "crop": None, "pages": FIRST}
        for name in [name for name, value in usual.items() if found[name] == value]:
            del found[name]
        if self.bands:
            return {**found, "bands": [band.to_value() for band in self.bands]}
        del found["bands"]
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InputSpec:
        """The reverse of `to_dict`.

        Raises:
            DeclarationError: a key is unknown or a value does not fit.
        """
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)


def input_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data of an input spec, checked: of a whole one, or of what was chosen of it.

    Numbers of the latter are checked where all channels are known.

    Raises:
        DeclarationError: a field is unknown, or there is no such band.
    """
    if "channels" in value:
        # Written out in full: a default that changes later changes no recipe
        spec = InputSpec.from_dict(value)
        return spec.to_dict() | ({"decode": spec.decode} if "decode" in value else {})
    for name in value:
        step = misplaced(name, value[name], CHOSEN) or near(name, CHOSEN)
        check(name in CHOSEN, "input", "field", f"one of {listing(CHOSEN)}", name, step)
    plain = {key: [*item] if isinstance(item, tuple) else item for key, item in value.items()}
    if "crop" in value:
        # No file of ours holds a null
        plain["crop"] = crop = WHOLE if value["crop"] is None else value["crop"]
        expected = f"{_SHARE}, or {quote(WHOLE)} for the whole image"
        check(crop == WHOLE or _is_share(crop), "input", "crop", expected, crop)
    if isinstance(bands := plain.get("bands"), list):
        plain["bands"] = [Band.of(band).to_value() for band in bands]
    return plain


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and _LEAST_CROP <= value <= 1  # type: ignore[operator]


def range_value(value: Any) -> Any:
    """A range of a recipe, as it was given.

    Raises:
        RecipeError: it is none.
    """
    if value is not None and not is_range(value):
        raise RecipeError("model.value_range", expected=RISING, got=quote(value))
    return value


def is_range(value: Any) -> bool:
    """Whether a value is two rising numbers that float32 tells apart."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    if any(isinstance(end, bool) or not isinstance(end, Real) for end in value):
        return False
    try:
        low, high = struct.unpack("<2f", struct.pack("<2f", *map(float, value)))
        (span,) = struct.unpack("<f", struct.pack("<f", high - low))
    except OverflowError:
        return False
    return bool(_LEAST_NORMAL <= span < math.inf)


def _are_numbers(value: object) -> bool:
    return isinstance(value, tuple | list) and all(
        # Of a whole number beyond all floats nothing is asked, which would be an error of its own
        isinstance(each, int | float) and abs(each) < _BEYOND
        for each in value
    )
