"""Labels of data and of a model, matched by name: the one place where one becomes the other."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from zoo.data.masks import check_mask
from zoo.data.view import View
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.data_checks import classes_hint, has_answers
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.hints.spoken import argument, data_option, spoken
from zoo.spec.names import closest, composed, plain

_VALUES = 256
_MOST_NAMES = 6
_TRUTH = ("false", "true")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBERED = re.compile(r"(\D*)(\d+(?:\.\d+)?)(\D*)")
_MADE_UP = ("background", "object")
"""Names that masks of two classes get, as `zoo.data.sources.mask_folders` says."""


class Relabelled(View):
    """Data whose classes are numbered as a model numbers them.

    Args:
        source: the data as they are.
        labels: of the model.
        numbers: for each class of the data, its number in the model.
        task: says what of a target follows the labels.
    """

    def __init__(self, source: Dataset, labels: Sequence[str], numbers: Sequence[int], task: Task) -> None:
        super().__init__(source)
        # With a name for each class the data are those of the model
        self.labels, self.numbers, self._task, self.numbered = tuple(labels), [*numbers], task, False
        self._same = self.numbers == [*range(len(self.numbers))]
        self._padded = self.tagged and not self.masks and (not self._same or len(labels) > len(self.numbers))

    def __getitem__(self, index: int) -> Sample:
        return self._mapped(index, self.source[index])

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample in the data, with the model's numbers."""
        return self._mapped(index, self.source.reduced(index, least))

    def _mapped(self, index: int, sample: Sample) -> Sample:
        mask = sample.mask
        if mask is not None and not self._same:
            # Before it is mapped: a number that nobody knows must not become one that is known
            check_mask(mask, sample.image, self.name(index), len(self.numbers))
            table = np.arange(_VALUES, dtype=np.uint8)
            table[: len(self.numbers)] = self.numbers
            mask = table[mask]
        return replace(sample, target=self._renumbered(sample.target), mask=mask)

    def _renumbered(self, target: Any) -> Any:
        if self._padded and isinstance(target, list | tuple):
            row = [0] * len(self.labels)
            for number, value in zip(self.numbers, target, strict=True):
                # A label that the model lacks is on no image here
                row[number] = value or row[number]
            return row
        return target if self._same else self._task.renumbered(target, self.numbers)

    @cached_property
    def targets(self) -> Sequence[Any]:
        """Targets in the numbers of the model."""
        return [self._renumbered(target) for target in self.source.targets]


def numbers_of(data: Dataset) -> list[int]:
    """The number that each class of the data as they are has in the data as they are given here.

    Args:
        data: perhaps with the classes of a model.
    """
    if isinstance(data, Relabelled):
        return [data.numbers[i] for i in numbers_of(data.source)]
    return numbers_of(data.source) if isinstance(data, View) else [*range(len(data.labels))]


def by_name(data: Dataset, labels: Sequence[str], task: Task, where: str) -> Dataset:
    """The data with the classes of a model: same names, other order, or some of them only.

    Data that name no classes have those of the model, in its order; so have masks, for a model whose classes
    have no names but their numbers. Numbers in a table are names where the model's classes are called by
    numbers. What does not fit by number is left to the task's own check.

    Args:
        data: with labels, or without.
        labels: of the model.
        task: of the model.
        where: who asks, for messages.

    Raises:
        DataError: the data have classes that the model has not, a name says two of its classes, or nobody can
            tell whether numbers are names or places.
    """
    own = tuple(data.labels)
    # Without what the task needs there is nothing to match
    if not own or own == tuple(labels) or not has_answers(data, task):
        return data
    if len(own) == len(labels) == 1:  # one value may be called otherwise: there is no order to get wrong
        _tell_called(own[0], labels[0], where)
        return data
    called = called_in(data, labels, where)
    if called is None or (data.masks and len(own) == len(labels) and _made_up(labels)):
        return Relabelled(data, labels, range(len(own)), task) if len(own) <= len(labels) else data
    # A label that the one has from a folder of macOS may be typed in the other
    own, known = tuple(map(composed, called)), tuple(map(composed, labels))
    used = _used(data)
    if used and not 0 <= min(used) <= max(used) < len(own):
        return data
    _check_known(own, used, known, task, where)
    check_rows(data, known, f"{where}: labels")
    numbers = {label: i for i, label in enumerate(known)}
    # What no image is of may have any number
    return Relabelled(data, labels, [numbers.get(label, 0) for label in own], task)


def called_in(data: Dataset, labels: Sequence[str], where: str) -> tuple[str, ...] | None:
    """The classes of data as others call them; None where their numbers are places among those of the others.

    Numbers that a table writes are names beside classes that are called by numbers, also as 007, and True is
    true. Those of samples are indices; where they may be names just as well, and mean another class then,
    nobody can tell.

    Args:
        data: with labels.
        labels: of a model, or of other data.
        where: who asks, for messages.

    Raises:
        DataError: numbers may be names or places.
    """
    own, used = tuple(data.labels), _used(data)
    if not data.numbered:
        # A table's true is a word of Python, a folder's is as it is typed
        words = {label.lower(): label for label in labels if label.lower() in _TRUTH}
        return tuple(label if label in labels else words.get(label.lower(), label) for label in own)
    values = {int(label): label for label in labels if _WHOLE.fullmatch(label)}
    # The values of pixels and the columns of rows have a place and no name
    if not values or data.masks or used is None:
        return None
    if data.numerals:
        return tuple(label if label in labels else values.get(int(label), label) for label in own)
    check_places(sorted(used), labels, where)
    return None


