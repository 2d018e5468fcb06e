"""Orientation: whether images may come to be mirrored or turned, which some labels do not survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HALF, _WHOLE = 180.0, 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """Ways in which an augmenter may leave an image other than upright.

    Args:
        mirrored: whether left and right may be swapped.
        flipped: whether top and bottom may be.
        turned: farthest turn from upright, in degrees from 0 to 180; see `farthest_turn`.
        upright: options of the component with which images stay upright, those of an augmenter inside as a
            table; empty where it is to be left out.

    Example:
        >>> both = Orientation(mirrored=True) | Orientation(turned=90.0)
        >>> both.mirrored, both.flipped, both.turned
        (True, False, 90.0)
    """

    mirrored: bool = False
    flipped: bool = False
    turned: float = 0.0
    upright: Mapping[str, Any] = field(default_factory=dict)

    def __or__(self, other: Orientation) -> Orientation:
        """What one or the other may do, or both in turn."""
        return Orientation(
            mirrored=self.mirrored or other.mirrored,
            flipped=self.flipped or other.flipped,
            turned=min(self.turned + other.turned, _HALF),
            upright={**self.upright, **other.upright},
        )


def farthest_turn(low: float, high: float) -> float:
    """Largest angle from upright, 0 to 180, among turns of `low` to `high` degrees.

    Example:
        >>> farthest_turn(-15, 10), farthest_turn(170, 200), farthest_turn(350, 370)
        (15.0, 180.0, 10.0)
    """
    # The first half turn from `low` on
    half = _HALF + _WHOLE * -((_HALF - low) // _WHOLE)
    if half <= high:
        return _HALF
    return float(max(abs((angle + _HALF) % _WHOLE - _HALF) for angle in (low, high)))
