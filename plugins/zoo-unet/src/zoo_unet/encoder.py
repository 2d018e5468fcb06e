"""The contracting path of the U-Net (Ronneberger, Fischer and Brox, 2015)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from zoo.interfaces import Backbone, Block
from zoo_unet.units import ConvPair, initialise, input_spec


class UNetEncoder(Backbone):
    """Pairs of 3 x 3 convolutions with max-poolings between them; block k ends at reduction 2^(k - 1).

    Paper: U-Net: Convolutional Networks for Biomedical Image Segmentation, https://arxiv.org/abs/1505.04597.
    Other than there the convolutions keep the map's size and, unless told otherwise, have batch norm.

    Takes N x in_channels x H x W; returns N x C x H/2^(k - 1) x W/2^(k - 1) for k blocks, sizes rounded up, C
    the last of `widths`.

    Args:
        in_channels: channels of the images.
        widths: channels of each block.
        batch_norm: batch norm after each convolution.
        residual: a shortcut around each pair of convolutions.

    Example:
        >>> import torch
        >>> encoder = UNetEncoder(in_channels=1, widths=(4, 8, 16))
        >>> encoder(torch.rand(2, 1, 25, 25)).shape
        torch.Size([2, 16, 7, 7])
        >>> [info.shape for info in encoder.pyramid((32, 32))]
        ['4x32x32', '8x16x16', '16x8x8']
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        batch_norm: bool = True,
        residual: bool = False,
    ) -> None:
        blocks: list[Block] = []
        for inputs, outputs in zip((in_channels, *widths), widths, strict=False):
            # Rounded up, so that a map of one pixel stays one
            steps: dict[str, nn.Module] = {"pool": nn.MaxPool2d(2, ceil_mode=True)} if blocks else {}
            steps["pair"] = ConvPair(inputs=inputs, outputs=outputs, batch_norm=batch_norm, residual=residual)
            blocks.append(Block(**steps))
        super().__init__(blocks, input_spec=input_spec(in_channels))
        self.apply(initialise)
