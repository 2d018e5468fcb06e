"""Figures of the best answers that are the same for all images: what looking at them must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.trainers.score import Score

_AT_ONCE = 4096


def constant_figures(
    model: Model, dataset: Dataset, train: Sequence[int], indices: Sequence[int]
) -> Mapping[str, float]:
    """Metrics of the model's task, each for the constant answer that is best by it; nothing without one.

    Args:
        model: with a task.
        dataset: with targets.
        train: samples that the answers are chosen by.
        indices: samples that it is measured on.
    """
    task = model.task
    if task is None or task.read_with_images or not train:
        return {}
    targets = dataset.targets
    answers = task.constant([targets[i] for i in train], model.outputs)
    if answers is None:
        return {}
    score = Score(task, model.outputs, None, labels=model.labels or dataset.labels)

    def figures(answer: Tensor, of: Sequence[int]) -> dict[str, float]:
        for first in range(0, len(of), _AT_ONCE):
            some = of[first : first + _AT_ONCE]
            score.add(answer.expand(len(some), -1), {"target": task.collate([targets[i] for i in some])})
        return score.values()

    rows = [*answers.reshape(-1, answers.shape[-1])]
    found = [figures(row, indices) for row in rows]
    if len(rows) == 1:
        return found[0]
    trained = [figures(row, train) for row in rows]
    best = {name: _best([one.get(name) for one in trained], score.higher[name]) for name in found[0]}
    return {name: found[best[name]][name] for name in found[0] if name in found[best[name]]}


def _best(figures: Sequence[float | None], rises: bool | None) -> int:
    """The place of the best figure; of equals, and of what has no direction, the first.

    Example:
        >>> _best([2.0, 1.0, 1.0], False)
        1
    """
    there = [i for i, figure in enumerate(figures) if figure is not None]
    if rises is None or not there:
        return 0
    return max(there, key=lambda i: (figures[i] or 0.0) * (1 if rises else -1))
