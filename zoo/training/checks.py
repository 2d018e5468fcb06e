"""Whether data, labels and model fit each other; said before any work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Binary, Embedding, Multiclass, Multilabel, Ordinal, Regression
from zoo.spec.errors import DataError, TrainingError, listing, quote


def check_data(model: Model, dataset: Dataset, where: str) -> None:
    """Raises DataError unless the model can learn from, or be measured on, the targets.

    Raises:
        TrainingError: the model has no task.
    """
    task = model.task
    if task is None:
        hint = "give it one: --head multiclass, in Python zoo.build(..., head='multiclass', classes=...)"
        raise TrainingError(where, expected="a model with a head", got="a feature extractor", hint=hint)
    targets = dataset.targets
    if not targets:
        raise DataError(f"{where}: data", expected="pictures", got="none")
    if task.needs == "mask":
        _check_masks(model, dataset, where)
    if task.needs == "target" and not isinstance(task, Regression) and None in targets:
        hint = (
            "give a data set with classes, or a folder of class folders; a folder of yours is said ./FOLDER"
        )
        raise DataError(
            f"{where}: data", expected="a class for each picture", got="pictures alone", hint=hint
        )
    if isinstance(task, Binary | Multiclass | Ordinal):
        _check_classes(model, dataset, targets, task.classes(model.outputs), where)
    elif isinstance(task, Embedding):
        bad = next((t for t in targets if not isinstance(t, int) or t < 0), "")
        if bad != "":
            hint = "give a folder for each person or thing"
            raise DataError(f"{where}: targets", expected="class indices", got=quote(bad), hint=hint)
    elif isinstance(task, Multilabel):
        bad = next((t for t in targets if not isinstance(t, list | tuple) or len(t) != model.outputs), None)
        if bad is not None:
            expected = f"rows of {model.outputs} zeros and ones"
            raise DataError(f"{where}: targets", expected=expected, got=quote(bad))
    elif isinstance(task, Regression):
        if None in targets:
            hint = "give data with targets"
            raise DataError(
                f"{where}: targets", expected=f"{model.outputs} values a picture", got="none", hint=hint
            )
        lengths = {len(t) if isinstance(t, list | tuple) else 1 for t in targets}
        if lengths != {model.outputs}:
            expected, got = f"{model.outputs} values a picture", listing(map(str, sorted(lengths)))
            raise DataError(f"{where}: targets", expected=expected, got=got)


def _check_masks(model: Model, dataset: Dataset, where: str) -> None:
    if not dataset.masks:
        hint = "a folder with images/ and masks/, or a data set with masks"
        raise DataError(f"{where}: data", expected="a mask for each picture", got="none", hint=hint)
    _check_labels(model, dataset, len(dataset.labels), model.outputs, where)


def _check_classes(model: Model, dataset: Dataset, targets: Sequence[Any], classes: int, where: str) -> None:
    bad = next((t for t in targets if not isinstance(t, int)), None)
    if bad is not None:
        raise DataError(f"{where}: targets", expected="class indices", got=quote(bad))
    found = max(len(dataset.labels), max(targets) + 1)
    if min(targets) < 0:
        raise DataError(f"{where}: targets", expected="class indices", got=str(min(targets)))
    _check_labels(model, dataset, found, classes, where)


def _check_labels(model: Model, dataset: Dataset, found: int, classes: int, where: str) -> None:
    if found != classes:
        names = listing(map(quote, dataset.labels), 6)
        raise DataError(
            f"{where}: number of classes",
            expected=f"{classes}, as the model has",
            got=f"{found} ({names})" if dataset.labels else f"indices up to {found - 1}",
            hint=f"build the model for {found} classes",
        )
    if model.labels and dataset.labels and model.labels != dataset.labels:
        raise DataError(
            f"{where}: labels",
            expected=listing(map(quote, model.labels), 6),
            got=listing(map(quote, dataset.labels), 6),
            hint="rename the class folders, or build the model with the labels of the data",
        )
