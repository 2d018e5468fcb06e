"""Figures of the best answer that is the same for all images: what looking at them must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.trainers.score import Score

_AT_ONCE = 4096


def constant_figures(
    model: Model, dataset: Dataset, train: Sequence[int], indices: Sequence[int]
) -> Mapping[str, float]:
    """Metrics of the model's task for the constant answer; nothing where there is none.

    Args:
        model: with a task.
        dataset: with targets.
        train: samples that the answer is chosen by.
        indices: samples that it is measured on.
    """
    task = model.task
    if task is None or task.read_with_images or not train:
        return {}
    targets = dataset.targets
    answer = task.constant([targets[i] for i in train], model.outputs)
    if answer is None:
        return {}
    score = Score(task, model.outputs, None, labels=model.labels or dataset.labels)
    for first in range(0, len(indices), _AT_ONCE):
        some = indices[first : first + _AT_ONCE]
        score.add(answer.expand(len(some), -1), {"target": task.collate([targets[i] for i in some])})
    return score.values()
