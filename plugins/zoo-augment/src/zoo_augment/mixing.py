"""Augmenters that mix the images of a batch, and their targets by the same shares."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from zoo.errors import OptionError, TrainingError
from zoo.interfaces import Augmenter, Batch, Task, uniform

_ORDER, _CHANCE, _SEED, _OWN = 0, 1, 2, 3


class Mixing(Augmenter):
    """Mixes each image with another one of its batch.

    Who is whose partner, and by which share, follows from the draws of the images alone: the number of
    workers and of processes, and the order within a batch, change nothing. Each image has a share of its own.

    Args:
        alpha: of the Beta distribution of the share; 1 is even, below it most images stay nearly whole.
        p: probability that an image is mixed.
    """

    changes_labels = True
    # A place of one image is none in its mixture with another
    moves_places = False
    numbers = 0

    def __init__(self, *, alpha: float, p: float = 1.0) -> None:
        super().__init__()
        self.alpha, self.p = alpha, p
        self._task: Task | None = None
        self._outputs = 0

    def prepare(self, task: Task, outputs: int) -> None:
        """Takes note of whose targets are mixed.

        Raises:
            OptionError: the targets of the task cannot be averaged.
        """
        example = task.example(task.classes(outputs), 2)[1] if task.needs == "target" else None
        if example is not None and task.mixable(example, outputs) is None:
            expected = "a task whose targets can be averaged, such as classes, labels or values"
            raise OptionError(self._where, expected=expected, got=task.name, hint="leave it out")
        self._task, self._outputs = task, outputs

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch with images and targets mixed.

        Raises:
            TrainingError: `prepare` was not called.
        """
        if self._task is None:
            hint = "zoo.fit does it; else call prepare(task, outputs)"
            raise TrainingError(self._where, expected="a task whose targets are mixed", got="none", hint=hint)
        numbers = uniform(draws, _OWN + self.numbers)
        order = numbers[:, _ORDER].argsort()
        partner = torch.empty_like(order)
        partner[order] = order.roll(1)
        share = torch.where(numbers[:, _CHANCE] < self.p, self._shares(numbers[:, _SEED]), 1)
        out, share = self.mixed(batch, partner, share, numbers[:, _OWN:])
        target = batch.get("target")
        rows = None
        if self._task.needs == "target" and target is not None:
            rows = self._task.mixable(target, self._outputs)
        if rows is None:
            return out
        weight = share.to(rows.device, rows.dtype).view(-1, *[1] * (rows.ndim - 1))
        return {**out, "target": torch.lerp(rows[partner.to(rows.device)], rows, weight)}

    @abstractmethod
    def mixed(
        self, batch: Batch, partner: Tensor, share: Tensor, numbers: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The batch with images mixed, and the share that each has kept of itself.

        Args:
            batch: see `zoo.interfaces.Batch`; to be left as it is.
            partner: row of the image that each is mixed with, N.
            share: that each is to keep, N float64 on the CPU.
            numbers: further random numbers in [0, 1), N x `numbers`.
        """

    def _shares(self, seeds: Tensor) -> Tensor:
        # torch's Beta distribution takes no generator
        made = [np.random.default_rng(int(seed * 2**53)) for seed in seeds.tolist()]
        return torch.tensor([rng.beta(self.alpha, self.alpha) for rng in made], dtype=torch.float64)

    @property
    def _where(self) -> str:
        return type(self).__name__.lower()


class Mixup(Mixing):
    """Weighted means of two images and of their targets (Zhang et al., 2017).

    https://arxiv.org/abs/1710.09412. Masks of classes have no means, so that segmentation takes `CutMix`.

    Args:
        alpha: of the Beta distribution of the share; the paper has 0.1 to 0.4 for photographs.
        p: probability that an image is mixed.

    Example:
        >>> from zoo.interfaces import Multiclass, draws
        >>> mixup = Mixup(alpha=1.0)
        >>> mixup.prepare(Multiclass(), 2)
        >>> batch = {"image": torch.zeros(2, 1, 4, 4), "target": torch.tensor([0, 1])}
        >>> mixup(batch, draws(0, 1, [0, 1]))["target"].sum(1)
        tensor([1., 1.])
    """

    def __init__(self, *, alpha: float = 0.2, p: float = 1.0) -> None:
        super().__init__(alpha=alpha, p=p)

    def prepare(self, task: Task, outputs: int) -> None:
        """See the base class."""
        if task.needs == "mask":
            expected, hint = "a task without masks", "cutmix pastes masks with the images"
            raise OptionError(self._where, expected=expected, got=task.name, hint=hint)
        super().prepare(task, outputs)

    def mixed(
        self, batch: Batch, partner: Tensor, share: Tensor, numbers: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """See the base class."""
        image = batch["image"]
        weight = share.to(image.device, image.dtype).view(-1, 1, 1, 1)
        return {**batch, "image": torch.lerp(image[partner.to(image.device)], image, weight)}, share


class CutMix(Mixing):
    """A rectangle of another image in each, with its mask, and targets by area (Yun et al., 2019).

    https://arxiv.org/abs/1905.04899.

    Args:
        alpha: of the Beta distribution of the share of the area that an image keeps.
        p: probability that an image is mixed.
    """

    numbers = 2

    def __init__(self, *, alpha: float = 1.0, p: float = 1.0) -> None:
        super().__init__(alpha=alpha, p=p)

    def mixed(
        self, batch: Batch, partner: Tensor, share: Tensor, numbers: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """See the base class."""
        names = [name for name in ("image", "mask") if name in batch]
        out = dict(batch)
        out.update({name: batch[name].clone() for name in names})
        height, width = batch["image"].shape[-2:]
        kept = torch.ones_like(share)
        for row, (other, own, (x, y)) in enumerate(
            zip(partner.tolist(), share.tolist(), numbers.tolist(), strict=True)
        ):
            left, right = _span(x, width, own)
            top, bottom = _span(y, height, own)
            for name in names:
                out[name][row, ..., top:bottom, left:right] = batch[name][other, ..., top:bottom, left:right]
            kept[row] = 1 - (bottom - top) * (right - left) / (height * width)
        return out, kept


def _span(number: float, size: int, share: float) -> tuple[int, int]:
    """Ends of the rectangle in one direction; what stands outside of the image is cut off."""
    middle, half = int(number * size), int(0.5 * (1 - share) ** 0.5 * size)
    return max(middle - half, 0), min(middle + half, size)
