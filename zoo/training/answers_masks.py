"""Masks that a model answered beside the true ones: tables by class, and the pictures that are worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.interfaces.tasks import Segmentation, Task
from zoo.training.answers import Answers, Mistake


class MaskAnswers(Answers):
    """Collects outputs and masks, picture by picture; of the worst pictures it keeps the answer.

    Args:
        task: how outputs are read.
        labels: names of the classes.
        most: pictures to keep.
    """

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels)
        self.most = most
        self._confusion = torch.zeros(len(labels), len(labels), dtype=torch.int64)
        self._worst: list[tuple[float, int, Tensor, Tensor]] = []

    def add(self, output: Tensor, target: Tensor, index: Tensor) -> None:
        """Takes in a batch.

        Args:
            output: N x K x H x W logits.
            target: N x H x W class indices.
            index: N numbers of pictures.
        """
        answer = output.argmax(dim=1)
        tables = confusions(target, answer, len(self.labels)).cpu()
        self._confusion += tables.sum(0)
        overlaps = picture_ious(tables)
        found = zip(overlaps.tolist(), index.tolist(), answer, tables, strict=True)
        kept = [(iou, i, mask.byte().cpu(), table) for iou, i, mask, table in found if iou < 1]
        # Of pictures that are equally bad, the first ones.
        self._worst = sorted([*self._worst, *kept], key=lambda item: item[:2])[: self.most]

    def tables(self) -> dict[str, Any]:
        """`labels`, and `per_class` with IoU, Dice, precision, recall and true pixels; 0 where undefined."""
        hits, true = self._confusion.diagonal().double(), self._confusion.sum(1)
        answered = self._confusion.sum(0)
        both = (true + answered).double()
        figures = {
            "iou": hits / (both - hits).clamp(min=1),
            "dice": 2 * hits / both.clamp(min=1),
            "precision": hits / answered.clamp(min=1),
            "recall": hits / true.clamp(min=1),
        }
        rows = {
            label: {name: float(values[i]) for name, values in figures.items()} | {"pixels": int(true[i])}
            for i, label in enumerate(self.labels)
        }
        return {"labels": self.labels, "per_class": rows}

    def worst(self, most: int, names: Callable[[int], str]) -> list[Mistake]:
        """The pictures of the lowest IoU.

        Args:
            most: how many at most.
            names: gives the name of a picture by its number.
        """
        return [
            Mistake(i, names(i), self._there(table.sum(0)), iou, self._there(table.sum(1)), mask)
            for iou, i, mask, table in self._worst[:most]
        ]

    def _there(self, pixels: Tensor) -> str:
        return ", ".join(label for label, count in zip(self.labels, pixels.tolist(), strict=True) if count)


def confusions(truths: Tensor, answers: Tensor, classes: int) -> Tensor:
    """Pixels of each picture by true and answered class, N x K x K.

    Args:
        truths: N x H x W class indices; 255 is not counted.
        answers: N x H x W class indices.
        classes: K.

    Example:
        >>> confusions(torch.tensor([[[0, 1, 1, 255]]]), torch.tensor([[[0, 0, 1, 1]]]), 2).tolist()
        [[[1, 0], [1, 1]]]
    """
    picture = torch.arange(len(truths), device=truths.device).view(-1, 1, 1)
    cells = (picture * classes + truths) * classes + answers
    counted = cells[truths != Segmentation.ignored]
    return counted.bincount(minlength=len(truths) * classes**2).view(-1, classes, classes)


def picture_ious(tables: Tensor) -> Tensor:
    """Of each picture the mean IoU over the classes that are in truth or answer; 1 where no pixel counts.

    Args:
        tables: N x K x K pixels by true and answered class.

    Example:
        >>> picture_ious(torch.tensor([[[1, 0], [1, 1]]])).tolist()
        [0.5]
    """
    hits = tables.diagonal(dim1=1, dim2=2).double()
    union = tables.sum(1) + tables.sum(2) - hits
    there = (union > 0).sum(1)
    return torch.where(there > 0, (hits / union.clamp(min=1)).sum(1) / there.clamp(min=1), 1.0)
