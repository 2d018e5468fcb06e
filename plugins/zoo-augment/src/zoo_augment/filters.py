"""Augmenters that weigh a pixel against those around it: sharper, with stronger edges, or without texture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_augment.changes import Changed, Factors, luma
from zoo_augment.geometry import Range, as_range, spread


class Sharpen(Changed):
    """Stretches values away from those of the smoothed image, as Pillow and torchvision do.

    Args:
        factor: least and largest; 0 smooths, 1 changes nothing, 2 sharpens.
        p: probability that an image is changed.

    Example:
        >>> from zoo.interfaces import draws
        >>> batch = {"image": torch.rand(2, 3, 8, 8)}
        >>> torch.allclose(Sharpen(factor=(1, 1))(batch, draws(0, 1, [0, 1]))["image"], batch["image"])
        True
    """

    def __init__(self, *, factor: Factors = (1.0, 3.0), p: float = 1.0) -> None:
        super().__init__(p=p)
        self.factor = factor

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return sharpened(x, spread(numbers, *self.factor))


def sharpened(x: Tensor, factor: Tensor) -> Tensor:
    """Images blended with their smoothed version; the border of one pixel stays.

    Args:
        x: N x C x H x W.
        factor: N x 1 x 1 x 1; 1 changes nothing.
    """
    if min(x.shape[2:]) < 3:
        return x
    smooth = x.clone()
    # Pillow's SMOOTH: 1 around 5
    smooth[..., 1:-1, 1:-1] = (9 * F.avg_pool2d(x, 3, stride=1) + 4 * x[..., 1:-1, 1:-1]) / 13
    return torch.lerp(smooth, x, factor)


class Edges(Changed):
    """Adds the Laplacian of an image to it, so that edges stand out: edge-enhanced.

    A strength of 0.5 is Pillow's `EDGE_ENHANCE`, one of 1 its `EDGE_ENHANCE_MORE`.

    Args:
        strength: share of the Laplacian; a number or a range.
        p: probability that an image is changed.
    """

    def __init__(self, *, strength: Range = (0.2, 1.0), p: float = 1.0) -> None:
        super().__init__(p=p)
        self.strength = as_range(strength)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return x + 9 * spread(numbers, *self.strength) * (x - _box(x, 1))


class SalientEdges(Changed):
    """The map of an image's strong edges in its place: white on black, in all channels.

    Sobel's gradient of the gray image, divided by its maximum; edges weaker than the threshold are black.

    Args:
        threshold: share of the strongest edge that an edge needs; a number or a range.
        p: probability that an image is changed.
    """

    def __init__(self, *, threshold: Range = (0.1, 0.3), p: float = 0.5) -> None:
        super().__init__(p=p)
        self.threshold = as_range(threshold)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        gray = luma(x) if x.shape[1] == 3 else x.mean(1, keepdim=True)
        across = x.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
        slopes = F.conv2d(F.pad(gray, [1] * 4, mode="replicate"), torch.stack([across, across.T])[:, None])
        edges = slopes.square().sum(1, keepdim=True).sqrt()
        strongest = edges.amax((2, 3), keepdim=True)
        # A flat image has no edge to divide by
        edges = edges / torch.where(strongest > 0, strongest, 1)
        return (edges * (edges >= spread(numbers, *self.threshold))).expand_as(x)


class DeTexturise(Changed):
    """Smooths texture and keeps edges, by the guided filter with an image as its own guide.

    K. He, J. Sun, X. Tang, "Guided Image Filtering", https://doi.org/10.1109/TPAMI.2012.213. Networks lean on
    texture more than people do: https://arxiv.org/abs/1811.12231.

    Args:
        contrast: standard deviation below which a neighbourhood is smoothed; a number or a range.
        radius: of the neighbourhood, in pixels.
        p: probability that an image is changed.
    """

    def __init__(self, *, contrast: Range = (0.05, 0.2), radius: int = 3, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.contrast, self.radius = as_range(contrast), radius

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        mean = _box(x, self.radius)
        variance = (_box(x * x, self.radius) - mean * mean).clamp(min=0)
        kept = variance / (variance + spread(numbers, *self.contrast) ** 2)
        return _box(kept, self.radius) * x + _box((1 - kept) * mean, self.radius)


def _box(x: Tensor, radius: int) -> Tensor:
    """Means over squares of `2 * radius + 1` pixels; outside stands the nearest pixel."""
    return F.avg_pool2d(F.pad(x, [radius] * 4, mode="replicate"), 2 * radius + 1, stride=1)
