"""Whether data, labels and model fit each other; said before any work."""

from __future__ import annotations

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, TrainingError


def check_data(model: Model, dataset: Dataset, where: str) -> None:
    """Raises DataError unless the model can learn from, or be measured on, the targets.

    Raises:
        TrainingError: the model has no task.
    """
    if model.task is None:
        hint = "give it one: --head multiclass, in Python zoo.build(..., head='multiclass', classes=...)"
        raise TrainingError(where, expected="a model with a head", got="a feature extractor", hint=hint)
    if not dataset.targets:
        raise DataError(f"{where}: data", expected="images", got="none")
    model.task.check(dataset, model.outputs, model.labels, where)
