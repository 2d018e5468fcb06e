"""ResNet (He, Zhang, Ren and Sun, 2015)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_resnet import weights

CHANNELS = (64, 128, 256, 512)
# The max-pooling before block2 has halved the map already
STRIDES = (1, 2, 2, 2)
EXPANSION = 4
"""How many times wider a bottleneck's output is than its 3 x 3 convolution."""


def scaled(channels: int, width: float) -> int:
    """Channels times width, to the nearest multiple of 8, at least 8."""
    return max(8, 8 * round(channels * width / 8))


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the map's size at stride 1; batch norm follows, so that it has no bias."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class ResidualUnit(nn.Module):
    """`relu(branch(x) + shortcut(x))`, figure 2 and 5 of the paper.

    N x inputs x H x W to N x C x H/stride x W/stride, where C is `channels`, in a bottleneck four times that.

    Args:
        inputs: channels of the input.
        channels: channels of the 3 x 3 convolutions.
        stride: of the first 3 x 3 convolution; in a bottleneck, too ("version 1.5").
        bottleneck: 1 x 1, 3 x 3 and 1 x 1 convolutions instead of two of 3 x 3.
    """

    def __init__(self, *, inputs: int, channels: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        self.outputs = channels * EXPANSION if bottleneck else channels
        if bottleneck:
            convs = [
                conv(inputs, channels, 1),
                conv(channels, channels, 3, stride),
                conv(channels, self.outputs, 1),
            ]
        else:
            convs = [conv(inputs, channels, 3, stride), conv(channels, channels, 3)]
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        for i, layer in enumerate(convs, start=1):
            steps[f"conv{i}"] = layer
            steps[f"bn{i}"] = nn.BatchNorm2d(layer.out_channels)
            # The last ReLU comes after the sum
            if i < len(convs):
                steps[f"relu{i}"] = nn.ReLU()
        self.branch = nn.Sequential(steps)
        # Option B of the paper: a projection only where the shape changes
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != self.outputs:
            projection = OrderedDict(
                conv=conv(inputs, self.outputs, 1, stride), bn=nn.BatchNorm2d(self.outputs)
            )
            self.shortcut = nn.Sequential(projection)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        out: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return out

    def start_as_identity(self) -> None:
        """Sets the last batch norm's scale to zero, so that the branch adds nothing yet."""
        # A branch ends with batch norm, whose parameters are scale and shift in this order
        *_, scale, _shift = self.branch.parameters()
        nn.init.zeros_(scale)


def initialise(module: nn.Module) -> None:
    """He's normal distribution over the outputs for convolutions; torch's own for the rest."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(Backbone):
    """A 7 x 7 stem and four blocks of residual units: the paper's conv1 and conv2_x to conv5_x.

    Paper: Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385. As in torchvision,
    the 3 x 3 convolution of a bottleneck has the stride, not the 1 x 1 before it.

    Takes N x in_channels x H x W; returns N x C x H/32 x W/32, where C at width 1 is 512 with basic units and
    2048 with bottlenecks.

    Args:
        in_channels: channels of the images.
        unit: `basic` or `bottleneck`.
        layers: residual units in block2 to block5.
        width: multiplier of all channels, rounded to multiples of 8.
        zero_init: start each unit as the identity, by a scale of zero in its last batch norm.

    Raises:
        ValueError: `layers` has not four entries.

    Example:
        >>> import torch
        >>> resnet18 = ResNet(unit="basic", layers=(2, 2, 2, 2), width=0.125).eval()
        >>> resnet18(torch.rand(1, 3, 64, 64)).shape
        torch.Size([1, 64, 2, 2])
        >>> [info.shape for info in resnet18.block_infos((64, 64))]
        ['8x32x32', '8x16x16', '16x8x8', '32x4x4', '64x2x2']
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        unit: Literal["basic", "bottleneck"],
        layers: Sequence[int],
        width: float = 1.0,
        zero_init: bool = False,
    ) -> None:
        inputs = scaled(CHANNELS[0], width)
        stem = Block(conv1=conv(in_channels, inputs, 7, stride=2), bn1=nn.BatchNorm2d(inputs), relu=nn.ReLU())
        blocks = [stem]
        for channels, stride, count in zip(CHANNELS, STRIDES, layers, strict=True):
            units: dict[str, nn.Module] = {}
            for i in range(count):
                residual = ResidualUnit(
                    inputs=inputs,
                    channels=scaled(channels, width),
                    stride=stride if i == 0 else 1,
                    bottleneck=unit == "bottleneck",
                )
                units[f"unit{i + 1}"], inputs = residual, residual.outputs
            # The paper's conv2_x begins with the pooling, so block1 ends at reduction 2 and block2 at 4
            pool = {"pool": nn.MaxPool2d(3, stride=2, padding=1)} if len(blocks) == 1 else {}
            blocks.append(Block(**pool, **units))
        super().__init__(blocks, input_spec=InputSpec().with_channels(in_channels))
        self.layers = tuple(layers)
        self.apply(initialise)
        if zero_init:
            for module in self.modules():
                if isinstance(module, ResidualUnit):
                    module.start_as_identity()

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """Global average pooling and one linear layer.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.

        Example:
            >>> resnet18 = ResNet(unit="basic", layers=(2, 2, 2, 2), width=0.125)
            >>> resnet18.original_head(10, resnet18.block_infos((64, 64))[-1:]).fc
            Linear(in_features=64, out_features=10, bias=True)
        """
        return OriginalHead(
            inputs=inputs,
            classes=classes,
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(inputs[0].channels, classes),
        )

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """torchvision's or timm's state dict under this network's keys."""
        return weights.convert(state, self.layers)
