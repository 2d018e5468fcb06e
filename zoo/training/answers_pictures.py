"""Pictures that a model restored beside the true ones: those that are furthest off."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces.tasks import Task
from zoo.interfaces.trainer import Sheet
from zoo.training.answers import Answers, Mistake

_MOST_DRAWN = 12


class PictureAnswers(Answers):
    """Compares outputs and targets, picture by picture; of the worst it keeps both.

    Args:
        task: how outputs are scored.
        most: pictures to keep.
    """

    def __init__(self, task: Task, most: int) -> None:
        super().__init__(task, ())
        self.most = most
        self._worst: list[tuple[float, int, Tensor, Tensor]] = []

    def add(self, output: Tensor, target: Tensor, index: Tensor) -> None:
        """Takes in a batch.

        Args:
            output: N x C x H x W.
            target: the same in [0, 1].
            index: N numbers of pictures.
        """
        scored = self.task.scored(output.float())
        errors = (scored - target).square().flatten(1).mean(dim=1).double().cpu()
        order = errors.argsort(descending=True, stable=True)[: self.most].tolist()
        found = [(-float(errors[i]), int(index[i]), target[i].cpu(), scored[i].cpu()) for i in order]
        # Of pictures that are equally bad, the first ones.
        self._worst = sorted([*self._worst, *found], key=lambda item: item[:2])[: self.most]

    def tables(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def worst(self, most: int, names: Callable[[int], str]) -> list[Mistake]:
        """The pictures with the lowest peak signal-to-noise ratio, which is what is said of them.

        Args:
            most: how many at most.
            names: gives the name of a picture by its number.
        """
        return [
            Mistake(i, names(i), f"{decibels(-error):.2f} dB", None, "")
            for error, i, _, _ in self._worst[:most]
        ]

    def sheet(self, title: str = "") -> Sheet:
        """The worst ones, before and after.

        Args:
            title: above the pictures.
        """
        shown = self._worst[:_MOST_DRAWN]
        height, width = (max(target.shape[axis] for _, _, target, _ in shown) for axis in (1, 2))

        def column(pictures: list[Tensor]) -> Tensor:
            rooms = [(0, width - p.shape[2], 0, height - p.shape[1]) for p in pictures]
            return torch.stack([F.pad(p, room, value=1.0) for p, room in zip(pictures, rooms, strict=True)])

        originals, restored = [item[2] for item in shown], [item[3] for item in shown]
        return Sheet({"original": column(originals), "restored": column(restored)}, title=title)


def decibels(error: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error of values in [0, 1].

    Example:
        >>> decibels(0.01)
        20.0
    """
    return -10 * math.log10(error) if error > 0 else math.inf
