"""Targets read off the columns of a table: classes, several labels, values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.interfaces.tasks.columns import DECIMAL_COMMA, SEPARATORS, Cells, is_indicator, is_missing, plain
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.hints.spoken import heads

_NAMED = 6


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """Targets of a table, as a data set has them.

    Args:
        targets: class indices, indicator rows, values or rows of values; one a table row.
        labels: names of classes, labels or values.
        numbered: whether the table names no classes but their numbers, from 0 on.
        tagged: whether samples name their labels, so that one that no sample names is on none.
    """

    targets: Sequence[Any]
    labels: tuple[str, ...] = ()
    numbered: bool = False
    tagged: bool = False


def classes_of(columns: Cells, where: str) -> TargetColumn:
    """Class indices of one column of names, whole numbers or booleans.

    An ordered categorical column of pandas keeps its order, others are sorted. Whole numbers from 0 on
    without gaps are the classes of a model in its order.

    Args:
        columns: one.
        where: who asks, for messages.

    Raises:
        DataError: a cell is empty or no class, or there are several columns.

    Example:
        >>> classes_of({"kind": ["dog", "cat", "dog"]}, "data")
        TargetColumn(targets=[1, 0, 1], labels=('cat', 'dog'), numbered=False, tagged=False)
        >>> classes_of({"grade": [3, 1]}, "data").labels
        ('1', '3')
    """
    name, column = _only(columns, where)
    _check_full(name, column, where)
    cells = [plain(cell) for cell in column]
    if odd := next((cell for cell in cells if not isinstance(cell, str | int | float)), None):
        expected, hint = (
            "a name or number of a class in each row",
            heads('head="multilabel" takes several labels', "--as labels takes several"),
        )
        raise DataError(f"{where}: column {quote(name)}", expected=expected, got=quote(odd), hint=hint)
    if any(isinstance(cell, str) for cell in cells):
        names = [str(cell).strip() for cell in cells]
        order = _categories(column) or sorted({*names})
    else:
        if fraction := next((cell for cell in cells if not float(cell).is_integer()), None):
            hint = heads('head="regression" takes values', "--as values takes them")
            got = quote(fraction)
            raise DataError(f"{where}: column {quote(name)}", expected="classes", got=got, hint=hint)
        words = [isinstance(cell, bool) for cell in cells]
        if any(words) and not all(words):
            odd = words.index(not words[0])
            got = f"{quote(cells[0])} in row 1 and {quote(cells[odd])} in row {odd + 1}"
            expected = "numbers, or true and false, in all rows"
            raise DataError(f"{where}: column {quote(name)}", expected=expected, got=got)
        # False and True stay words
        whole = [cell if isinstance(cell, bool) else int(cell) for cell in cells]
        texts: Sequence[str] = getattr(column, "names", ()) or [""] * len(whole)
        names = [text or str(number) for number, text in zip(whole, texts, strict=True)]
        order = [text for _, text in sorted({*zip(whole, names, strict=True)})]
    numbers = {label: i for i, label in enumerate(order)}
    numbered = order == [*map(str, range(len(order)))]
    return TargetColumn([numbers[name] for name in names], tuple(order), numbered)


def labels_of(columns: Cells, separator: str | None, where: str) -> TargetColumn:
    """Indicator rows of several columns of zeros and ones, or of one with several labels a cell.

    Args:
        columns: one of lists or of texts with a separator, where an empty cell is no label, or of rows of
            zeros and ones; or several, each called after its label.
        separator: between labels in a cell; by default the first of `SEPARATORS` that is in one.
        where: who asks, for messages.

    Raises:
        DataError: a cell is no 0 or 1, or nothing has a label.
        OptionError: a separator was said, and there are several columns.

    Example:
        >>> labels_of({"tags": ["cat|dog", "dog", ""]}, None, "data").targets
        [[1, 1], [0, 1], [0, 0]]
        >>> labels_of({"cat": [1, 0], "dog": [True, True]}, None, "data").labels
        ('cat', 'dog')
    """
    if len(columns) > 1:
        if separator is not None:
            got, hint = f"{len(columns)} columns of one label each", "leave it out, or name one column"
            raise OptionError(f"{where}: separator", expected="labels in one column", got=got, hint=hint)
        return TargetColumn(_rows(columns, where), tuple(columns))
    name, column = _only(columns, where)
    cells = [[] if is_missing(cell) else plain(cell) for cell in column]
    texts = [cell for cell in cells if isinstance(cell, str)]
    if is_indicator(cells):
        return TargetColumn(cells, tuple(map(str, range(len(cells[0])))), True)
    _check_are_labels(name, cells, where)
    sign = separator or next((s for s in SEPARATORS if any(s in text for text in texts)), None)
    sets = [[*_several(cell, sign)] for cell in cells]
    labels = sorted({label for found in sets for label in found})
    if not labels:
        raise DataError(f"{where}: column {quote(name)}", expected="labels", got="none in any row")
    rows = [[int(label in found) for label in labels] for found in map(set, sets)]
    return TargetColumn(rows, tuple(labels), tagged=True)


def values_of(columns: Cells, where: str) -> TargetColumn:
    """Values of one column or several, whose names are what the values are called.

    Args:
        columns: of numbers, or of texts that are some.
        where: who asks, for messages.

    Raises:
        DataError: a cell is empty or no number.

    Example:
        >>> values_of({"age": [31, 40.5]}, "data")
        TargetColumn(targets=[31.0, 40.5], labels=('age',), numbered=False, tagged=False)
    """
    found = []
    for name, column in columns.items():
        _check_full(name, column, where)
        found.append([_number(plain(cell), name, i, where) for i, cell in enumerate(column)])
    targets = found[0] if len(found) == 1 else [list(row) for row in zip(*found, strict=True)]
    return TargetColumn(targets, tuple(columns))


def check_no_separator(separator: str | None, where: str) -> None:
    """Raises OptionError where a separator of labels was said for targets that are none."""
    if separator is not None:
        hint = heads('head="multilabel" takes several labels an image', "--as labels takes several")
        raise OptionError(f"{where}: separator", expected="labels", got="other targets", hint=hint)


def _number(cell: Any, name: str, row: int, where: str) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = math.nan
    if math.isfinite(value):
        return value
    hint = "write decimals with a point" if DECIMAL_COMMA.fullmatch(str(cell).strip()) else None
    got = f"{quote(cell)} in row {row + 1}"
    raise DataError(f"{where}: column {quote(name)}", expected="numbers", got=got, hint=hint)


def _check_are_labels(name: str, cells: Sequence[Any], where: str) -> None:
    """Raises DataError for one column of decimals, or of 0 and 1, which name no labels."""
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    odd = next((number for number in numbers if not float(number).is_integer()), None)
    if odd is not None:
        got = f"{quote(odd)} in row {cells.index(odd) + 1}"
        hint = heads('head="regression" takes values', "--as values takes them")
    elif numbers and len(numbers) == len(cells) and {*numbers} <= {0, 1}:
        got = "one column of 0 and 1"
        hint = heads('head="binary" tells one label from none', "--as classes reads two classes")
    else:
        return
    expected = "names of labels, or a column of 0 and 1 for each label"
    raise DataError(f"{where}: column {quote(name)}", expected=expected, got=got, hint=hint)


def _several(cell: Any, separator: str | None) -> list[str]:
    parts = cell.split(separator) if isinstance(cell, str) and separator else cell
    several = parts if isinstance(parts, list) else [parts]
    return [_label(part) for part in several if not is_missing(part)]


def _label(part: Any) -> str:
    """The name of a label; of a column with empty cells whole numbers come as decimals."""
    return str(int(part) if isinstance(part, float) and part.is_integer() else part).strip()


def _rows(columns: Cells, where: str) -> list[list[int]]:
    for name, column in columns.items():
        _check_full(name, column, where)
        cells = [plain(cell) for cell in column]
        odd = next((i for i, cell in enumerate(cells) if isinstance(cell, str) or cell not in (0, 1)), None)
        if odd is not None:
            expected = "0 or 1 in each row, where several columns are labels"
            got = f"{quote(cells[odd])} in row {odd + 1}"
            value = isinstance(cells[odd], int | float)
            hint = heads('head="regression" takes values', "--as values takes them") if value else None
            raise DataError(f"{where}: column {quote(name)}", expected=expected, got=got, hint=hint)
    return [[int(cell) for cell in row] for row in zip(*columns.values(), strict=True)]


def _check_full(name: str, column: Sequence[Any], where: str) -> None:
    empty = [i + 1 for i, cell in enumerate(column) if is_missing(cell)]
    if empty:
        got = f"{counted(len(empty), 'empty cell')} (row {listing(map(str, empty), _NAMED)})"
        hint = "fill them, or leave these rows out"
        raise DataError(f"{where}: column {quote(name)}", expected="a target in each row", got=got, hint=hint)


def _only(columns: Cells, where: str) -> tuple[str, Sequence[Any]]:
    if len(columns) != 1:
        several = "several are labels or values"
        hint = heads(
            f'{several}: head="multilabel" or "regression"', f"{several}: --as labels or --as values"
        )
        got = listing(map(quote, columns), _NAMED)
        raise DataError(f"{where}: target", expected="one column", got=got, hint=hint)
    return next(iter(columns.items()))


def _categories(column: Sequence[Any]) -> list[str] | None:
    """The order of an ordered categorical column, of pandas say; None where nobody said one."""
    kind: Any = getattr(column, "dtype", None)
    return [str(c).strip() for c in kind.categories] if getattr(kind, "ordered", False) else None
