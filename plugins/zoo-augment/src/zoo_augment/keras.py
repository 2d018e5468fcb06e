"""Keras' ImageDataGenerator: its parameters, its distributions, its order, one resampling.

https://keras.io/api/data_loading/image/. Two things differ on purpose. Keras 3 moves images up and down for
`width_shift_range` and sideways for `height_shift_range` (keras-team/keras#17398); here they do what their
names say. Keras turns an image that is not square about a point beside its middle; here about the middle.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.interfaces import Augmenter, Batch, Chain, Fill, Geometric, Orientation, uniform
from zoo_augment.colour import Brightness
from zoo_augment.geometry import affine, spread

Amount = float | Sequence[float]


class ImageDataGenerator(Chain):
    """Rotation, shift, shear, zoom, flips, channel shift and brightness under Keras' names.

    Args:
        rotation_range: largest angle in degrees, either way.
        width_shift_range: a float below 1 is a share of the width, of 1 or more pixels; an int n is a whole
            number of pixels below n; a list is one of its values; all of them either way.
        height_shift_range: likewise, of the height.
        shear_range: largest angle in degrees, either way.
        zoom_range: z for 1 - z .. 1 + z, or a pair; each direction by itself; below 1 the content grows.
        channel_shift_range: largest value added to all channels, cut to the values that the image has.
        brightness_range: least and largest factor.
        horizontal_flip: swap left and right in half of the images.
        vertical_flip: swap top and bottom in half of the images.
        fill_mode: what stands outside: `nearest`, `constant`, `reflect` or `wrap`.
        cval: the value outside for `constant`.
        rescale: 1/255 where `channel_shift_range` and `cval` count in 0..255, None where in 0..1. Images
            are in [0, 1] already, so that nothing else is done.
    """

    def __init__(
        self,
        *,
        rotation_range: float = 0.0,
        width_shift_range: Amount = 0.0,
        height_shift_range: Amount = 0.0,
        shear_range: float = 0.0,
        zoom_range: float | tuple[float, float] = 0.0,
        channel_shift_range: float = 0.0,
        brightness_range: tuple[float, float] | None = None,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        rescale: float | None = None,
    ) -> None:
        unit = rescale or 1.0
        chain: list[Augmenter] = [
            _Affine(
                rotation=rotation_range,
                shift=(width_shift_range, height_shift_range),
                shear=shear_range,
                zoom=zoom_range if isinstance(zoom_range, tuple) else (1 - zoom_range, 1 + zoom_range),
                flip=(horizontal_flip, vertical_flip),
                fill=Fill(mode=fill_mode, value=cval * unit),
            )
        ]
        if channel_shift_range:
            chain.append(_ChannelShift(limit=channel_shift_range * unit))
        if brightness_range is not None:
            chain.append(Brightness(factor=brightness_range))
        super().__init__(chain)


class _Affine(Geometric):
    """Keras' affine part and flips as one matrix.

    Args:
        rotation: largest angle in degrees.
        shift: of the width and of the height.
        shear: largest angle in degrees.
        zoom: least and largest.
        flip: horizontal and vertical.
        fill: what stands outside.
    """

    def __init__(
        self,
        *,
        rotation: float,
        shift: tuple[Amount, Amount],
        shear: float,
        zoom: tuple[float, float],
        flip: tuple[bool, bool],
        fill: Fill,
    ) -> None:
        super().__init__(fill=fill)
        self.rotation, self.shift, self.shear = rotation, shift, shear
        self.zoom, self.flip = zoom, flip

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        mirrored, flipped = self.flip
        upright = {"horizontal_flip": False} if mirrored else {}
        upright |= {"vertical_flip": False} if flipped else {}
        turned = min(self.rotation, 180.0)
        far = {"rotation_range": 45} if turned >= 90 else {}
        return Orientation(mirrored=mirrored, flipped=flipped, turned=turned, upright={**upright, **far})

    def drawn(self, size: tuple[int, int], draws: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """Parameters of N samples under the names that Keras' `apply_affine_transform` has for them."""
        theta, tx, tx_sign, ty, ty_sign, shear, zx, zy, mirrored, flipped = uniform(draws, 10).unbind(1)
        return {
            "theta": spread(theta, -self.rotation, self.rotation),
            "tx": _pixels(self.shift[0], size[1], tx, tx_sign),
            "ty": _pixels(self.shift[1], size[0], ty, ty_sign),
            "shear": spread(shear, -self.shear, self.shear),
            "zx": spread(zx, *self.zoom),
            "zy": spread(zy, *self.zoom),
            "flip_horizontal": (mirrored < 0.5) & self.flip[0],
            "flip_vertical": (flipped < 0.5) & self.flip[1],
        }

    def matrices(self, size: tuple[int, int], draws: list[torch.Generator]) -> Tensor:
        """N x 3 x 3 float64 on the CPU."""
        return composed(**self.drawn(size, draws))


def composed(
    *,
    theta: Tensor,
    tx: Tensor,
    ty: Tensor,
    shear: Tensor,
    zx: Tensor,
    zy: Tensor,
    flip_horizontal: Tensor,
    flip_vertical: Tensor,
) -> Tensor:
    """The matrices of Keras' transformations, N x 3 x 3.

    Args:
        theta: degrees, counter-clockwise.
        tx: pixels; content goes to the left.
        ty: pixels; content goes up.
        shear: degrees.
        zx: horizontal factor; below 1 content grows.
        zy: vertical factor.
        flip_horizontal: whether left and right are swapped, after all else.
        flip_vertical: whether top and bottom are.
    """
    # Rotation times shift times shear times zoom and flips, multiplied out.
    turn, lean = theta.deg2rad(), (theta + shear).deg2rad()
    cos, sin = turn.cos(), turn.sin()
    zx, zy = zx * _sign(flip_horizontal), zy * _sign(flip_vertical)
    x, y = cos * tx - sin * ty, sin * tx + cos * ty
    return affine(zx * cos, -zy * lean.sin(), x, zx * sin, zy * lean.cos(), y, count=len(theta))


def _sign(flipped: Tensor) -> Tensor:
    return 1 - 2 * flipped.to(torch.float64)


def _pixels(amount: Amount, side: int, numbers: Tensor, signs: Tensor) -> Tensor:
    """A shift as Keras draws it; `numbers` and `signs` are in [0, 1)."""
    sign = torch.where(signs < 0.5, -1.0, 1.0)
    if isinstance(amount, Sequence):
        values = torch.tensor(amount, dtype=torch.float64)
        drawn = values[(numbers * len(values)).long()] * sign
        return drawn * side if values.abs().max() < 1 else drawn
    if isinstance(amount, int):
        return torch.floor(numbers * amount) * sign
    return spread(numbers, -amount, amount) * (side if amount < 1 else 1)


class _ChannelShift(Augmenter):
    """Adds one value to all of an image and cuts the result to the range that the image had.

    Args:
        limit: largest value, either way.
    """

    def __init__(self, *, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The shifted batch."""
        x = batch["image"]
        shift = spread(uniform(draws, 1), -self.limit, self.limit).to(x.device, x.dtype).view(-1, 1, 1, 1)
        least, most = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        return {**batch, "image": torch.clamp(x + shift, least, most)}
