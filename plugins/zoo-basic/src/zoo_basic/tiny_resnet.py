"""A residual network for small images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_basic.inputs import small_images


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the map's size at stride 1."""
    # Batch norm follows, so that it has no bias
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


class ResidualUnit(nn.Module):
    """`relu(branch(x) + shortcut(x))` with two 3 x 3 convolutions in the branch.

    Args:
        inputs: channels of the input, N x inputs x H x W.
        outputs: channels of the output, N x outputs x H/stride x W/stride.
        stride: of the first convolution.
    """

    def __init__(self, *, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        branch: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=conv3x3(inputs, outputs, stride),
            bn1=nn.BatchNorm2d(outputs),
            relu1=nn.ReLU(),
            conv2=conv3x3(outputs, outputs),
            bn2=nn.BatchNorm2d(outputs),
        )
        self.branch = nn.Sequential(branch)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            # Section 4.2 of the paper pads with zeros instead (option A)
            projection: OrderedDict[str, nn.Module] = OrderedDict(
                conv=nn.Conv2d(inputs, outputs, 1, stride, bias=False), bn=nn.BatchNorm2d(outputs)
            )
            self.shortcut = nn.Sequential(projection)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        out: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return out


def initialise(module: nn.Module) -> None:
    """He's normal distribution over the outputs for convolutions; torch's own for the rest."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class TinyResNet(Backbone):
    """A 3 x 3 stem in `block1` and `units` residual units in each block; block k ends at reduction 2^(k - 1).

    Paper: Deep Residual Learning for Image Recognition, section 4.2, https://arxiv.org/abs/1512.03385, here
    with 14 layers and projections as shortcuts: 174,608 parameters, 0.7 MB.

    Takes N x in_channels x H x W; returns N x 64 x H/4 x W/4, sizes rounded up.

    Args:
        in_channels: channels of the images.
        channels: channels of each block.
        units: residual units in each block.

    Example:
        >>> import torch
        >>> net = TinyResNet().eval()
        >>> [info.shape for info in net.block_infos((25, 25))]
        ['16x25x25', '32x13x13', '64x7x7']
    """

    def __init__(
        self, *, in_channels: int = 3, channels: Sequence[int] = (16, 32, 64), units: int = 2
    ) -> None:
        inputs = channels[0]
        blocks: list[Block] = []
        for outputs in channels:
            first = not blocks
            steps: dict[str, nn.Module] = {}
            if first:
                steps = {
                    "conv1": conv3x3(in_channels, inputs),
                    "bn1": nn.BatchNorm2d(inputs),
                    "relu": nn.ReLU(),
                }
            for i in range(1, units + 1):
                # block1 works at the image's own size
                stride = 2 if i == 1 and not first else 1
                steps[f"unit{i}"] = ResidualUnit(inputs=inputs, outputs=outputs, stride=stride)
                inputs = outputs
            blocks.append(Block(**steps))
        super().__init__(blocks, input_spec=small_images(in_channels))
        self.apply(initialise)

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """Global average pooling and one linear layer.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.
        """
        return OriginalHead(
            inputs=inputs,
            classes=classes,
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(inputs[0].channels, classes),
        )
