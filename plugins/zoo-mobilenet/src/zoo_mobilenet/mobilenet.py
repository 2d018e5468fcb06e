"""MobileNet V1 (Howard et al., 2017), V2 (Sandler et al., 2018) and V3 (Howard et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_mobilenet import weights
from zoo_mobilenet.config import Row
from zoo_mobilenet.units import ACTIVATIONS, ConvNorm, Unit, scaled


def initialise(module: nn.Module) -> None:
    """He's normal distribution over the outputs for convolutions, N(0, 0.01) for linear layers, no biases."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class MobileNet(Backbone):
    """A strided 3 x 3 convolution, rows of depthwise units, and in V2 and V3 a last 1 x 1 convolution.

    Papers: V1 https://arxiv.org/abs/1704.04861, V2 https://arxiv.org/abs/1801.04381,
    V3 https://arxiv.org/abs/1905.02244.

    Each unit with a stride starts a new block, so that block k ends at reduction 2^k; the last convolution
    belongs to the last block. Takes N x in_channels x H x W; returns N x C x H/32 x W/32.

    The layer before the classifier, the widest one, is not made narrower by a width below 1, as the V2 paper
    has it: `hidden` where there is one, else `last`.

    Args:
        in_channels: channels of the images.
        unit: `separable` (V1) or `bottleneck` (V2, V3).
        rows: the paper's table; see `zoo_mobilenet.config.Row`.
        stem: channels of the first convolution.
        last: channels of the last 1 x 1 convolution; 0 leaves it out.
        hidden: units of the original head's hidden layer; 0 leaves it out.
        activation: after the first and last convolution and in the original head.
        width: multiplier of all channels, rounded to multiples of 8.
        bn_eps: batch norm's epsilon; the published weights had 1e-5 in training, torchvision's V3 had 1e-3.
        dropout: dropout rate of the original head.

    Example:
        >>> import torch
        >>> from zoo_mobilenet.config import MobileNetV2
        >>> v2 = MobileNet(**MobileNetV2(width=0.125).model_dump()).eval()
        >>> [info.shape for info in v2.block_infos((64, 64))]
        ['8x32x32', '8x16x16', '8x8x8', '16x4x4', '1280x2x2']
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        unit: str,
        rows: Sequence[Sequence[Any]],
        stem: int,
        last: int,
        hidden: int,
        activation: str,
        width: float = 1.0,
        bn_eps: float = 1e-5,
        dropout: float,
    ) -> None:
        channels = scaled(stem, width)
        first = ConvNorm(in_channels, channels, kernel=3, stride=2, bn_eps=bn_eps, activation=activation)
        blocks: list[dict[str, nn.Module]] = [dict(first.named_children())]
        layout, number = [], 0
        for row in (Row(*values) for values in rows):
            outputs = scaled(row.channels, width)
            for stride in row.strides:
                if stride > 1:
                    blocks.append({})
                    number = 0
                number += 1
                member = Unit(
                    inputs=channels,
                    outputs=outputs,
                    expansion=row.expansion,
                    kernel=row.kernel,
                    stride=stride,
                    squeeze=row.squeeze,
                    activation=row.activation,
                    linear=unit == "bottleneck",
                    bn_eps=bn_eps,
                )
                blocks[-1][f"unit{number}"] = member
                path = f"block{len(blocks)}.unit{number}"
                # Channels at width 1, which tell timm's stages apart where narrow rows are equal
                layout.append(
                    weights.UnitNames(path, tuple(dict(member.branch.named_children())), row.channels)
                )
                channels = outputs
        if last:
            # V3 scales this one and keeps `hidden`; V2 has no `hidden` and keeps this one
            closing = scaled(last, width if hidden else max(width, 1))
            blocks[-1] |= dict(
                ConvNorm(channels, closing, bn_eps=bn_eps, activation=activation).named_children()
            )
        super().__init__(
            [Block(**steps) for steps in blocks], input_spec=InputSpec().with_channels(in_channels)
        )
        self.hidden = scaled(hidden, max(width, 1)) if hidden else 0
        self.activation, self.dropout, self.layout = activation, dropout, layout
        self.apply(initialise)

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """Global average pooling, in V3 a hidden layer, dropout and one linear layer.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.

        Example:
            >>> from zoo_mobilenet.config import MobileNetV2
            >>> v2 = MobileNet(**MobileNetV2(width=0.125).model_dump())
            >>> v2.original_head(10, v2.block_infos((64, 64))[-1:]).fc
            Linear(in_features=1280, out_features=10, bias=True)
        """
        features = inputs[0].channels
        steps: dict[str, nn.Module] = {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        if self.hidden:
            steps["fc1"] = nn.Linear(features, self.hidden)
            steps["act"] = ACTIVATIONS[self.activation]()
        # After the hidden layer, if there is one, as in the published heads
        steps["dropout"] = nn.Dropout(self.dropout)
        steps["fc2" if self.hidden else "fc"] = nn.Linear(self.hidden or features, classes)
        return OriginalHead(inputs=inputs, classes=classes, **steps).apply(initialise)

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """torchvision's or timm's state dict under this network's keys."""
        return weights.convert(state, self.layout, last=self.block_names[-1], hidden=bool(self.hidden))
