"""Advice on images whose values have another scale than [0, 1], from the values themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.spec.hints.spoken import spoken

_BYTE, _DEEP, _DEPTHS = 255, 65535, (8, 10, 12, 14, 16)
_FEWER = _DEPTHS[:-1]
"""Bits of cameras and scanners, most of which store them in 16."""
_WHOLE, _DIGITS = 100, 12
"""From which on a range is told in whole numbers, and the most digits of another."""
_OVERSHOOT = 0.25
"""How far an interpolation leaves [0, 1]."""
_DEVIATIONS = 12
"""Values that were divided by their standard deviation are nearer to 0 than so many."""


def advice(values: npt.NDArray[Any]) -> tuple[str, str]:
    """Words for values outside of [0, 1], and the step that makes an image of them.

    Args:
        values: of one image, numbers of any type but uint8.

    Returns:
        Lowest and highest value in words, and the next step.

    Example:
        >>> advice(np.array([-1.0, 0.5, 1.0]))[1].partition(";")[0]
        'zoo.build(..., value_range=(-1, 1)), if it was scaled to [-1, 1]'
        >>> advice(np.array([0.0, 3000.0]))[1]
        'zoo.build(..., value_range=(0, 4095)) with the white of all images (not 16383, 65535)'
    """
    if (broken := int(values.size - np.isfinite(values).sum())) != 0:
        got = f"{values.min():.4g} to {values.max():.4g}, {broken} of {values.size} no number (nan or inf)"
        return got, "mend or leave out the image"
    low, high = float(values.min()), float(values.max())
    whole = bool((values == np.round(values)).all())
    hint = _below(low, high, whole) if low < 0 else _above(high, whole, values.dtype)
    return (f"{low:.0f} to {high:.0f}" if whole else f"{low:.4g} to {high:.4g}"), hint


def _below(low: float, high: float, whole: bool) -> str:
    if low >= -_OVERSHOOT / 2 and 1 < high <= 1 + _OVERSHOOT / 2:
        return "clip it to [0, 1], if an interpolation has left that range; if it was normalised, undo that"
    undo = "undo that (x * std + mean)"
    if low >= -1 and high <= 1:
        return f"{built(-1, 1)}, if it was scaled to [-1, 1]; if it was normalised, {undo}"
    if not whole and max(-low, high) <= _DEVIATIONS:
        normalised = f"if it was normalised by mean and std, {undo}: the model normalises inside"
        return f"{normalised}; else {built(math.floor(low), math.ceil(high))} with the ends of all images"
    choice = "choose the lowest and highest value that matter, the same for all images; of this one they are"
    return f"{choice} {built(low, high)}"


def _above(high: float, whole: bool, dtype: np.dtype[Any]) -> str:
    if dtype.kind in "iu" and high <= _BYTE:
        if high > _BYTE // 2:
            return f"convert it to uint8, or {built(0, _BYTE)}"
        white = f"{built(0, high)} with the white of all images"
        return f"convert it to uint8 where 255 is white, else {white}"
    if not whole and high <= 1 + _OVERSHOOT:
        return "clip it to [0, 1], if an interpolation has left that range"
    if _BYTE // 2 < high <= _BYTE:
        return f"divide by 255, or {built(0, _BYTE)}"
    known = [2**bits - 1 for bits in _DEPTHS if high < 2**bits]
    others = f" (not {', '.join(map(str, known[1:]))})" if known[1:] else ""
    return f"{built(0, known[0] if known else high)} with the white of all images{others}"


def built(low: float, high: float) -> str:
    """A range around two values that can be pasted: whole numbers, or four digits.

    Example:
        >>> built(-0.2, 4094.6)
        'zoo.build(..., value_range=(-1, 4095))'
        >>> from zoo.spec.hints.spoken import Spoken, speaking
        >>> with speaking(Spoken(way="shell")):
        ...     built(0, 4095)
        "zoo fit ... --set 'model.value_range=[0, 4095]'"
    """
    whole = max(abs(low), abs(high)) >= _WHOLE or (float(low).is_integer() and float(high).is_integer())
    step = 1.0 if whole else 10.0 ** (math.floor(math.log10(high - low or 1)) - 3)
    ends = (round(math.floor(low / step) * step, _DIGITS), round(math.ceil(high / step) * step, _DIGITS))
    if spoken().way == "shell":
        return f"zoo fit ... --set 'model.value_range=[{said(ends)[1:-1]}]'"
    return f"zoo.build(..., value_range={said(ends)})"


def said(values: tuple[float, float]) -> str:
    """A range as it is typed.

    Example:
        >>> said((0.0, 4095.0)), said((-0.5, 1e6))
        ('(0, 4095)', '(-0.5, 1000000)')
    """
    return f"({', '.join(f'{v:.0f}' if float(v).is_integer() else repr(v) for v in values)})"


def few_bits(tops: Sequence[float]) -> str:
    """Words for images of 16 bits that use fewer of them; empty where they do not.

    Args:
        tops: highest value of each in [0, 1], where 1 is 65535.

    Example:
        >>> few_bits([4000 / 65535, 0.001]).partition(":")[0]
        'no value above 4000 of 65535, as in 12 bits, so nearly black'
        >>> few_bits([0.5])
        ''
    """
    top = round(max(tops, default=1) * _DEEP)
    bits = next((bits for bits in _FEWER if 0 < top < 2**bits), 0)
    if not bits:
        return ""
    white = 2**bits - 1
    way = f"{built(0, white)} makes {white} white"
    return f"no value above {top} of {_DEEP}, as in {bits} bits, so nearly black: {way}"
