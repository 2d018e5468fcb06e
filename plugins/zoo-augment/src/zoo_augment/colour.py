"""Augmenters that change the values of pixels where they are; masks stay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_augment.changes import Changed, Factors, coloured, luma
from zoo_augment.geometry import Range, as_range, either_way, spread


class _ByFactor(Changed):
    """Blends with something duller; beyond it where the factor is above 1.

    Args:
        factor: least and largest.
        p: probability that an image is changed.
    """

    def __init__(self, *, factor: Factors = (0.8, 1.2), p: float = 1.0) -> None:
        super().__init__(p=p)
        self.factor = factor


class Brightness(_ByFactor):
    """Multiplies all values; factor 0 is black.

    Args:
        factor: least and largest.
        p: probability that an image is changed.

    Example:
        >>> from zoo.interfaces import draws
        >>> batch = {"image": torch.full((1, 3, 2, 2), 0.5)}
        >>> Brightness(factor=(2, 2))(batch, draws(0, 1, [0]))["image"].unique()
        tensor([1.])
    """

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return x * spread(numbers, *self.factor)


class Contrast(_ByFactor):
    """Stretches values away from the image's mean gray; factor 0 is flat.

    Args:
        factor: least and largest.
        p: probability that an image is changed.
    """

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return contrasted(x, spread(numbers, *self.factor))


def contrasted(x: Tensor, factor: Tensor) -> Tensor:
    """Images blended with their mean gray; a factor of 1 changes nothing."""
    gray = luma(x) if x.shape[1] == 3 else x
    return torch.lerp(gray.mean((1, 2, 3), keepdim=True), x, factor)


class Saturation(_ByFactor):
    """Stretches colours away from their gray; factor 0 is gray. Gray images stay as they are.

    Args:
        factor: least and largest.
        p: probability that an image is changed.

    Raises:
        ShapeError: images have neither one channel nor three.
    """

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return saturated(x, spread(numbers, *self.factor)) if coloured(x, self) else x


def saturated(x: Tensor, factor: Tensor) -> Tensor:
    """N x 3 x H x W blended with its gray; a factor of 1 changes nothing."""
    return torch.lerp(luma(x), x, factor)


class Hue(Changed):
    """Turns the colour circle. Gray images stay as they are.

    Args:
        shift: share of the circle; from minus to plus a number, or a pair.
        p: probability that an image is changed.

    Raises:
        ShapeError: images have neither one channel nor three.
    """

    def __init__(self, *, shift: Range = 0.05, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.shift = either_way(shift)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return _turned(x, spread(numbers, *self.shift)) if coloured(x, self) else x


def _turned(x: Tensor, shift: Tensor) -> Tensor:
    """Hue shifted in HSV, as https://en.wikipedia.org/wiki/HSL_and_HSV has the conversions."""
    red, green, blue = x.unbind(1)
    value, low = x.amax(1), x.amin(1)
    chroma = value - low
    unit = torch.where(chroma > 0, chroma, 1)
    sector = torch.where(
        value == red,
        (green - blue) / unit,
        torch.where(value == green, (blue - red) / unit + 2, (red - green) / unit + 4),
    )
    sector = sector + 6 * shift[:, 0]
    sector = (sector - 6 * (sector / 6).floor())[:, None]  # several times as fast as a remainder
    middle, sign, base = x.new_tensor([[3, 2, 4], [1, -1, -1], [-1, 2, 2]]).view(3, 1, 3, 1, 1)
    pure = (sign * (sector - middle).abs() + base).clamp(0, 1)
    return torch.lerp(low[:, None], value[:, None], pure)


class Grayscale(Changed):
    """Takes the colours away and keeps the channels. Gray images stay as they are.

    Args:
        p: probability that an image is changed.

    Raises:
        ShapeError: images have neither one channel nor three.
    """

    def __init__(self, *, p: float = 0.1) -> None:
        super().__init__(p=p)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return luma(x).expand_as(x) if coloured(x, self) else x


class Invert(Changed):
    """The negative of an image.

    Args:
        p: probability that an image is changed.
    """

    def __init__(self, *, p: float = 0.5) -> None:
        super().__init__(p=p)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        return 1 - x


class Noise(Changed):
    """Adds independent Gaussian noise to each value.

    Args:
        std: standard deviation; a number or a range.
        p: probability that an image is changed.
    """

    def __init__(self, *, std: Range = 0.05, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.std = as_range(std)

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        # Generators live on the CPU, so that noise does not depend on the device.
        noise = torch.stack([torch.randn(x.shape[1:], generator=generator) for generator in draws])
        return x + noise.to(x) * spread(numbers, *self.std)


class Blur(Changed):
    """Gaussian blur; outside stands the nearest pixel.

    Args:
        sigma: standard deviation in pixels; a number or a range.
        p: probability that an image is changed.
    """

    def __init__(self, *, sigma: Range = (0.1, 2.0), p: float = 1.0) -> None:
        super().__init__(p=p)
        self.sigma = as_range(sigma)
        self.radius = max(1, round(4 * self.sigma[1]))

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """See the base class."""
        n, c, height, width = x.shape
        steps = torch.arange(-self.radius, self.radius + 1, device=x.device, dtype=x.dtype)
        kernel = torch.exp(-0.5 * (steps / spread(numbers, *self.sigma)) ** 2)  # N x 1 x 1 x steps
        kernel = (kernel / kernel.sum(-1, keepdim=True)).repeat_interleave(c, 0)
        padded = F.pad(x, [self.radius] * 4, mode="replicate")
        rows = F.conv2d(padded.reshape(1, n * c, *padded.shape[2:]), kernel, groups=n * c)
        return F.conv2d(rows, kernel.transpose(2, 3), groups=n * c).view(n, c, height, width)
