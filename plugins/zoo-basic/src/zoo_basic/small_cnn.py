"""A plain convolutional network, as in Chollet's Deep Learning with Python."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from zoo.errors import ShapeError
from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead
from zoo_basic.inputs import small_images


class SmallCNN(Backbone):
    """Blocks of `conv`, `relu` and `pool`; block k ends at reduction 2^k.

    Source: Chollet, Deep Learning with Python (2018), chapter 5. Other than there the convolutions keep the
    map's size and the poolings round up, so that images of any size pass, however many blocks there are.

    Takes N x in_channels x H x W; returns N x C x H/2^k x W/2^k for k blocks, C the last of `channels`.

    Args:
        in_channels: channels of the images.
        channels: channels of each block.
        batch_norm: batch norm between convolution and ReLU.
        hidden: units of the hidden layer of the original head.
        dropout: dropout rate of the original head.

    Example:
        >>> import torch
        >>> cnn = SmallCNN(in_channels=1, channels=(8, 16))
        >>> cnn(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 16, 2, 2])
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        channels: Sequence[int] = (32, 64, 128, 128),
        batch_norm: bool = False,
        hidden: int = 512,
        dropout: float = 0.0,
    ) -> None:
        blocks = []
        # One longer on the left: the last channels are nobody's input
        for inputs, outputs in zip((in_channels, *channels), channels, strict=False):
            steps: dict[str, nn.Module] = {"conv": nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)}
            if batch_norm:
                steps["bn"] = nn.BatchNorm2d(outputs)
            # Rounded up, so that a map of one pixel stays one, however many blocks follow
            steps |= {"relu": nn.ReLU(), "pool": nn.MaxPool2d(2, ceil_mode=True)}
            blocks.append(Block(**steps))
        super().__init__(blocks, input_spec=small_images(in_channels))
        self.hidden, self.dropout = hidden, dropout

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """The flattened map, a hidden layer and one linear layer; takes maps of one size only.

        Args:
            classes: length of the output vector.
            inputs: description of the last map, its size included.

        Raises:
            ShapeError: the size is not known.
        """
        info = inputs[0]
        if info.size is None:
            raise ShapeError("original head of SmallCNN", expected="a map of known size", got=info.layout)
        height, width = info.size
        return OriginalHead(
            inputs=inputs,
            classes=classes,
            flatten=nn.Flatten(),
            fc1=nn.Linear(info.channels * height * width, self.hidden),
            relu=nn.ReLU(),
            dropout=nn.Dropout(self.dropout),
            fc2=nn.Linear(self.hidden, classes),
        )
