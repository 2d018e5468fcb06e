"""Augmenters that move pixels. Neighbours in a chain share one resampling.

A matrix goes from the output to the input, with the origin in the middle of the image: see
`zoo.interfaces.geometry.warp`.
"""

from __future__ import annotations

import math
from typing import ClassVar, TypedDict, Unpack

import torch
from torch import Tensor

from zoo.interfaces import Fill, Geometric, uniform

Size = tuple[int, int]
Range = float | tuple[float, float]


class Shared(TypedDict, total=False):
    """Options that geometric augmenters share; see `zoo.builtin.augment_config.FillOptions`."""

    p: float
    fill_mode: str
    fill_value: float
    mask_fill: int


def spread(numbers: Tensor, low: float, high: float) -> Tensor:
    """Numbers in [0, 1) as numbers in [low, high)."""
    return low + (high - low) * numbers


def either_way(limits: Range) -> tuple[float, float]:
    """A pair as it is, a number as minus and plus itself."""
    return limits if isinstance(limits, tuple) else (-limits, limits)


def affine(*entries: Tensor | float, count: int) -> Tensor:
    """Matrices of an affine map.

    Args:
        *entries: the first two rows, six in all; a plain number stands in each matrix.
        count: of matrices.

    Returns:
        `count` x 3 x 3 float64.

    Example:
        >>> affine(1, 0, torch.tensor([2.0, 3.0]), 0, 1, 0, count=2)[1].tolist()
        [[1.0, 0.0, 3.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    columns = [torch.as_tensor(e, dtype=torch.float64).expand(count) for e in (*entries, 0, 0, 1)]
    return torch.stack(columns, dim=1).view(-1, 3, 3)


def rotation(radians: Tensor) -> Tensor:
    """Turns the content counter-clockwise."""
    cos, sin = radians.cos(), radians.sin()
    return affine(cos, -sin, 0, sin, cos, 0, count=len(radians))


class _Drawn(Geometric):
    """Draws a fixed count of numbers a sample, and leaves some samples as they are.

    Args:
        p: probability that an image is changed.
        fill_mode: what stands outside; None where no pixel from outside is ever seen.
        fill_value: for `constant`, in [0, 1].
        mask_fill: for `constant`, the class in a mask.
    """

    numbers: ClassVar[int] = 1

    def __init__(
        self,
        *,
        p: float = 1.0,
        fill_mode: str | None = "nearest",
        fill_value: float = 0.0,
        mask_fill: int = 0,
    ) -> None:
        fill = Fill(mode=fill_mode, value=fill_value, mask=mask_fill) if fill_mode else None
        super().__init__(fill=fill)
        self.p = p

    def matrices(self, size: Size, draws: list[torch.Generator]) -> Tensor:
        """N x 3 x 3 float64 on the CPU."""
        numbers = uniform(draws, 1 + self.numbers)
        changed = (numbers[:, 0] < self.p)[:, None, None]
        return torch.where(changed, self.drawn(size, numbers[:, 1:]), torch.eye(3, dtype=torch.float64))

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """N x 3 x 3 for N x `numbers` in [0, 1)."""
        raise NotImplementedError


class Rotate(_Drawn):
    """Rotation about the middle.

    Args:
        degrees: counter-clockwise; from minus to plus a number, or a pair.
        **shared: see `Shared`.

    Example:
        >>> from zoo.interfaces import draws
        >>> batch = {"image": torch.rand(2, 3, 8, 8)}
        >>> Rotate(degrees=30)(batch, draws(0, 1, [0, 1]))["image"].shape
        torch.Size([2, 3, 8, 8])
    """

    def __init__(
        self,
        *,
        degrees: Range = 15.0,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.degrees = either_way(degrees)

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        return rotation(spread(numbers[:, 0], *self.degrees).deg2rad())


class Shift(_Drawn):
    """Translation by parts of pixels, each direction by itself.

    Args:
        x: largest share of the width, either way.
        y: largest share of the height, either way.
        **shared: see `Shared`.
    """

    numbers = 2

    def __init__(
        self,
        *,
        x: float = 0.1,
        y: float = 0.1,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.x, self.y = x, y

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        x = spread(numbers[:, 0], -self.x, self.x) * size[1]
        y = spread(numbers[:, 1], -self.y, self.y) * size[0]
        return affine(1, 0, x, 0, 1, y, count=len(numbers))


class Shear(_Drawn):
    """Shear about the middle, with angles as in torchvision's `affine`.

    Args:
        x: degrees by which columns lean; from minus to plus a number, or a pair.
        y: degrees by which rows lean, likewise.
        **shared: see `Shared`.
    """

    numbers = 2

    def __init__(
        self,
        *,
        x: Range = 10.0,
        y: Range = 0.0,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.x, self.y = either_way(x), either_way(y)

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        x = spread(numbers[:, 0], *self.x).deg2rad().tan()
        y = spread(numbers[:, 1], *self.y).deg2rad().tan()
        return affine(1 + x * y, x, 0, y, 1, 0, count=len(numbers))


class Zoom(_Drawn):
    """Scaling about the middle.

    Args:
        scale: least and largest factor; above 1 the content grows.
        **shared: see `Shared`.
    """

    def __init__(
        self,
        *,
        scale: tuple[float, float] = (0.8, 1.2),
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.scale = scale

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        factor = 1 / spread(numbers[:, 0], *self.scale)
        return affine(factor, 0, 0, 0, factor, 0, count=len(numbers))


class Crop(_Drawn):
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


class ResizedCrop(_Drawn):
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


class Flip(_Drawn):
    """Mirror images, which share a resampling with neighbours of any fill.

    Args:
        horizontal: swap left and right.
        vertical: swap top and bottom.
        p: probability of each by itself.
    """

    numbers = 2

    def __init__(self, *, horizontal: bool = True, vertical: bool = False, p: float = 0.5) -> None:
        super().__init__(fill_mode=None)
        self.horizontal, self.vertical, self.chance = horizontal, vertical, p

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        mirrored = 1 - 2.0 * (numbers < self.chance)
        x = mirrored[:, 0] if self.horizontal else 1
        y = mirrored[:, 1] if self.vertical else 1
        return affine(x, 0, 0, 0, y, 0, count=len(numbers))
