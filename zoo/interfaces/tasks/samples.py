"""Targets of samples, as torch data sets give them: class indices, names, indicator rows, values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.interfaces.tasks.column_targets import TargetColumn, labels_of
from zoo.interfaces.tasks.columns import is_missing
from zoo.spec.errors import DataError, did_you_mean, listing, quote
from zoo.spec.hints.spoken import heads
from zoo.spec.names import closest, composed

_WORDS = ("False", "True")
_NAMED = 6


def class_indices(cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
    """Class indices of samples that have whole numbers, names, booleans or rows with a single one.

    Whole numbers are class indices already, also as 0.0 and 1.0. Names are sorted, unless the data say their
    order.

    Args:
        cells: one a sample.
        labels: names of the classes, where the data say them.
        where: whose targets, for messages.

    Raises:
        DataError: a sample has none, or none that is a class.

    Example:
        >>> class_indices(["dog", "cat"], (), "data")
        TargetColumn(targets=[1, 0], labels=('cat', 'dog'), numbered=False, tagged=False)
        >>> class_indices([[0, 1, 0], [1, 0, 0]], (), "data")
        TargetColumn(targets=[1, 0], labels=('0', '1', '2'), numbered=True, tagged=False)
        >>> class_indices([True, False], (), "data").labels
        ('False', 'True')
    """
    if all(isinstance(cell, bool) for cell in cells):
        return TargetColumn([int(cell) for cell in cells], tuple(labels) or _WORDS)
    if any(isinstance(cell, str) for cell in cells):
        return _of_names(cells, labels, where)
    if any(isinstance(cell, list) for cell in cells):
        found = [_single(cell, i, where) for i, cell in enumerate(cells)]
        return _numbered(found, labels, max(len(cell) for cell in cells))
    odd = next((i for i, cell in enumerate(cells) if not _is_whole(cell)), None)
    if odd is not None:
        got = f"{quote(cells[odd])} in sample {odd}"
        hint = None if is_missing(cells[odd]) else heads('head="regression" takes values')
        raise DataError(f"{where}: targets", expected="a class in each sample", got=got, hint=hint)
    indices = [int(cell) for cell in cells]
    return _numbered(indices, labels, max(indices) + 1)


def indicator_rows(cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
    """Indicator rows of samples that have such rows, or lists of names.

    Args:
        cells: one a sample.
        labels: names of the labels, where the data say them.
        where: whose targets, for messages.

    Raises:
        DataError: a name is none of the labels.

    Example:
        >>> indicator_rows([["cat", "dog"], []], (), "data")
        TargetColumn(targets=[[1, 1], [0, 0]], labels=('cat', 'dog'), numbered=False, tagged=True)
        >>> indicator_rows([[]], ("cat", "dog"), "data").targets
        [[0, 0]]
    """
    lists = all(isinstance(cell, list) for cell in cells)
    # Of nothing but empty lists only the data know that they might have held names
    named = lists and (any(isinstance(name, str) for cell in cells for name in cell) or not any(cells))
    if not named or not (labels or any(cells)):
        return TargetColumn(cells, tuple(labels))
    if not labels:
        return labels_of({"target": cells}, None, where)
    sets = [[composed(name) if isinstance(name, str) else name for name in cell] for cell in cells]
    for names in sets:
        _check_known(names, labels, where)
    return TargetColumn(
        [[int(composed(label) in names) for label in labels] for names in sets], tuple(labels)
    )


def _of_names(cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
    odd = next((i for i, cell in enumerate(cells) if not isinstance(cell, str) or not cell.strip()), None)
    if odd is not None:
        got = f"{quote(cells[odd])} in sample {odd}"
        raise DataError(f"{where}: targets", expected="the name of a class in each sample", got=got)
    names = [composed(cell.strip()) for cell in cells]
    if labels:
        _check_known(names, labels, where)
    order = tuple(labels) or tuple(sorted({*names}))
    numbers = {composed(name): i for i, name in enumerate(order)}
    return TargetColumn([numbers[name] for name in names], order)


def _check_known(names: Sequence[Any], labels: Sequence[str], where: str) -> None:
    known = {*map(composed, labels)}
    if unknown := next((name for name in names if name not in known), None):
        close = closest(str(unknown), labels)
        raise DataError(
            f"{where}: targets",
            expected=f"names among its classes ({listing(map(quote, labels), _NAMED)})",
            got=quote(unknown),
            hint=did_you_mean(str(unknown), close) if close else None,
        )


def _single(row: Any, index: int, where: str) -> int:
    """The place of the one in a row of zeros."""
    if not isinstance(row, list) or sorted(row) != [*[0] * (len(row) - 1), 1]:
        expected = "a class, or a row with a single one"
        column = isinstance(row, list) and len(row) == 1
        hint = (
            "y.ravel() makes a column a class an image"
            if column
            else heads('head="multilabel" takes several labels')
        )
        raise DataError(
            f"{where}: targets", expected=expected, got=f"{quote(row)} in sample {index}", hint=hint
        )
    return row.index(1)


def _numbered(indices: list[int], labels: Sequence[str], count: int) -> TargetColumn:
    if labels or min(indices) < 0:
        return TargetColumn(indices, tuple(labels))
    return TargetColumn(indices, tuple(map(str, range(count))), True)


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, int | float) and not is_missing(cell) and float(cell).is_integer()
