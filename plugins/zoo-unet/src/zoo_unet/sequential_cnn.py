"""A plain convolutional network for pixels: no pooling, no up-sampling."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.interfaces import Backbone, Block, Model, Normalise, Segmentation
from zoo_unet.units import conv3x3, initialise, input_spec


class SequentialCNN(Model):
    """3 x 3 convolutions in a row at full resolution, each with ReLU, and a 1 x 1 convolution.

    Paper: Fully Convolutional Networks for Semantic Segmentation, https://arxiv.org/abs/1411.4038, without
    its poolings: n convolutions see a square of 2 n + 1 pixels around each one.

    Takes N x in_channels x H x W in [0, 1] of any size; returns N x classes x H x W logits.

    Args:
        classes: of a pixel, the background included.
        in_channels: channels of the images.
        channels: channels of each convolution.
        batch_norm: batch norm after each of them.

    Example:
        >>> import torch
        >>> SequentialCNN(classes=3, channels=(8, 8))(torch.rand(2, 3, 97, 131)).shape
        torch.Size([2, 3, 97, 131])
    """

    any_size = True

    def __init__(
        self,
        *,
        classes: int | None = None,
        in_channels: int = 3,
        channels: Sequence[int] = (32, 32, 32, 32),
        batch_norm: bool = True,
    ) -> None:
        task = Segmentation()
        super().__init__(task=task, input_spec=input_spec(in_channels))
        self._classes = task.outputs(classes)
        steps: dict[str, nn.Module] = {}
        # One longer on the left: the last channels are the head's input
        for i, (inputs, outputs) in enumerate(zip((in_channels, *channels), channels, strict=False), start=1):
            found = {**conv3x3(inputs, outputs, batch_norm=batch_norm), "relu": nn.ReLU()}
            steps |= {f"{name}{i}": step for name, step in found.items()}
        self.normalise = Normalise(self.input_spec)
        self.features = Block(**steps)
        # Not the head: no ReLU follows it
        self.features.apply(initialise)
        self.head = nn.Conv2d(channels[-1], self._classes, 1)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """`features` and `head`."""
        return {"features": self.features, "head": self.head}

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """All convolutions but the last, as one."""
        return {"features": self.features}

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return self._classes

    def forward(self, x: Tensor) -> Tensor:
        """N x classes x H x W logits of images N x C x H x W in [0, 1]."""
        self.check_images(x)
        logits: Tensor = self.head(self.features(self.normalise(x)))
        return logits
