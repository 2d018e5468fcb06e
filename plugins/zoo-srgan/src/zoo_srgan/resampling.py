"""Bicubic resampling of batches, with the kernel (a = -0.5) and antialiasing of MATLAB and Pillow."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

LEVELS = 255
"""Steps between 0 and 1 in a file of 8 bits."""


def rounded(x: Tensor) -> Tensor:
    """Values in [0, 1] as a file of 8 bits holds them.

    Example:
        >>> import torch
        >>> rounded(torch.tensor([-1.0, 1.2])).tolist()
        [0.0, 1.0]
    """
    return (x.clamp(0, 1) * LEVELS).round() / LEVELS


def shrink(x: Tensor, scale: int) -> Tensor:
    """N x C x H x W in [0, 1] to the small image N x C x H/scale x W/scale, in steps of 8 bits.

    Args:
        x: height and width are multiples of `scale`.
        scale: factor.
    """
    # In steps of bytes, as a small image from a file would be
    size = x.shape[2] // scale, x.shape[3] // scale
    return rounded(F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False))


def enlarge(x: Tensor, scale: int) -> Tensor:
    """N x C x H x W in [0, 1] to N x C x scale H x scale W in [0, 1]: the yardstick of the field."""
    size = x.shape[2] * scale, x.shape[3] * scale
    # Only with `antialias` is torch's kernel a = -0.5; without it a = -0.75, even to enlarge
    y = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
    return y.clamp(0, 1)


def multiple(x: Tensor, scale: int) -> Tensor:
    """The image cut to multiples of `scale`, without the last rows and columns."""
    return x[..., : x.shape[-2] // scale * scale, : x.shape[-1] // scale * scale]
