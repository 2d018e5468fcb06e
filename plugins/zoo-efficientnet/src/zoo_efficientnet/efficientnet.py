"""EfficientNet (Tan & Le, 2019), and EfficientNet-Lite (Liu, 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_efficientnet import weights
from zoo_efficientnet.config import Row, resolution
from zoo_efficientnet.units import ConvNorm, Unit, scaled


def initialise(module: nn.Module) -> None:
    """He's normal distribution over outputs for convolutions, uniform to 1/sqrt(outputs) for linear ones."""
    if isinstance(module, nn.Conv2d):
        # As TensorFlow counts: of a depthwise convolution torch's own fan-out is too large by its groups
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
    elif isinstance(module, nn.Linear):
        # TensorFlow's too, over outputs where torch takes inputs
        bound = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def deepened(rows: Sequence[Row], depth: float, *, fixed_ends: bool) -> list[Row]:
    """The rows with their repeats times depth, rounded up.

    Args:
        rows: the paper's table.
        depth: multiplier.
        fixed_ends: leave the first and last row.

    Example:
        >>> from zoo_efficientnet.config import TABLE
        >>> [row.repeats for row in deepened(TABLE, 1.1, fixed_ends=True)]
        [1, 3, 3, 4, 4, 5, 1]
    """
    ends = (0, len(rows) - 1) if fixed_ends else ()
    return [
        row if i in ends else row._replace(repeats=math.ceil(row.repeats * depth))
        for i, row in enumerate(rows)
    ]


class EfficientNet(Backbone):
    """A strided 3 x 3 convolution, rows of inverted residuals, and a last 1 x 1 convolution.

    Papers: EfficientNet https://arxiv.org/abs/1905.11946; Lite, with ReLU6 and no squeeze-and-excitation,
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.

    Each unit with a stride starts a new block, so that block k ends at reduction 2^k; the last convolution
    belongs to the last block. Takes N x in_channels x H x W; returns N x C x H/32 x W/32, rounded up.

    Args:
        in_channels: channels of the images.
        width: multiplier of all channels, rounded to multiples of 8.
        depth: multiplier of the rows' repeats, rounded up.
        rows: the paper's table; see `zoo_efficientnet.config.Row`.
        stem: channels of the first convolution.
        last: channels of the last 1 x 1 convolution.
        fixed_ends: do not scale `stem`, `last` and the repeats of the first and last row (Lite).
        squeeze: squeeze-and-excitation's share of a unit's input channels; 0 leaves it out (Lite).
        activation: `silu`, or `relu6` (Lite).
        dropout: dropout rate of the original head.
        drop_path: stochastic depth; a unit's rate rises linearly with its number, from 0 towards this.
        padding: `same` as TensorFlow pads, which is not symmetric and depends on the image's size, or
            `symmetric` as PyTorch does. timm's weights had the first in training, torchvision's the second.
        bn_eps: batch norm's epsilon; timm's weights had 1e-3.

    Example:
        >>> import torch
        >>> from zoo_efficientnet.config import EfficientNetB0
        >>> b0 = EfficientNet(**EfficientNetB0(width=0.125).model_dump()).eval()
        >>> [info.shape for info in b0.block_infos((64, 64))]
        ['8x32x32', '8x16x16', '8x8x8', '16x4x4', '160x2x2']
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        width: float,
        depth: float,
        rows: Sequence[Sequence[Any]],
        stem: int = 32,
        last: int = 1280,
        fixed_ends: bool,
        squeeze: float,
        activation: str,
        dropout: float,
        drop_path: float = 0.2,
        padding: str = "same",
        bn_eps: float = 1e-3,
    ) -> None:
        table = deepened([Row(*values) for values in rows], depth, fixed_ends=fixed_ends)
        total = sum(row.repeats for row in table)
        common: dict[str, Any] = {"padding": padding, "bn_eps": bn_eps, "activation": activation}
        channels = stem if fixed_ends else scaled(stem, width)
        blocks = [dict(ConvNorm(in_channels, channels, kernel=3, stride=2, **common).named_children())]
        layout: list[weights.UnitNames] = []
        for i, row in enumerate(table):
            outputs = scaled(row.channels, width)
            for place in range(row.repeats):
                stride = row.stride if place == 0 else 1
                if stride > 1:
                    blocks.append({})
                # Numbered within its block; block1 holds the stem's layers besides
                step = f"unit{sum(name.startswith('unit') for name in blocks[-1]) + 1}"
                blocks[-1][step] = Unit(
                    inputs=channels,
                    outputs=outputs,
                    expansion=row.expansion,
                    kernel=row.kernel,
                    stride=stride,
                    squeeze=squeeze,
                    # As TensorFlow: the first drops nothing, and the last not quite the full rate
                    drop_path=drop_path * len(layout) / total,
                    **common,
                )
                path = f"block{len(blocks)}.{step}"
                layout.append(weights.UnitNames(path, i, place, row.expansion > 1))
                channels = outputs
        closing = last if fixed_ends else scaled(last, width)
        blocks[-1] |= dict(ConvNorm(channels, closing, **common).named_children())
        # Without published weights, which say their own size
        side = resolution(width, depth, fixed_ends=fixed_ends)
        spec = InputSpec(size=(side, side), interpolation="bicubic").with_channels(in_channels)
        super().__init__([Block(**steps) for steps in blocks], input_spec=spec)
        self.dropout, self.layout = dropout, layout
        self.apply(initialise)

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """Global average pooling, dropout and one linear layer.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.

        Example:
            >>> from zoo_efficientnet.config import EfficientNetB0
            >>> b0 = EfficientNet(**EfficientNetB0(width=0.125).model_dump())
            >>> b0.original_head(10, b0.block_infos((64, 64))[-1:]).fc
            Linear(in_features=160, out_features=10, bias=True)
        """
        steps: dict[str, nn.Module] = {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        steps |= {"dropout": nn.Dropout(self.dropout), "fc": nn.Linear(inputs[0].channels, classes)}
        return OriginalHead(inputs=inputs, classes=classes, **steps).apply(initialise)

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """timm's state dict, torchvision's or a Lite package's, under this network's keys."""
        return weights.convert(state, self.layout, last=self.block_names[-1])
