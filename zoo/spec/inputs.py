"""Input specs: size, channels and normalisation that a network expects of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from zoo.spec.arguments import check, said_by_name

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
_BEYOND = 1e300


@said_by_name(lambda given: "input spec")
@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """Preprocessing that belongs to a set of weights.

    An image in [0, 1] is resized to `size` with `interpolation`, scaled to `range` and normalised to
    `(x - mean) / std` per channel.

    Args:
        channels: number of input channels.
        size: height and width in pixels.
        range: values that 0 and 1 of an image are mapped to before normalisation.
        mean: per channel, in units of `range`.
        std: per channel, in units of `range`, positive.
        interpolation: one of `nearest`, `bilinear`, `bicubic`.
        decode: `exact` decodes a file in full and resizes in float32; `fast` decodes a JPEG at a reduced
            scale where it is made much smaller anyway, and resizes bytes as bytes.

    Raises:
        DeclarationError: a field is out of range or has the wrong length.
    """

    channels: int = 3
    size: tuple[int, int] = (224, 224)
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    interpolation: str = "bilinear"
    decode: str = EXACT

    def __post_init__(self) -> None:
        fine = type(self.channels) is int and 1 <= self.channels <= MOST_CHANNELS
        check(fine, "input spec", "channels", f"a whole number from 1 to {MOST_CHANNELS:,}", self.channels)
        for name in ("size", "range", "mean", "std"):
            value = getattr(self, name)
            check(_are_numbers(value), "input spec", name, "a tuple of numbers", value)
        checks = {
            "size": (
                len(self.size) == 2 and all(type(n) is int and 1 <= n <= MOST_PIXELS for n in self.size),
                f"two whole numbers (height, width) from 1 to {MOST_PIXELS:,}",
            ),
            "range": (len(self.range) == 2 and self.range[0] < self.range[1], "two rising numbers"),
            "mean": (
                len(self.mean) == self.channels,
                f"{self.channels} number{'s' * (self.channels != 1)}, one a channel",
            ),
            "std": (
                len(self.std) == self.channels and all(value > 0 for value in self.std),
                f"{self.channels} positive numbers, one a channel",
            ),
            "interpolation": (self.interpolation in INTERPOLATIONS, f"one of {', '.join(INTERPOLATIONS)}"),
            "decode": (self.decode in DECODES, f"one of {', '.join(DECODES)}"),
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

        def fit(values: tuple[float, ...]) -> tuple[float, ...]:
            # As the first layer's weights are summed over the colours, see `Backbone.adapt_input`
            if channels == 1:
                return (sum(values) / len(values),)
            return tuple(values[i % len(values)] for i in range(channels))

        return replace(self, channels=channels, mean=fit(self.mean), std=fit(self.std))

    def with_size(self, size: tuple[int, int]) -> InputSpec:
        """The same for another image size."""
        return replace(self, size=size)

    def with_decode(self, decode: str) -> InputSpec:
        """The same for files that are read in another way."""
        return replace(self, decode=decode)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; `decode` where it is not that of files without a word on it."""
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        if self.decode == EXACT:
            del found["decode"]
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InputSpec:
        """The reverse of `to_dict`.

        Raises:
            DeclarationError: a key is unknown or a value does not fit.
        """
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)


def _are_numbers(value: object) -> bool:
    return isinstance(value, tuple | list) and all(
        # Of a whole number beyond all floats nothing is asked, which would be an error of its own
        isinstance(each, int | float) and abs(each) < _BEYOND
        for each in value
    )


_FEW_BANDS = 8
"""Fewer are always bands."""


def channels_hint(own: int, height: int, width: int, *, batch: bool = False) -> str:
    """The next step where images have another number of channels than a model takes.

    Args:
        own: channels of the images, as their axes say.
        height: of the images.
        width: of the images.
        batch: whether a model itself was called.

    Example:
        >>> channels_hint(5, 64, 64)
        'build the model with in_channels=5'
        >>> channels_hint(20, 20, 3)
        'mind the order of the axes: tensors are C x H x W, arrays H x W x C, and several gray images a list'
    """
    # Images have more rows and columns than bands, or so few bands that these are no axis of pixels
    if own < max(_FEW_BANDS, min(height, width)):
        return f"build the model with in_channels={own}"
    if batch:
        return "mind the order of the axes: x.permute(0, 3, 1, 2) where the channels are last"
    order = "tensors are C x H x W, arrays H x W x C, and several gray images a list"
    return f"mind the order of the axes: {order}"
