"""Advice on images whose values have another scale than [0, 1], from the values themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_BYTE, _DEPTHS = 255, (8, 10, 12, 16)
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
        >>> advice(np.array([-1.0, 0.5, 1.0]))[1]
        'x / 2 + 0.5, if it was scaled to [-1, 1]; if it was normalised, undo that (x * std + mean)'
        >>> advice(np.array([0.0, 200.0]))[1]
        'divide by 255'
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
        return f"x / 2 + 0.5, if it was scaled to [-1, 1]; if it was normalised, {undo}"
    if not whole and max(-low, high) <= _DEVIATIONS:
        return f"if it was normalised by mean and std, {undo}: the model normalises inside"
    return "choose the lowest and highest value that matter, the same for all images, and give " + (
        "(x - low) / (high - low), clipped to [0, 1]"
    )


def _above(high: float, whole: bool, dtype: np.dtype[Any]) -> str:
    if dtype.kind in "iu" and high <= _BYTE:
        if high > _BYTE // 2:
            return "convert it to uint8"
        return "convert it to uint8 where 255 is white, else divide by white, the same for all images"
    if not whole and high <= 1 + _OVERSHOOT:
        return "clip it to [0, 1], if an interpolation has left that range"
    if _BYTE // 2 < high <= _BYTE:
        return "divide by 255"
    known = [f"{2**bits - 1} of {bits} bits" for bits in _DEPTHS if high < 2**bits]
    return f"divide by white ({', '.join(known) or 'of its scale'}), the same for all images"
