"""The decoder: an encoder's maps in reverse."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import ShapeError
from zoo.interfaces import Backbone, Block, FeatureInfo

LEAST_WIDTH = 16
"""Fewest channels where the encoder has no map of a reduction, and its neighbour's are halved."""

Size = tuple[int, int]


class Decoder(Block):
    """Decoder from the encoder's last map to an image: enlarge, 3 x 3 convolution, norm, ReLU by reduction.

    Enlarging by repeating pixels and then a convolution leaves no checkerboard, which transposed
    convolutions do (https://distill.pub/2016/deconv-checkerboard).

    Args:
        inputs: channels of the map that it takes.
        widths: channels at each power of two from the map's reduction (left out) down to 1.
        channels: of the images.

    Example:
        >>> import torch
        >>> decoder = Decoder(inputs=64, widths=(64, 32), channels=1)
        >>> decoder(torch.rand(2, 64, 2, 2), (7, 8)).shape
        torch.Size([2, 1, 7, 8])
    """

    def __init__(self, *, inputs: int, widths: Sequence[int], channels: int) -> None:
        steps: dict[str, nn.Module] = {}
        for i, width in enumerate(widths, start=1):
            steps[f"stage{i}"] = nn.Sequential(
                nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            )
            inputs = width
        super().__init__(**steps, out=nn.Conv2d(inputs, channels, 3, padding=1), sigmoid=nn.Sigmoid())
        self.stages = len(widths)

    def forward(self, input: Tensor, size: Size | None = None) -> Tensor:  # noqa: A002 - torch's name
        """N x inputs x h x w to N x channels x H x W in [0, 1].

        Args:
            input: the map.
            size: height and width of the image; the map's times the reduction where None.
        """
        x = input
        size = size or (x.shape[2] << self.stages, x.shape[3] << self.stages)
        for i, (name, step) in enumerate(self.named_children(), start=1):
            if name.startswith("stage"):
                # To the size of the encoder's map, rounded up as there, so that odd sizes come back
                x = F.interpolate(x, size=at_reduction(size, 2 ** (self.stages - i)), mode="nearest")
            x = step(x)
        return x


def at_reduction(size: Size, reduction: int) -> Size:
    """Height and width of a map at a reduction, rounded up.

    Example:
        >>> at_reduction((97, 131), 4)
        (25, 33)
    """
    return -(-size[0] // reduction), -(-size[1] // reduction)


def mirrored(encoder: Backbone, size: Size) -> tuple[FeatureInfo, tuple[int, ...]]:
    """The encoder's last map, and the decoder's widths at each power of two below its reduction.

    Args:
        encoder: whose maps are read off a forward that takes no memory.
        size: height and width of the images.

    Raises:
        ShapeError: the encoder ends in a vector.
    """
    last = encoder.block_infos(size)[-1]
    # A vector has no places to begin from
    if last.reduction is None or last.size is None:
        raise ShapeError(
            "encoder of the autoencoder",
            expected="a backbone that ends in a map",
            got=f"{type(encoder).__name__}, which ends in a vector of {last.channels}",
            hint="choose a convolutional one or a transformer",
        )
    there = {info.reduction: info.channels for info in encoder.pyramid(size)}
    widths: list[int] = []
    reduction, width = last.reduction, last.channels
    while reduction > 1:
        reduction //= 2
        # Encoders skip reductions: a ViT has one, most convolutional ones begin at 2
        width = there.get(reduction, max(width // 2, LEAST_WIDTH))
        widths.append(width)
    return last, tuple(widths)
