"""The discriminator of SRGAN (Ledig et al., 2017)."""

from __future__ import annotations

from torch import nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block

SLOPE = 0.2
BLOCKS = 4


def conv_block(inputs: int, channels: int, *, batch_norm: bool, first: bool) -> Block:
    """Two 3 x 3 convolutions, the second with stride 2: N x inputs x H x W to N x channels x H/2 x W/2."""
    steps: dict[str, nn.Module] = {}
    for i in (1, 2):
        # Figure 4 has none behind the first convolution; batch norm takes the place of a bias
        normed = batch_norm and not (first and i == 1)
        steps[f"conv{i}"] = nn.Conv2d(inputs, channels, 3, stride=i, padding=1, bias=not normed)
        if normed:
            steps[f"bn{i}"] = nn.BatchNorm2d(channels)
        steps[f"lrelu{i}"] = nn.LeakyReLU(SLOPE)
        inputs = channels
    return Block(**steps)


class SRGANDiscriminator(Backbone):
    """Four blocks of two convolutions; block k ends at reduction 2^k.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, figure 4. With the head `binary`, `pool = "flatten"`, `hidden = [1024]`
    and `activation = "leaky-relu"` it is the paper's, but for the sigmoid, which is the loss' affair.

    Takes N x in_channels x H x W; returns N x 512 x H/16 x W/16 at the usual width, sizes rounded up.

    Args:
        in_channels: of the images.
        width: channels of the first block; each has twice as many as the one before.
        batch_norm: behind all convolutions but the first.

    Example:
        >>> import torch
        >>> SRGANDiscriminator(width=4)(torch.rand(2, 3, 96, 96)).shape
        torch.Size([2, 32, 6, 6])
    """

    def __init__(self, *, in_channels: int = 3, width: int = 64, batch_norm: bool = True) -> None:
        blocks, inputs = [], in_channels
        for k in range(BLOCKS):
            channels = width * 2**k
            blocks.append(conv_block(inputs, channels, batch_norm=batch_norm, first=k == 0))
            inputs = channels
        half = (0.5,) * in_channels
        super().__init__(
            blocks, input_spec=InputSpec(channels=in_channels, size=(96, 96), mean=half, std=half)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # He's normal distribution for the leaky ReLU that follows
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
