"""Bands: channels of an image as they are, or computed of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from zoo.spec.arguments import check
from zoo.spec.errors import near

OF_COLOURS = ("red", "green", "blue", "gray", "hue", "saturation", "value")
"""Bands of images whose first three channels are red, green and blue; each lies in 0..1."""

DIFFERENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ndvi": ("near_infrared", "red"),
        "gndvi": ("near_infrared", "green"),
        "ndre": ("near_infrared", "red_edge"),
        "ndwi": ("green", "near_infrared"),
        "mndwi": ("green", "shortwave_infrared"),
        "ndmi": ("near_infrared", "shortwave_infrared"),
        "ndbi": ("shortwave_infrared", "near_infrared"),
        "nbr": ("near_infrared", "shortwave_infrared"),
        "ndsi": ("green", "shortwave_infrared"),
    }
)
"""Indices (a - b) / (a + b) in -1..1 and the two channels that each takes; 0 where both are 0."""

_COLOURS = 3
_SPEC = "input spec"


@dataclass(frozen=True, slots=True)
class Band:
    """One channel that a network sees.

    Args:
        name: of `OF_COLOURS` or `DIFFERENCES`; empty for a channel as it is.
        channels: numbers of the image's channels that it is made of, from 0 on.

    Example:
        >>> Band.of({"ndvi": {"red": 0, "near_infrared": 3}})
        Band(name='ndvi', channels=(3, 0))
    """

    name: str
    channels: tuple[int, ...]

    @classmethod
    def of(cls, value: Any) -> Band:
        """The band that a value of a recipe means: a channel's number, a name, or a table of an index.

        Raises:
            DeclarationError: there is no such band, or a channel of it is missing.
        """
        if isinstance(value, Band):
            return value
        if type(value) is int:
            check(value >= 0, _SPEC, "bands", "numbers of channels from 0 on", value)
            return cls("", (value,))
        if isinstance(value, str):
            step = f"say {{{value!r}: {_example(value)}}}" if value in DIFFERENCES else near(value, _NAMES)
            check(value in OF_COLOURS, _SPEC, "bands", "names of bands", value, step)
            return cls(value, tuple(range(_COLOURS)))
        fine = isinstance(value, Mapping) and len(value) == 1
        check(fine, _SPEC, "bands", "a channel's number, a name, or {'ndvi': {...}}", value)
        ((name, given),) = value.items()
        if name not in DIFFERENCES:
            check(False, _SPEC, "bands", "the name of an index", name, near(str(name), [*DIFFERENCES]))
        wanted = DIFFERENCES[name]
        fine = isinstance(given, Mapping) and {*given} == {*wanted}
        check(fine, _SPEC, name, f"the numbers of its channels, {_example(name)}", given)
        numbers = tuple(given[key] for key in wanted)
        fine = all(type(n) is int and n >= 0 for n in numbers) and len({*numbers}) == len(numbers)
        check(fine, _SPEC, name, "two numbers of channels from 0 on", given)
        return cls(name, numbers)

    def to_value(self) -> Any:
        """The reverse of `of`."""
        if not self.name:
            return self.channels[0]
        if self.name in OF_COLOURS:
            return self.name
        return {self.name: dict(zip(DIFFERENCES[self.name], self.channels, strict=True))}

    @property
    def span(self) -> tuple[float, float]:
        """Least and largest value."""
        return (-1.0, 1.0) if self.name in DIFFERENCES else (0.0, 1.0)


_NAMES = (*OF_COLOURS, *DIFFERENCES)


def _example(name: str) -> str:
    return "{" + ", ".join(f"{key!r}: {i}" for i, key in enumerate(DIFFERENCES[name])) + "}"
