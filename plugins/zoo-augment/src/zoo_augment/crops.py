"""Crops and padding: a part of an image, or more than the image, in the old size."""

from __future__ import annotations

import math
from typing import ClassVar, Unpack

import torch
from torch import Tensor

from zoo_augment.geometry import Drawn, Range, Shared, Size, affine, as_range, spread


class Crop(Drawn):
    """A crop of the old size from the padded image, by whole pixels (He et al., 2015).

    https://arxiv.org/abs/1512.03385, section 4.2.

    Args:
        padding: pixels on each side, or a share of the side.
        **shared: see `Shared`; the filling is the padding.
    """

    numbers = 2

    def __init__(
        self,
        *,
        padding: int | float = 0.125,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.padding = padding

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        sides = (size[1], size[0])
        whole = isinstance(self.padding, int)
        padding = torch.tensor([self.padding if whole else round(self.padding * side) for side in sides])
        x, y = (torch.floor(numbers * (2 * padding + 1)) - padding).unbind(1)
        return affine(1, 0, x, 0, 1, y, count=len(numbers))


class Pad(Drawn):
    """Padding on the four sides, each drawn by itself, and the whole resized to the image's size.

    Args:
        padding: share of the side that is added at either end of it; a number or a range.
        **shared: see `Shared`; the filling is the padding.
    """

    numbers = 4

    def __init__(self, *, padding: Range = (0.0, 0.25), **shared: Unpack[Shared]) -> None:
        super().__init__(**shared)
        self.padding = as_range(padding)

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        shares = spread(numbers, *self.padding)
        left, right, top, bottom = (torch.round(shares * torch.tensor(size)[[1, 1, 0, 0]])).unbind(1)
        width, height = 1 + (left + right) / size[1], 1 + (top + bottom) / size[0]
        return affine(width, 0, (right - left) / 2, 0, height, (bottom - top) / 2, count=len(numbers))


class ResizedCrop(Drawn):
    """A crop of random area and aspect, resized to the image's size (Szegedy et al., 2014).

    https://arxiv.org/abs/1409.4842; drawn as in torchvision's `RandomResizedCrop`.

    Args:
        scale: least and largest share of the area.
        ratio: least and largest width divided by height, drawn on a logarithmic scale.
        p: probability that an image is changed.
    """

    tries: ClassVar[int] = 10
    numbers = 4 * tries

    def __init__(
        self,
        *,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        p: float = 1.0,
    ) -> None:
        super().__init__(p=p)
        self.scale, self.ratio = scale, ratio

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        count, rows = len(numbers), torch.arange(len(numbers))
        width, height, left, top = self._boxes(size, numbers.view(count, self.tries, 4))
        fits = (width >= 1) & (width <= size[1]) & (height >= 1) & (height <= size[0])
        first = fits.to(torch.uint8).argmax(1)  # the last of all fits, since it is the fallback
        width, height, left, top = (v[rows, first] for v in (width, height, left, top))
        x, y = left + (width - size[1]) / 2, top + (height - size[0]) / 2
        return affine(width / size[1], 0, x, 0, height / size[0], y, count=count)

    def _boxes(self, size: Size, numbers: Tensor) -> tuple[Tensor, ...]:
        """Width, height, left and top of each try, and of the largest box in the middle as the last."""
        area = spread(numbers[..., 0], *self.scale) * size[0] * size[1]
        aspect = spread(numbers[..., 1], math.log(self.ratio[0]), math.log(self.ratio[1])).exp()
        width, height = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
        left = torch.floor(numbers[..., 2] * (size[1] - width + 1))
        top = torch.floor(numbers[..., 3] * (size[0] - height + 1))
        ratio = min(max(size[1] / size[0], self.ratio[0]), self.ratio[1])
        largest = min(size[1], round(size[0] * ratio)), min(size[0], round(size[1] / ratio))
        middle = (*largest, (size[1] - largest[0]) // 2, (size[0] - largest[1]) // 2)
        return tuple(
            torch.cat([tried, torch.full_like(tried[:, :1], last)], 1)
            for tried, last in zip((width, height, left, top), middle, strict=True)
        )
