"""Checks of data against a task and a model: targets that are there, classes that agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.hints.spoken import classes_said

if TYPE_CHECKING:
    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.tasks.base import Task

_LOST = 1e-3
"""Largest part of the spread of values that float32 may round off."""

_SMALLEST, _LARGEST = 1e-15, 1e18
"""Spread of values, and the largest of them, whose squares and those of small errors float32 holds."""


def check_there(data: Dataset, where: str, what: str) -> None:
    """Raises DataError where an image has no target.

    Args:
        data: to look at.
        where: who asks, for messages.
        what: a target of the task is called.
    """
    if None in data.targets:
        hint = f"give a data set with a {what} for each, or class folders; a folder of yours is said ./FOLDER"
        raise DataError(f"{where}: data", expected=f"a {what} for each image", got="images alone", hint=hint)


def check_labels(
    data: Dataset, found: int, classes: int, labels: Sequence[str], where: str, *, hint: str | None = None
) -> None:
    """Raises DataError unless data and model have the same classes.

    Args:
        data: with labels, or without.
        found: number of classes of the data.
        classes: number of classes of the model.
        labels: of the model; empty where they are not known.
        where: who asks, for messages.
        hint: what to do where a model of other classes is wanted; by default how to say their number.
    """
    if found != classes:
        names = listing(map(quote, data.labels), 6)
        raise DataError(
            f"{where}: number of classes",
            expected=f"{classes}, as the model has",
            got=f"{found} ({names})" if data.labels else f"indices up to {found - 1}",
            hint=(hint or classes_said(found)) if where == "fit" else "give data with its classes",
        )
    # In order too: an output is told by its place alone
    if labels and data.labels and tuple(labels) != tuple(data.labels):
        raise DataError(
            f"{where}: labels",
            expected=listing(map(quote, labels), 6),
            got=listing(map(quote, data.labels), 6),
            hint="give data with the labels of the model, in its order",
        )


def classes_hint(task: Task, classes: int | Sequence[str]) -> str:
    """The next step where data have other classes than a model is to learn.

    Args:
        task: of the model.
        classes: of the data, their names or their number.
    """
    try:
        task.outputs(classes if isinstance(classes, int) else len(classes))
    except OptionError as error:  # another head takes so many
        return error.hint or str(error)
    return classes_said(classes)


def indices_hint(data: Dataset, task: Task, found: int, classes: int) -> str:
    """The next step where the class indices of data are of another number than a model's classes.

    Args:
        data: whose targets are class indices.
        task: of the model.
        found: number of classes that the data tell.
        classes: that of the model.
    """
    used = sorted({*data.targets})
    if not data.numbered or len(used) == found:
        return classes_hint(task, found)
    alone = f"indices count from 0, and {listing(map(str, used), 6)} alone are used"
    named = f"{alone}: str(target) makes them names"
    return named if len(used) == classes else f"{named}; {classes_hint(task, len(used))}"


def row_renumbered(row: Any, numbers: Sequence[int]) -> Any:
    """A row with a value for each label, in the order in which a model has the same labels.

    Args:
        row: of the data; what is no row stays as it is.
        numbers: for each place in the row, that of the model.

    Raises:
        DataError: the model has labels of which the row says nothing.

    Example:
        >>> row_renumbered([0.5, 0.25], [1, 0])
        [0.25, 0.5]
    """
    if not isinstance(row, list | tuple):
        return row
    if sorted(numbers) != [*range(len(row))]:
        expected, got = "a value for each label of the model", f"{len(row)}"
        raise DataError("targets", expected=expected, got=got, hint="give data with the same labels")
    places = {number: i for i, number in enumerate(numbers)}
    return [row[places[i]] for i in range(len(row))]


def has_answers(data: Dataset, task: Task) -> bool:
    """Whether the data have what the task needs: masks, or a target of each image, or nothing but images."""
    if task.needs == "mask":
        return data.masks
    return task.needs != "target" or None not in data.targets


def check_finite(data: Dataset, where: str) -> None:
    """Raises DataError where a value to learn is no number, such as an empty cell of a table.

    Args:
        data: whose targets are numbers, or rows of them.
        where: who asks, for messages.
    """
    # A sum of numbers is one; only where it is not is each looked at
    bad = [i for i, target in enumerate(data.targets) if not math.isfinite(_sum(target))]
    bad = [i for i in bad if not all(map(math.isfinite, _row(data.targets[i])))]
    if bad:
        values = listing(str(v) for v in _row(data.targets[bad[0]]) if not math.isfinite(v))
        more = f" and in {counted(len(bad) - 1, 'image')} more" if len(bad) > 1 else ""
        got = f"{values} for {data.name(bad[0])}{more}"
        hint = "mend the target, or leave the image out"
        raise DataError(f"{where}: targets", expected="numbers", got=got, hint=hint)


def check_told_apart(data: Dataset, where: str) -> None:
    """Raises DataError where float32, in which models answer, does not tell the values to learn apart.

    Args:
        data: whose targets are finite numbers, or rows of them.
        where: who asks, for messages.
    """
    if not len(data):
        return
    values = np.asarray(data.targets, dtype=np.float64).reshape(len(data), -1)
    for i, column in enumerate(values.T):
        low, high = float(column.min()), float(column.max())
        with np.errstate(over="ignore"):
            lost, spread = np.abs(column - column.astype(np.float32)).max(), column.std()
        held = max(-low, high) <= _LARGEST and (low == high or spread >= _SMALLEST)
        if held and (low == high or lost <= _LOST * spread):
            continue
        name = f": {quote(data.labels[i])}" if i < len(data.labels) else ""
        hint = f"take the smallest, {low:.16g}, off all" if held else "give them in another unit"
        expected, got = "values that float32 tells apart", f"{low:.16g} to {high:.16g}"
        raise DataError(f"{where}: targets{name}", expected=expected, got=got, hint=hint)


def _row(target: Any) -> Sequence[float]:
    return target if isinstance(target, list | tuple) else [target]


def _sum(target: Any) -> float:
    return sum(target) if isinstance(target, list | tuple) else target


def checked_names(labels: Sequence[str], count: int | None) -> tuple[str, ...]:
    """Names of outputs.

    Args:
        labels: a name for each, or none at all.
        count: how many there are to name; None where nobody knows.

    Raises:
        OptionError: they are of another number, one comes twice, or it is one text.

    Example:
        >>> checked_names(["cat", "dog"], 2)
        ('cat', 'dog')
    """
    where, hint = "labels", 'for example model.labels = ("cat", "dog")'
    if isinstance(labels, str | bytes) or not isinstance(labels, Sequence):
        raise OptionError(where, expected="a list or tuple of names", got=quote(labels), hint=hint)
    names = tuple(labels)
    if names and count is not None and len(names) != count:
        got = f"{len(names)} ({listing(map(quote, names), 6)})"
        raise OptionError(where, expected=counted(count, "name"), got=got)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise OptionError(where, expected="each name once", got=f"{quote(twice)} twice or more")
    return names


def check_crop(crop: float | None, task: Task | None, *, any_size: bool) -> None:
    """Raises OptionError where a model cannot see the middle of an image alone.

    Args:
        crop: of its input spec.
        task: whose answers may be about all of an image's pixels.
        any_size: whether it takes images that were not resized.
    """
    if crop is None:
        return
    pixelwise = task is not None and (task.spatial or task.needs == "mask" or task.answers != "words")
    if pixelwise or any_size or (task is not None and task.generates):
        hint = "leave crop out: whole images are resized"
        expected = "a model that answers in words, of the middle of an image"
        got = f"crop={crop:.4g} and one whose answers are places or images"
        raise OptionError("input: crop", expected=expected, got=got, hint=hint)
