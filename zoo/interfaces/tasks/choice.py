"""Choice of a task where data or a network name none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.classes import Binary, Multiclass
from zoo.interfaces.tasks.column_targets import TargetColumn, classes_of
from zoo.interfaces.tasks.columns import Cells, check_points, form_of, label_columns
from zoo.interfaces.tasks.images import Generation, Reconstruction
from zoo.interfaces.tasks.labels import Multilabel
from zoo.interfaces.tasks.masks import Segmentation
from zoo.interfaces.tasks.order import Ordinal
from zoo.interfaces.tasks.samples import class_indices
from zoo.interfaces.tasks.values import Regression
from zoo.interfaces.tasks.vectors import Embedding
from zoo.spec.display import counted
from zoo.spec.errors import DataError, quote
from zoo.spec.hints.spoken import heads

_PAIR = 2

BY_NAME: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Binary(), Multiclass(), Ordinal(), Multilabel(), Regression(), Embedding(), Segmentation(),
            Reconstruction(), Generation(),
        )
    }
)  # fmt: skip
"""The tasks of the core."""

DEFAULT = Regression.name
"""The task that a part without one is tried on."""


def for_classes(count: int) -> Task:
    """The task of data with so many classes.

    Example:
        >>> for_classes(2).name, for_classes(3).name
        ('binary', 'multiclass')
    """
    return Binary() if count == _PAIR else Multiclass()


def fitting(task: Task, count: int | None) -> Task:
    """The task of data whose model has so many classes; that of the data alone where nobody said how many.

    Example:
        >>> fitting(Binary(), 3).name, fitting(Binary(), None).name
        ('multiclass', 'binary')
    """
    return Multiclass() if isinstance(task, Binary) and count not in (None, _PAIR) else task


def for_logits() -> Task:
    """The task of a network with one logit for each class, of however many."""
    return Multiclass()


def for_masks() -> Task:
    """The task of data with masks."""
    return Segmentation()


def for_rows() -> Task:
    """The task of data with a row of labels an image."""
    return Multilabel()


def for_numbers() -> Task:
    """The task of data with whole numbers that are values, such as ages."""
    return Regression()


FORMS = ("classes", "labels", "values", "masks")
"""Forms of targets that somebody may name where no task does."""


def for_form(form: str) -> Task:
    """The task of targets of a form.

    Args:
        form: one of `FORMS`.
    """
    return {"classes": for_logits, "labels": for_rows, "values": for_numbers, "masks": for_masks}[form]()


def for_columns(
    columns: Cells, separator: str | None, where: str, task: Task | None = None
) -> tuple[Task, TargetColumn]:
    """The targets of a table as a task reads them, and the task, which their cells tell where there is none.

    One that needs no targets takes them as they are without one, whole numbers for classes: splits are
    stratified by them.

    Args:
        columns: of the targets.
        separator: between several labels in a cell, where it was said.
        where: the data, for messages.
        task: of the model.

    Raises:
        DataError: they are whole numbers, which may be classes or values, or numbers with a decimal comma.

    Example:
        >>> for_columns({"kind": ["cat", "dog"]}, None, "data")[0].name
        'binary'
    """
    if task is not None and task.needs == "target":
        return task, task.read_columns(columns, separator, where)
    form = form_of(columns, separator)
    if form == "whole" and task is None:
        name, column = next(iter(columns.items()))
        low, high = min(column), max(column)
        got = f"whole numbers from {low} to {high}, {counted(len({*column}), 'different one')}"
        way = 'head="multiclass" or "ordinal" reads classes, head="regression" values'
        hint = heads(way, "say --as classes or --as values")
        raise DataError(f"{where}: column {quote(name)}", expected="classes or values", got=got, hint=hint)
    if task is None:
        check_points(columns, where)
    if form in ("classes", "whole"):
        found = classes_of(columns, where)
        return task or for_classes(len(found.labels)), found
    told: Task = Multilabel() if form == "labels" else Regression()
    return task or told, told.read_columns(columns, separator, where)


def wants_of(task: Task | None) -> dict[str, Any]:
    """The kinds of columns that a task wants, as arguments of `zoo.interfaces.records.roles.settled`.

    Args:
        task: of the model; None where data tell it.

    Example:
        >>> wants_of(Segmentation())
        {'needs': 'mask', 'several': None}
    """
    labels = task is None or isinstance(task, Multilabel)
    return {"needs": None if task is None else task.needs, "several": label_columns if labels else None}


def needs_images_alone(task: Task | None) -> bool:
    """Whether a model of a task learns from images without targets."""
    return task is not None and task.needs == "image"


def needs_masks(task: Task | None) -> bool:
    """Whether a model of a task learns a class for each pixel."""
    return task is not None and task.needs == "mask"


def for_samples(
    cells: Sequence[Any], labels: Sequence[str], where: str, task: Task | None = None
) -> tuple[Task, TargetColumn]:
    """The targets of samples as a task reads them, and the task, which they tell where there is none.

    A task that needs none takes them as they are without one: splits are stratified by classes.

    Args:
        cells: one a sample: of classes where they are whole numbers, names or booleans, of labels where they
            are lists of names, else of values.
        labels: names of the classes, where the data say them.
        where: the data, for messages.
        task: of the model.

    Raises:
        DataError: a target does not fit.

    Example:
        >>> for_samples([0, 1], (), "data")[0].name, for_samples([0.5], (), "data")[0].name
        ('binary', 'regression')
        >>> for_samples([["cat"], ["cat", "dog"]], (), "data")[0].name
        'multilabel'
    """
    if task is not None and task.needs == "target":
        return task, task.read_samples(cells, labels, where)
    if isinstance(cells[0], int | str):
        found = class_indices(cells, labels, where)
        # Labels may name classes that no image has
        return task or for_classes(max(len(found.labels), max(found.targets) + 1)), found
    several = isinstance(cells[0], list) and _names_all(cells)
    told: Task = Multilabel() if several else Regression()
    return task or told, told.read_samples(cells, labels, where)


def _names_all(cells: Sequence[Any]) -> bool:
    return all(isinstance(name, str) for cell in cells for name in cell)
