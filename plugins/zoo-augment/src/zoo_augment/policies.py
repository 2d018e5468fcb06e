"""Policies: operations drawn at random for each image, on zoo's own draws."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Unpack

import torch
from torch import Tensor

from zoo.interfaces import Augmenter, Batch, Fill, Geometric, Orientation, uniform
from zoo_augment.changes import coloured
from zoo_augment.geometry import Shared, Size
from zoo_augment.operations import CHANGES, IDENTITY, MOVES, NAMES, SIGNED

_OPERATION, _LEVEL, _SIGN, _EACH = 0, 1, 2, 3


class _Moved(Geometric):
    """Given matrices."""

    def __init__(self, given: Tensor, fill: Fill) -> None:
        super().__init__(fill=fill)
        self.given = given

    def matrices(self, size: Size, draws: list[torch.Generator]) -> Tensor:
        return self.given


class Policy(Augmenter):
    """Operations of fourteen drawn for each image, one after the other; masks and places move along.

    Args:
        operations: for each image.
        bins: magnitudes that an operation has.
        p: probability that an image is changed.
        fill_mode: what stands outside.
        fill_value: for `constant`, in [0, 1].
        mask_fill: for `constant`, the class in a mask.

    Raises:
        ShapeError: images have neither one channel nor three.
    """

    resamples = True
    moves_places = True
    most: ClassVar[Mapping[str, float]]
    """Largest magnitude of an operation: a slope, degrees, a factor beside 1, bits taken."""

    def __init__(
        self,
        *,
        operations: int,
        bins: int,
        p: float = 1.0,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        mask_fill: int = 0,
    ) -> None:
        super().__init__()
        self.operations, self.bins, self.p = operations, bins, p
        self.fill = Fill(mode=fill_mode, value=fill_value, mask=mask_fill)

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        return Orientation(turned=self.most["rotate"] if self.p else 0)

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch with operations done."""
        coloured(batch["image"], self)
        size = batch["image"].shape[2], batch["image"].shape[3]
        numbers = uniform(draws, 1 + _EACH * self.operations)
        changed, out = numbers[:, 0] < self.p, dict(batch)
        for drawn in numbers[:, 1:].view(len(draws), self.operations, _EACH).unbind(1):
            chosen = (drawn[:, _OPERATION] * len(NAMES)).long()
            names = [NAMES[i] if on else IDENTITY for i, on in zip(chosen.tolist(), changed, strict=True)]
            levels = self.levels(drawn[:, _LEVEL])
            signs = torch.where(drawn[:, _SIGN] < 0.5, -1.0, 1.0)
            magnitudes = [
                self.magnitude(name, level, size) * (sign if name in SIGNED else 1)
                for name, level, sign in zip(names, levels.tolist(), signs.tolist(), strict=True)
            ]
            out = operated(out, names, torch.tensor(magnitudes, dtype=torch.float64), self.fill, draws)
        return out

    @abstractmethod
    def levels(self, numbers: Tensor) -> Tensor:
        """Shares of the largest magnitude for N numbers in [0, 1)."""

    def magnitude(self, name: str, level: float, size: Size) -> float:
        """Magnitude of an operation, without its sign.

        Args:
            name: of the operation.
            level: share of the largest magnitude.
            size: height and width of the images.
        """
        if name == "posterize":
            return round(8 - self.most[name] * level)
        if name == "solarize":
            return 1 - level
        return self.most.get(name, 0.0) * level


def operated(
    batch: Batch, names: list[str], magnitudes: Tensor, fill: Fill, draws: list[torch.Generator]
) -> Batch:
    """A batch after one operation an image.

    Args:
        batch: see `zoo.interfaces.Batch`.
        names: of `zoo_augment.operations.NAMES`, N.
        magnitudes: with their signs, N float64 on the CPU.
        fill: what stands outside.
        draws: of the images.
    """
    image = batch["image"]
    size, out = (image.shape[2], image.shape[3]), dict(batch)
    matrices = torch.eye(3, dtype=torch.float64).repeat(len(names), 1, 1)
    for name, move in MOVES.items():
        if places := [i for i, own in enumerate(names) if own == name]:
            matrices[places] = move(magnitudes[places], size)
    if any(name in MOVES for name in names):
        out = _Moved(matrices, fill)(out, draws)
    changed = out["image"].clone()
    for name, change in CHANGES.items():
        if places := [i for i, own in enumerate(names) if own == name]:
            levels = magnitudes[places].to(image).view(-1, 1, 1, 1)
            changed[places] = change(changed[places], levels).clamp(0, 1)
    return {**out, "image": changed}


class RandAugment(Policy):
    """Operations of fourteen drawn for each image, all of one magnitude (Cubuk et al., 2019).

    https://arxiv.org/abs/1909.13719; operations and magnitudes are torchvision's.

    Args:
        operations: for each image.
        magnitude: of all operations, from 0 to `bins` - 1.
        bins: magnitudes that there are.
        **shared: see `zoo_augment.geometry.Shared`; outside stands black by default.
    """

    most: ClassVar[Mapping[str, float]] = {
        "shear-x": 0.3, "shear-y": 0.3, "rotate": 30.0, "brightness": 0.9, "color": 0.9, "contrast": 0.9,
        "sharpness": 0.9, "posterize": 4.0,
    }  # fmt: skip

    def __init__(
        self, *, operations: int = 2, magnitude: int = 9, bins: int = 31, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(operations=operations, bins=bins, **shared)
        self.strength = magnitude

    def levels(self, numbers: Tensor) -> Tensor:
        """See the base class."""
        return torch.full_like(numbers, self.strength / (self.bins - 1))

    def magnitude(self, name: str, level: float, size: Size) -> float:
        """See the base class."""
        sides = {"translate-x": size[1], "translate-y": size[0]}
        # The paper's 150 of 331 pixels
        return 150 / 331 * sides[name] * level if name in sides else super().magnitude(name, level, size)


class TrivialAugment(Policy):
    """One operation of fourteen for each image, of any magnitude (Mueller and Hutter, 2021).

    https://arxiv.org/abs/2103.10158; torchvision's `TrivialAugmentWide`.

    Args:
        bins: magnitudes that there are.
        **shared: see `zoo_augment.geometry.Shared`; outside stands black by default.
    """

    most: ClassVar[Mapping[str, float]] = {
        "shear-x": 0.99, "shear-y": 0.99, "translate-x": 32.0, "translate-y": 32.0, "rotate": 135.0,
        "brightness": 0.99, "color": 0.99, "contrast": 0.99, "sharpness": 0.99, "posterize": 6.0,
    }  # fmt: skip

    def __init__(self, *, bins: int = 31, **shared: Unpack[Shared]) -> None:
        super().__init__(operations=1, bins=bins, **shared)

    def levels(self, numbers: Tensor) -> Tensor:
        """See the base class."""
        return torch.floor(numbers * self.bins) / (self.bins - 1)
