"""A small convolutional encoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block


class ConvEncoder(Backbone):
    """Blocks of two 3 x 3 convolutions, the second of which halves the map; block k ends at reduction 2^k.

    Paper: Striving for Simplicity, https://arxiv.org/abs/1412.6806: strided convolutions in the place of
    pooling, so that a decoder can tell where things were.

    Takes N x in_channels x H x W; returns N x C x H/2^k x W/2^k for k blocks, sizes rounded up, C the last of
    `channels`.

    Args:
        in_channels: channels of the images.
        channels: channels of each block.
        batch_norm: batch norm after each convolution.

    Example:
        >>> import torch
        >>> net = ConvEncoder(in_channels=1)
        >>> net(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 64, 2, 2])
    """

    def __init__(
        self, *, in_channels: int = 3, channels: Sequence[int] = (32, 64), batch_norm: bool = True
    ) -> None:
        blocks, inputs = [], in_channels
        for outputs in channels:
            steps: dict[str, nn.Module] = {}
            # The convolution that halves is the last, so that a block ends at the new reduction
            for i, stride in enumerate((1, 2), start=1):
                steps[f"conv{i}"] = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=not batch_norm)
                if batch_norm:
                    steps[f"bn{i}"] = nn.BatchNorm2d(outputs)
                steps[f"relu{i}"] = nn.ReLU()
                inputs = outputs
            blocks.append(Block(**steps))
        half = (0.5,) * in_channels
        spec = InputSpec(channels=in_channels, size=(32, 32), mean=half, std=half)
        super().__init__(blocks, input_spec=spec)
