"""Augmenters that lay something over an image: haze, or a blank rectangle; masks stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces import Augmenter, Batch, uniform
from zoo_augment.changes import Changed
from zoo_augment.geometry import Range, as_range, spread


class Fog(Changed):
    """White haze: a share of the light is replaced by that of the air, thicker here and thinner there.

    The corruption of that name of D. Hendrycks and T. Dietterich, https://arxiv.org/abs/1903.12261.

    Args:
        density: share of the light that comes from the air, on average; a number or a range.
        patchiness: 0 is even haze; with 1 there are places without any, and some twice as thick.
        light: value of the air, in [0, 1].
        p: probability that an image is changed.
    """

    grids: ClassVar[tuple[int, ...]] = (2, 4, 8)
    """Sides of the random grids that patches are made of, the coarsest with the largest weight."""

    def __init__(
        self,
        *,
        density: Range = (0.1, 0.5),
        patchiness: float = 0.5,
        light: float = 0.9,
        p: float = 1.0,
    ) -> None:
        super().__init__(p=p)
        self.density, self.patchiness, self.light = as_range(density), patchiness, light

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        size, haze, total = (x.shape[2], x.shape[3]), x.new_zeros(()), 0.0
        for grid in self.grids:
            drawn = torch.stack([torch.rand(1, grid, grid, generator=generator) for generator in draws])
            patches = F.interpolate(drawn.to(x), size, mode="bilinear", align_corners=True)
            haze, total = haze + patches / grid, total + 1 / grid
        share = spread(numbers, *self.density) * (1 + self.patchiness * (2 * haze / total - 1))
        return torch.lerp(x, x.new_tensor(self.light), share.clamp(0, 1))


class Erasing(Augmenter):
    """Blank rectangles, as things that stand in front of others (Zhong et al., 2017).

    https://arxiv.org/abs/1708.04896; drawn as in torchvision's `RandomErasing`. Masks stay.

    Args:
        scale: least and largest share of the area.
        ratio: least and largest height divided by width, drawn on a logarithmic scale.
        value: of the rectangle, in [0, 1]; `random` draws each value.
        p: probability that an image is changed.
    """

    tries: ClassVar[int] = 10

    def __init__(
        self,
        *,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float | Literal["random"] = 0.0,
        p: float = 0.5,
    ) -> None:
        super().__init__()
        self.scale, self.ratio, self.value, self.p = scale, ratio, value, p

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch with rectangles on some images."""
        image = batch["image"].clone()
        numbers = uniform(draws, 1 + 4 * self.tries)
        changed = (numbers[:, 0] < self.p).tolist()
        size = image.shape[2], image.shape[3]
        boxes = self._boxes(size, numbers[:, 1:].view(len(draws), self.tries, 4)).tolist()
        for x, erased, box, generator in zip(image, changed, boxes, draws, strict=True):
            # Where none of the tries fits, the image stays, as torchvision has it
            top, left, height, width = box
            if erased:
                part = x[:, top : top + height, left : left + width]
                if self.value == "random":
                    part.copy_(torch.rand(part.shape, generator=generator))
                else:
                    part.fill_(self.value)
        return {**batch, "image": image}

    def _boxes(self, size: tuple[int, int], numbers: Tensor) -> Tensor:
        """Top, left, height and width of the first try that fits, N x 4; a height of 0 where none does."""
        area = spread(numbers[..., 0], *self.scale) * size[0] * size[1]
        aspect = spread(numbers[..., 1], math.log(self.ratio[0]), math.log(self.ratio[1])).exp()
        height, width = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
        top = torch.floor(numbers[..., 2] * (size[0] - height + 1))
        left = torch.floor(numbers[..., 3] * (size[1] - width + 1))
        fits = (height < size[0]) & (width < size[1])
        boxes = torch.stack([top, left, height, width], dim=-1) * fits[..., None]
        first = fits.to(torch.uint8).argmax(1)
        return boxes[torch.arange(len(boxes)), first].long()
