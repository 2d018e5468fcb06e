"""Binary cross-entropy of images."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.errors import ShapeError
from zoo.interfaces import Loss


class PixelBCE(Loss):
    """Binary cross-entropy of pixel values, each read as the probability of ink.

    Example:
        >>> half = torch.full((1, 1, 2, 2), 0.5)
        >>> round(float(PixelBCE()(half, half)), 4)
        0.6931
    """

    cuts = True
    tasks = ("reconstruction",)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x C x H x W in [0, 1] of each.

        Raises:
            ShapeError: they are of different shapes.
        """
        if output.shape != target.shape:
            shapes = (" x ".join(map(str, x.shape)) for x in (output, target))
            raise ShapeError("loss pixel-bce", expected="output and target alike", got=" and ".join(shapes))
        output = output.float()  # torch's own refuses half precision
        # The logarithm stays finite where the network is sure and wrong
        ink, paper = (x.clamp(min=torch.finfo(x.dtype).tiny).log() for x in (output, 1 - output))
        return -(target * ink + (1 - target) * paper).mean()
