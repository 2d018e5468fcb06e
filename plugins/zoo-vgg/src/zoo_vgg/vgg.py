"""VGG (Simonyan and Zisserman, 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_vgg import weights

CHANNELS = (64, 128, 256, 512, 512)
GRID = 7
"""Height and width of the map that the original head takes."""


def scaled(channels: int, width: float) -> int:
    """Channels times width, to the nearest multiple of 8, at least 8."""
    return max(8, 8 * round(channels * width / 8))


def conv_block(inputs: int, channels: int, layers: int, batch_norm: bool) -> Block:
    """`conv1`, (`bn1`,) `relu1`, `conv2`, ... and `pool`: N x inputs x H x W to N x channels x H/2 x W/2."""
    steps: dict[str, nn.Module] = {}
    for i in range(1, layers + 1):
        # With a bias also before batch norm, as the published weights have it
        steps[f"conv{i}"] = nn.Conv2d(inputs, channels, kernel_size=3, padding=1)
        if batch_norm:
            steps[f"bn{i}"] = nn.BatchNorm2d(channels)
        steps[f"relu{i}"] = nn.ReLU()
        inputs = channels
    # The pool closes its block, so that a tap `block5` is what the paper's head takes
    return Block(**steps, pool=nn.MaxPool2d(kernel_size=2, stride=2))


def initialise(module: nn.Module) -> None:
    """He's normal distribution over the outputs for convolutions, N(0, 0.01) for linear layers, no biases."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class VGG(Backbone):
    """Five blocks of 3 x 3 convolutions, each closed by a 2 x 2 max-pooling.

    Paper: Very Deep Convolutional Networks for Large-Scale Image Recognition, https://arxiv.org/abs/1409.1556

    Takes N x in_channels x H x W with H and W of at least 32; returns N x 512 x H/32 x W/32 at width 1.

    Args:
        in_channels: channels of the images.
        layers: convolutions in each of the five blocks.
        batch_norm: batch norm between convolution and ReLU.
        width: multiplier of all channels, rounded to multiples of 8.
        hidden: units of the two hidden layers of the original head.
        dropout: dropout rate of the original head.

    Raises:
        ValueError: `layers` has not five entries.

    Example:
        >>> import torch
        >>> vgg11 = VGG(layers=(1, 1, 2, 2, 2), batch_norm=False, width=0.125)
        >>> vgg11(torch.rand(1, 3, 64, 64)).shape
        torch.Size([1, 64, 2, 2])
        >>> list(vgg11.taps(torch.rand(1, 3, 64, 64), ["block3.conv2", "block4"]))
        ['block3.conv2', 'block4']
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        layers: Sequence[int],
        batch_norm: bool,
        width: float = 1.0,
        hidden: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        blocks, inputs = [], in_channels
        for channels, count in zip(CHANNELS, layers, strict=True):
            outputs = scaled(channels, width)
            blocks.append(conv_block(inputs, outputs, count, batch_norm))
            inputs = outputs
        super().__init__(blocks, input_spec=InputSpec().with_channels(in_channels))
        self.hidden, self.dropout = hidden, dropout
        self.apply(initialise)

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """Average pooling to 7 x 7 and three fully connected layers.

        Args:
            classes: length of the output vector.
            inputs: description of the last map.

        Example:
            >>> vgg11 = VGG(layers=(1, 1, 2, 2, 2), batch_norm=False, width=0.125, hidden=16)
            >>> vgg11.original_head(10, vgg11.block_infos((64, 64))[-1:]).fc3
            Linear(in_features=16, out_features=10, bias=True)
        """
        head = OriginalHead(
            inputs=inputs,
            classes=classes,
            # At 224 pixels the map is 7 x 7 already, and this does nothing; it lets other sizes in
            avgpool=nn.AdaptiveAvgPool2d(GRID),
            flatten=nn.Flatten(),
            fc1=nn.Linear(inputs[0].channels * GRID * GRID, self.hidden),
            relu1=nn.ReLU(),
            dropout1=nn.Dropout(self.dropout),
            fc2=nn.Linear(self.hidden, self.hidden),
            relu2=nn.ReLU(),
            dropout2=nn.Dropout(self.dropout),
            fc3=nn.Linear(self.hidden, classes),
        )
        # The constructor's `apply` reached the backbone alone
        return head.apply(initialise)

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """torchvision's or timm's state dict under this network's keys."""
        return weights.convert(state, [name for name, _ in self.steps()])
