"""Logits as figures of ranks need them: in their order, wide enough, without the noise of sums."""

from __future__ import annotations

import math

from torch import Tensor

_FINEST = 2.0**36
"""Parts of 1 that logarithms of odds are told apart by."""


EPSILON = 1e-6
"""Shares nearer to 0 or 1 count as so near: their logits would be infinite."""


def in_order(odds: Tensor) -> Tensor:
    """Logits, or logarithms of odds, as numbers in [0, 1] in the same order, however large they are.

    Example:
        >>> import torch
        >>> in_order(torch.tensor([-200.0, 0.0, 30.0, 40.0])).diff().gt(0).tolist()
        [True, True, True]
    """
    # Of the sigmoid, whose tails fall faster than any precision, no order would be left
    return odds.atan() / math.pi + 0.5


def widened(logits: Tensor) -> Tensor:
    """Logits in double precision, where the device has it."""
    return logits.float() if logits.device.type == "mps" else logits.double()


def settled(odds: Tensor) -> Tensor:
    """Odds without the digits that the order of sums decides: answers that are alike stay alike."""
    # Logits are float32, so that what is finer is noise; around 0 float32 is finer than sums are
    return odds.mul(_FINEST).round().div(_FINEST).float().to(odds.dtype)
