"""Augmenters made of others: chains for a kind of image, and one for images of rare classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from zoo.errors import OptionError
from zoo.interfaces import Augmenter, Batch, Chain, Orientation, Task, uniform
from zoo_augment.colour import Blur, Brightness, Contrast, Hue, Noise, Saturation
from zoo_augment.geometry import Flip, Rotate, Shared, Shear, Shift, Zoom

_SHOWN = 4


class Photo(Chain):
    """Augmentation of photographs: mirrored, turned, moved and zoomed a little, in other light.

    Args:
        strength: factor of all ranges but the flip.
        flip: swap left and right in half of the images.
        colour: change brightness, contrast, saturation and hue.
    """

    def __init__(self, *, strength: float = 1.0, flip: bool = True, colour: bool = True) -> None:
        shared: Shared = {"fill_mode": "reflect"}
        chain: list[Augmenter] = [Flip()] if flip else []
        chain += [
            Rotate(degrees=15 * strength, **shared),
            Shift(x=0.1 * strength, y=0.1 * strength, **shared),
            Zoom(scale=_about_one(0.15 * strength), **shared),
        ]
        if colour:
            factor = _about_one(0.2 * strength)
            chain += [Brightness(factor=factor), Contrast(factor=factor), Saturation(factor=factor)]
            chain += [Hue(shift=0.02 * strength)]
        super().__init__(chain)

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        return replace(super().orientation, upright={"flip": False})


class Document(Chain):
    """Augmentation of scanned or photographed pages: askew on white paper, unevenly printed, blurred, noisy.

    Nothing is mirrored, since letters are not.

    Args:
        strength: factor of all ranges.
        paper: the value outside of the page.
    """

    def __init__(self, *, strength: float = 1.0, paper: float = 1.0) -> None:
        shared: Shared = {"fill_mode": "constant", "fill_value": paper}
        chain: list[Augmenter] = [
            Rotate(degrees=3 * strength, **shared),
            Shear(x=4 * strength, y=2 * strength, **shared),
            Shift(x=0.03 * strength, y=0.03 * strength, **shared),
            Zoom(scale=_about_one(0.05 * strength), **shared),
            Brightness(factor=_about_one(0.15 * strength)),
            Contrast(factor=_about_one(0.25 * strength)),
        ]
        if strength:
            chain += [Blur(sigma=(0.1, 0.1 + 0.9 * strength), p=0.3), Noise(std=(0, 0.04 * strength), p=0.5)]
        super().__init__(chain)


class Rare(Augmenter):
    """Another augmenter, for images of rare classes: of a class with a tenth of the commonest's, for 9 of 10.

    An image is changed with the probability 1 - n / m, where its class has n training images and the
    commonest has m. Where classes are drawn alike, of all draws of an image so many leave it as it is as if
    each image of the commonest class had come once. An image of no known class is changed.

    Args:
        augmenter: of the images that are changed.
        p: probability for a class that hardly has an image; all others are less in proportion.

    Raises:
        OptionError: the augmenter mixes images.
    """

    by_class = True

    def __init__(self, *, augmenter: Augmenter, p: float = 1.0) -> None:
        super().__init__()
        if augmenter.changes_labels or augmenter.by_class:
            got, hint = type(augmenter).__name__, "put it beside this one"
            raise OptionError("rare", expected="an augmenter of each image alone", got=got, hint=hint)
        self.augmenter, self.p = augmenter, p
        self.resamples = augmenter.resamples
        self._task: Task | None = None
        self._shares: Tensor | None = None

    @property
    def moves_places(self) -> bool:
        """Whether the augmenter for rare classes does."""
        return self.augmenter.moves_places

    @property
    def orientation(self) -> Orientation:
        """Orientation of the augmenter for rare classes."""
        own = self.augmenter.orientation
        return replace(own, upright={"augmenter": own.upright} if own.upright else {})

    def prepare(self, task: Task, outputs: int) -> None:
        """Takes note of how classes are read from targets."""
        self._task = task
        self.augmenter.prepare(task, outputs)

    def count_classes(self, labels: Sequence[str], counts: Sequence[int]) -> str:
        """Takes note of the classes' numbers of images, and says which are changed how often.

        Raises:
            OptionError: all classes have as many images, so that none is rare.
        """
        there = {label: count for label, count in zip(labels, counts, strict=True) if count}
        most = max(there.values(), default=0)
        if len({*there.values()}) < 2:
            got = f"{len(there)} of {most} images each"
            raise OptionError("rare", expected="classes of different sizes", got=got, hint="leave it out")
        self._shares = torch.tensor([1 - count / most for count in counts], dtype=torch.float64) * self.p
        rarest = sorted(there, key=there.__getitem__)
        shares = [f"{label!r} {self.p * (1 - there[label] / most):.0%}" for label in rarest]
        more = f" and {len(shares) - _SHOWN} more" if len(shares) > _SHOWN else ""
        changes = type(self.augmenter).__name__.lower()
        return f"rare classes augmented more, by {changes}: {', '.join(shares[:_SHOWN])}{more} of the images"

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch with some images changed, more of rare classes than of others."""
        chosen = torch.nonzero(uniform(draws, 1)[:, 0] < self._chances(batch, len(draws)))[:, 0]
        if not len(chosen):
            return dict(batch)
        rows = chosen.to(batch["image"].device)
        part = self.augmenter(
            {name: value[rows] for name, value in batch.items()}, [draws[i] for i in chosen.tolist()]
        )
        out = dict(batch)
        for name, value in part.items():
            if value is not batch[name]:
                out[name] = batch[name].index_copy(0, rows, value)
        return out

    def _chances(self, batch: Batch, count: int) -> Tensor:
        """Probability for each image, N float64 on the CPU."""
        target = batch.get("target")
        if self._shares is None or self._task is None or target is None:
            return torch.full((count,), self.p, dtype=torch.float64)
        return self._shares[self._task.hard(target).reshape(count).long().cpu()]


def _about_one(width: float) -> tuple[float, float]:
    return 1 - width, 1 + width
