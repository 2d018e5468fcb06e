"""Augmenters that move pixels. Neighbours in a chain share one resampling.

A matrix goes from the output to the input, with the origin in the middle of the image: see
`zoo.interfaces.geometry.warp`.
"""

from __future__ import annotations

from typing import ClassVar, TypedDict, Unpack

import torch
from torch import Tensor

from zoo.interfaces import Fill, Geometric, Orientation, farthest_turn, uniform

Size = tuple[int, int]
Range = float | tuple[float, float]


class Shared(TypedDict, total=False):
    """Options that geometric augmenters share; see `zoo_augment.config.FillOptions`."""

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


def as_range(value: Range) -> tuple[float, float]:
    """A pair as it is, a number as the range from itself to itself."""
    return value if isinstance(value, tuple) else (value, value)


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


class Drawn(Geometric):
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


class Rotate(Drawn):
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

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        return Orientation(turned=farthest_turn(*self.degrees) if self.p else 0, upright={"degrees": 45})

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        return rotation(spread(numbers[:, 0], *self.degrees).deg2rad())


class Shift(Drawn):
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


class Shear(Drawn):
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


class Zoom(Drawn):
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


class Scaling(Drawn):
    """Scaling of width and height, each by a factor of its own, about the middle.

    Args:
        x: least and largest factor of the width; above 1 the content grows.
        y: least and largest factor of the height.
        **shared: see `Shared`.
    """

    numbers = 2

    def __init__(
        self,
        *,
        x: tuple[float, float] = (0.8, 1.2),
        y: tuple[float, float] = (0.8, 1.2),
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(**shared)
        self.x, self.y = x, y

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        x, y = 1 / spread(numbers[:, 0], *self.x), 1 / spread(numbers[:, 1], *self.y)
        return affine(x, 0, 0, 0, y, 0, count=len(numbers))


class Flip(Drawn):
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

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        happens = self.chance > 0
        return Orientation(mirrored=self.horizontal and happens, flipped=self.vertical and happens)

    def drawn(self, size: Size, numbers: Tensor) -> Tensor:
        """See the base class."""
        mirrored = 1 - 2.0 * (numbers < self.chance)
        x = mirrored[:, 0] if self.horizontal else 1
        y = mirrored[:, 1] if self.vertical else 1
        return affine(x, 0, 0, 0, y, 0, count=len(numbers))
