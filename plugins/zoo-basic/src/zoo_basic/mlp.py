"""A multilayer perceptron on the flattened image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.interfaces import Backbone, Block, FeatureInfo, OriginalHead, with_channels
from zoo_basic.inputs import small_images

COLOURS = 3


class MLP(Backbone):
    """One block a hidden layer: `fc`, `relu` and, with a rate above zero, `dropout`; `block1` flattens first.

    Paper: Learning representations by back-propagating errors, https://www.nature.com/articles/323533a0

    Takes N x in_channels x H x W of one size only; returns N x C with C the last of `hidden`.

    Args:
        in_channels: channels of the images.
        input_size: height and width of the images.
        hidden: units of each hidden layer.
        dropout: dropout rate after each hidden layer.

    Example:
        >>> import torch
        >>> mlp = MLP(in_channels=1, input_size=(8, 8), hidden=(32, 16))
        >>> mlp(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        input_size: tuple[int, int] = (28, 28),
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
    ) -> None:
        height, width = input_size
        features = in_channels * height * width
        blocks: list[Block] = []
        for units in hidden:
            steps: dict[str, nn.Module] = {} if blocks else {"flatten": nn.Flatten()}
            steps |= {"fc": nn.Linear(features, units), "relu": nn.ReLU()}
            if dropout:
                steps["dropout"] = nn.Dropout(dropout)
            blocks.append(Block(**steps))
            features = units
        super().__init__(blocks, input_spec=small_images(in_channels, (height, width)))
        self.input_size = (height, width)

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> OriginalHead:
        """One linear layer.

        Args:
            classes: length of the output vector.
            inputs: description of the last hidden layer.
        """
        return OriginalHead(inputs=inputs, classes=classes, fc=nn.Linear(inputs[0].channels, classes))

    def adapt_input(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights of three channels for another number: `fc` is a convolution as large as the image."""
        name, channels = self.input_layer, self.input_spec.channels
        height, width = self.input_size
        given = state.get(name)
        # Weights for another image size are left to the strict check, which names them
        if given is None or channels == COLOURS or given.shape[1:] != (COLOURS * height * width,):
            return state
        # units x (C H W), in the order of `flatten`, as units x C x H x W
        weight = with_channels(given.reshape(-1, COLOURS, height, width), channels)
        return {**state, name: weight.flatten(1)}
