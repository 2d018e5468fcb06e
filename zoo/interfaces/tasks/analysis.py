"""Error analysis: what a model answered to each image beside what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.interfaces.tasks.confusion import Confusion
from zoo.interfaces.tasks.descriptions import (
    Drawing,
    Mistake,
    Overlay,
    Overlays,
    error_table,
)
from zoo.spec.display import Table

if TYPE_CHECKING:
    from zoo.interfaces.tasks.base import Task

Names = Callable[[int], str]
"""Gives the name of an image by its number."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Result of an error analysis: figures and tables as plain data, and descriptions to look at.

    Args:
        metrics: figures beside those of the task's metrics, by name.
        labels: names of the classes, where figures are told by class.
        per_class: figures by class.
        confusion: K x K counts, where an image has one class; rows are the truth.
        worst: the images that the model is most wrong about, the worst first.
        more: further tables as plain data, by name.
        tables: for a terminal or a notebook.
        drawings: for files, by the name of the file without its suffix.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    labels: Sequence[str] = ()
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] | None = None
    worst: tuple[Mistake, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[Table | Confusion, ...] = ()
    drawings: Mapping[str, Drawing] = field(default_factory=dict)


class Analysis:
    """Collects outputs and targets, image by image; a task may have one of its own.

    This one keeps the images with the largest `Task.errors`, and says of each how far it is off, in the
    task's units; marks over images come from `Task.overlay`. For a task without errors it finds nothing.

    Args:
        task: whose outputs are looked at.
        labels: names of the classes or values.
        most: images to keep.
    """

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        self.task, self.labels, self.most = task, list(labels), most
        self._worst: list[tuple[float, int, Tensor, Tensor]] = []
        self._size: tuple[int, int] | None = None

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in a batch.

        Args:
            output: N outputs, as the model returns them.
            target: N targets, as they are read.
            index: N numbers of images.
            size: height and width of the images that the model was given.
        """
        errors = self.task.errors(output, target)
        if errors is None:
            return
        self._size = size
        rows = zip(errors.cpu().double().tolist(), index.tolist(), output, target, strict=True)
        # Negative, so that sorting puts the largest error first.
        found = [(-error, i, said.cpu(), right.cpu()) for error, i, said, right in rows if error > 0]
        # Of images that are equally bad, the first ones.
        self._worst = sorted([*self._worst, *found], key=lambda item: item[:2])[: self.most]

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """Findings of all batches.

        Args:
            names: gives the name of an image by its number.
            known: figures of the val split, on which thresholds are chosen; empty where these are they.
        """
        worst = tuple(self._mistake(*item, names) for item in self._worst)
        if not worst:
            return Findings()
        drawn = {"worst": Overlays(worst, self.labels, "largest errors")} if worst[0].answer else {}
        return Findings(worst=worst, tables=(error_table(worst, "ERROR"),), drawings=drawn)

    def _mistake(self, error: float, index: int, output: Tensor, target: Tensor, names: Names) -> Mistake:
        said, right = self.task.overlay(output), self.task.overlay(output, target)
        label = f"{-error:.4g} {self.task.units}".rstrip()
        return Mistake(index, names(index), label, None, "", _in(said, self._size), _in(right, self._size))


def _in(marks: Overlay | None, size: tuple[int, int] | None) -> Overlay | None:
    """Marks in the pixels of an image of a size."""
    return None if marks is None else Overlay(marks.mask, marks.points, marks.lines, marks.size or size)


class Columns:
    """Tensors collected by name over batches, on the CPU."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Tensor]] = {}

    def add(self, **values: Tensor) -> None:
        """Takes in N rows by name."""
        for name, value in values.items():
            self._parts.setdefault(name, []).append(value.detach().cpu())

    def __getitem__(self, name: str) -> Tensor:
        return torch.cat(self._parts[name])
