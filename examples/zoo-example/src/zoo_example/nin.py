"""Network in Network (Lin, Chen and Yan, 2013)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead

KERNELS = (5, 5, 3)


class NIN(Backbone):
    """Three blocks, each a convolution followed by two 1 x 1 convolutions.

    Paper: Network In Network, https://arxiv.org/abs/1312.4400

    Takes N x in_channels x H x W; returns N x channels[2] x H/4 x W/4.

    Args:
        in_channels: channels of the images.
        channels: of each block.
        dropout: dropout rate after the first two blocks.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        channels: Sequence[int] = (192, 192, 192),
        dropout: float = 0.5,
    ) -> None:
        blocks, inputs = [], in_channels
        for i, (outputs, kernel) in enumerate(zip(channels, KERNELS, strict=True)):
            steps: dict[str, nn.Module] = {
                "conv1": nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
                "relu1": nn.ReLU(),
                "conv2": nn.Conv2d(outputs, outputs, 1),
                "relu2": nn.ReLU(),
                "conv3": nn.Conv2d(outputs, outputs, 1),
                "relu3": nn.ReLU(),
            }
            if i < 2:
                steps |= {"pool": nn.MaxPool2d(3, stride=2, padding=1), "dropout": nn.Dropout(dropout)}
            blocks.append(Block(**steps))
            inputs = outputs
        half = (0.5,) * in_channels
        super().__init__(
            blocks, input_spec=InputSpec(channels=in_channels, size=(32, 32), mean=half, std=half)
        )

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """A 1 x 1 convolution with one channel a class, averaged over the map.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.
        """
        return OriginalHead(
            inputs=inputs,
            classes=classes,
            conv=nn.Conv2d(inputs[0].channels, classes, 1),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
        )

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights of the same network written as one `nn.Sequential`: `0.weight` is `block1.conv1.weight`."""
        steps = [name for name, _ in self.steps()]
        names = {str(i): name for i, name in enumerate([*steps, "head.conv"])}
        converted = {}
        for key, tensor in state.items():
            module, dot, leaf = key.partition(".")
            converted[f"{names.get(module, module)}{dot}{leaf}"] = tensor
        return converted
