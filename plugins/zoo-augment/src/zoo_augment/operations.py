"""Operations that policies draw from: those of torchvision's `RandAugment`, on floats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from zoo_augment.colour import contrasted, saturated
from zoo_augment.filters import sharpened
from zoo_augment.geometry import Size, affine, rotation

_BYTE = 255

Move = Callable[[Tensor, Size], Tensor]
"""N magnitudes and a size to N x 3 x 3 matrices from output to input, about the middle."""

Change = Callable[[Tensor, Tensor], Tensor]
"""N x C x H x W in [0, 1] and N x 1 x 1 x 1 magnitudes to images that need not stay in [0, 1]."""


def posterized(x: Tensor, bits: Tensor) -> Tensor:
    """Values cut to so many bits; those of 8 are whole 256ths."""
    levels = 2**bits
    return (x * levels).floor().minimum(levels - 1) / levels


def solarized(x: Tensor, threshold: Tensor) -> Tensor:
    """The negative of the values from a threshold on."""
    return torch.where(x >= threshold, 1 - x, x)


def autocontrasted(x: Tensor, magnitude: Tensor | None = None) -> Tensor:
    """Each channel stretched to [0, 1]; a flat one stays."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    flat = high == low
    return (x - torch.where(flat, 0, low)) / torch.where(flat, 1, high - low)


def equalized(x: Tensor, magnitude: Tensor | None = None) -> Tensor:
    """Each channel's histogram made even, in 256 steps, by Pillow's rule."""
    n, c, height, width = x.shape
    # As torchvision turns floats into bytes
    index = x.mul(_BYTE + 1 - 1e-3).long().clamp(0, _BYTE).view(n * c, height * width)
    counts = torch.zeros(n * c, _BYTE + 1, dtype=torch.long, device=x.device)
    counts.scatter_add_(1, index, torch.ones_like(index))
    total = counts.cumsum(1)
    # Pixels of the largest value do not count
    step = (height * width - counts.gather(1, total.argmax(1, keepdim=True))) // _BYTE
    table = ((total - counts + step // 2) // step.clamp(min=1)).clamp(0, _BYTE)
    found = torch.where(step > 0, table.gather(1, index), index)
    return found.view(x.shape).to(x) / _BYTE


def _sheared_x(slopes: Tensor, size: Size) -> Tensor:
    # About the upper left corner
    return affine(1, slopes, slopes * size[0] / 2, 0, 1, 0, count=len(slopes))


def _sheared_y(slopes: Tensor, size: Size) -> Tensor:
    return affine(1, 0, 0, slopes, 1, slopes * size[1] / 2, count=len(slopes))


MOVES: Mapping[str, Move] = MappingProxyType(
    {
        "shear-x": _sheared_x,
        "shear-y": _sheared_y,
        "translate-x": lambda m, _: affine(1, 0, -m.trunc(), 0, 1, 0, count=len(m)),
        "translate-y": lambda m, _: affine(1, 0, 0, 0, 1, -m.trunc(), count=len(m)),
        "rotate": lambda m, _: rotation(m.deg2rad()),
    }
)

CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "brightness": lambda x, m: x * (1 + m),
        "color": lambda x, m: saturated(x, 1 + m) if x.shape[1] == 3 else x,
        "contrast": lambda x, m: contrasted(x, 1 + m),
        "sharpness": lambda x, m: sharpened(x, 1 + m),
        "posterize": posterized,
        "solarize": solarized,
        "autocontrast": autocontrasted,
        "equalize": equalized,
    }
)

IDENTITY = "identity"
NAMES = (IDENTITY, *MOVES, *CHANGES)
SIGNED = frozenset({*MOVES, "brightness", "color", "contrast", "sharpness"})
"""Operations whose magnitude goes either way."""