def check_places(numbers: Sequence[int], labels: Sequence[str], where: str) -> None:
    """Refuses indices of which nobody can tell whether they are places among classes or their names.

    Args:
        numbers: of classes.
        labels: what the classes are called.
        where: whose, for messages.

    Raises:
        DataError: all may be names, and one of them means another class then.
    """
    places = {label: i for i, label in enumerate(labels)}
    other = next((n for n in numbers if places.get(str(n), n) != n), None)
    if other is None or not all(str(n) in places for n in numbers):
        return
    order = listing(map(quote, labels), _MOST_NAMES)
    place = quote(labels[other]) if 0 <= other < len(labels) else "none"
    raise DataError(
        f"{where}: labels",
        expected=f"names, where classes are called by numbers in an order of their own ({order})",
        got=f"whole numbers: {other} may be {quote(str(other))} or, by its place, {place}",
        hint="give texts, str(target), where they are names; labels[target] where they are places",
    )


def check_rows(data: Dataset, labels: Sequence[str], where: str) -> None:
    """Refuses data of which nobody knows whether their images have a label.

    Args:
        data: with a row of labels or values an image.
        labels: that each row must tell of.
        where: who asks, for messages.

    Raises:
        DataError: the rows say nothing of a label.
    """
    missing = [label for label in labels if label not in map(composed, data.labels)]
    if not missing or data.tagged or not len(data.targets) or not isinstance(data.targets[0], list | tuple):
        return
    expected = f"a value for each of {listing(map(quote, labels), _MOST_NAMES)}"
    hint = "add it, 0 where no image has the label; lists of names need no label that is on no image"
    raise DataError(
        where, expected=expected, got=f"none for {listing(map(quote, missing), _MOST_NAMES)}", hint=hint
    )


def in_order(data: Dataset, task: Task | None) -> Dataset:
    """The data with their classes in the order that these have, where a task asks for one and nobody said it.

    Labels that stand in alphabetical order were put so by no one who meant it: numbers are sorted as numbers
    then, and of others a warning says how they are taken.

    Args:
        data: for a model without labels.
        task: of the model.
    """
    own = tuple(data.labels)
    if task is None or not task.ordered or data.numbered or own != tuple(sorted(own)):
        return data
    values = _values(own)
    if values is None:
        order = " < ".join(map(quote, own))
        typed = spoken().way == "shell"
        said = f"another one is said by {argument('classes', ','.join(own)) if typed else 'classes=[...]'}"
        warn(f"nobody said the order of the classes: they are taken as {order}; {said}")
        return data
    labels = [label for _, label in sorted(zip(values, own, strict=True))]
    return Relabelled(data, labels, [labels.index(label) for label in own], task)


def _values(labels: Sequence[str]) -> list[float] | None:
    """The numbers that labels are or hold: 2, or grade2; None where it is not the number that differs.

    Example:
        >>> _values(["1", "10", "2"]), _values(["grade 1", "grade 10"]), _values(["mild", "none"])
        ([1.0, 10.0, 2.0], [1.0, 10.0], None)
    """
    try:
        values = [float(label) for label in labels]
    except ValueError:
        found = [_NUMBERED.fullmatch(label) for label in labels]
        parts = [match.groups() for match in found if match]
        if len(parts) < len(labels) or len({(before, after) for before, _, after in parts}) > 1:
            return None
        values = [float(number) for _, number, _ in parts]
    # Of nan or twice the same there is no order
    return values if len({*values}) == len(values) and not any(map(math.isnan, values)) else None


def _tell_called(own: str, known: str, where: str) -> None:
    """Says that a value is called otherwise than the model's, since it may be another one."""
    if plain(own) != plain(known):
        goes_on = ", which stays its name" if where == "fit" else ""
        way = f"{data_option('target', known)} says which column, or build a model for it"
        taken = f"{quote(own)} is taken for {quote(known)} of the model{goes_on}"
        warn(f"{where}: {taken}; where it is another one, {way}")


def _meant(label: str, labels: Sequence[str]) -> str:
    close = closest(label, labels)[:1]
    return f"did you mean {quote(close[0])}? " if close else ""


def _made_up(labels: Sequence[str]) -> bool:
    """Whether labels are what classes without names are called."""
    return tuple(labels) in (_MADE_UP, tuple(map(str, range(len(labels)))))


def _used(data: Dataset) -> set[int] | None:
    """The classes that some image is of; None where targets are no classes, so that each label counts."""
    targets = data.targets
    if data.tagged and not data.masks:
        return {i for row in targets for i, value in enumerate(row) if value}
    return {*targets} if len(targets) and all(isinstance(target, int) for target in targets) else None


def _check_known(
    own: Sequence[str], used: set[int] | None, labels: Sequence[str], task: Task, where: str
) -> None:
    """Raises DataError where a label that is used says none of the model's classes, or two."""
    names = [label for i, label in enumerate(own) if used is None or i in used]
    if unknown := [label for label in names if label not in labels]:
        build = f"{classes_hint(task, [*labels, *unknown])}; " if where == "fit" else ""
        calls = "say model.labels = (...) where it only calls the same classes otherwise"
        others = "leave these out" if spoken().way == "shell" else f"leave these out, or {calls}"
        raise DataError(
            f"{where}: labels",
            expected=f"classes of the model ({listing(map(quote, labels), _MOST_NAMES)})",
            got=f"{len(unknown)} that it does not know ({listing(map(quote, unknown), _MOST_NAMES)})",
            hint=f"{_meant(unknown[0], labels)}{build}{others}",
        )
    if twice := [label for label in names if tuple(labels).count(label) > 1 or tuple(own).count(label) > 1]:
        expected = "a name for each class"
        hint = "give data with the labels of the model, all of them and in its order"
        raise DataError(f"{where}: labels", expected=expected, got=f"{quote(twice[0])} for two", hint=hint)
