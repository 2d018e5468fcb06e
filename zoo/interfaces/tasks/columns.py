"""Targets read off the columns of a table: classes, several labels, values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.hints.spoken import heads

Cells = Mapping[str, Sequence[Any]]
"""Cells by the name of their column, as many in each."""

Form = Literal["classes", "labels", "values", "whole"]
"""Form of targets by their cells alone; whole numbers are classes or values, which nobody can tell."""

SEPARATORS = ("|", ";", ",")
"""Signs between several labels in one cell, in the order in which they are looked for."""
_SURE = SEPARATORS[:2]
"""Those that names of classes have none of, so that a cell with one holds several labels."""

_MISSING = frozenset(["NAType", "NaTType", "NoneType"])
_NAMED = 6
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


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


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty: nothing, blanks, or a number that is none.

    Example:
        >>> [is_missing(cell) for cell in (None, " ", float("nan"), 0, "0")]
        [True, True, True, False, False]
    """
    if isinstance(cell, str):
        return not cell.strip()
    return type(cell).__name__ in _MISSING or (isinstance(cell, float | np.floating) and math.isnan(cell))


def form_of(columns: Cells, separator: str | None = None) -> Form:
    """Form of targets, by their cells.

    Args:
        columns: of the targets, one or several.
        separator: between labels in a cell, where it was said.

    Example:
        >>> form_of({"age": [1.5, 2]}), form_of({"kind": ["cat", "dog"]}), form_of({"grade": [1, 2]})
        ('values', 'classes', 'whole')
        >>> form_of({"cat": [0, 1], "dog": [1, 1]}), form_of({"tags": ["a|b", "b"]})
        ('labels', 'labels')
        >>> form_of({"kind": ["cat, old", "dog"]}), form_of({"tags": ["cat,old", "cat"]}, ",")
        ('classes', 'labels')
    """
    cells = [plain(cell) for column in columns.values() for cell in column if not is_missing(cell)]
    if separator or any(isinstance(cell, list) for cell in cells):
        return "labels"
    if any(sign in cell for cell in cells if isinstance(cell, str) for sign in _SURE):
        return "labels"
    if not cells or any(isinstance(cell, str) for cell in cells):
        return "classes"
    if len(columns) > 1:
        return "labels" if {*cells} <= {0, 1} else "values"
    if any(isinstance(cell, bool) for cell in cells):
        return "classes"
    return "whole" if all(float(cell).is_integer() for cell in cells) and _whole(cells) else "values"


def plain(cell: Any) -> Any:
    """A cell without the types of other libraries; of a tuple, set or array a list."""
    if isinstance(cell, np.ndarray | np.generic):
        return cell.tolist()
    return [*cell] if isinstance(cell, tuple | set | frozenset) else cell


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
        texts: Sequence[str] = getattr(column, "written", ()) or [""] * len(whole)
        names = [text if "e" in text.lower() else str(n) for n, text in zip(whole, texts, strict=True)]
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

    Example:
        >>> labels_of({"tags": ["cat|dog", "dog", ""]}, None, "data").targets
        [[1, 1], [0, 1], [0, 0]]
        >>> labels_of({"cat": [1, 0], "dog": [True, True]}, None, "data").labels
        ('cat', 'dog')
    """
    if len(columns) > 1:
        return TargetColumn(_rows(columns, where), tuple(columns))
    name, column = _only(columns, where)
    cells = [[] if is_missing(cell) else plain(cell) for cell in column]
    texts = [cell for cell in cells if isinstance(cell, str)]
    if is_indicator(cells):
        return TargetColumn(cells, tuple(map(str, range(len(cells[0])))), True)
    sign = separator or next((s for s in SEPARATORS if any(s in text for text in texts)), None)
    sets = [[*_several(cell, sign)] for cell in cells]
    labels = sorted({label for found in sets for label in found})
    if not labels:
        raise DataError(f"{where}: column {quote(name)}", expected="labels", got="none in any row")
    rows = [[int(label in found) for label in labels] for found in map(set, sets)]
    return TargetColumn(rows, tuple(labels), tagged=True)


def is_indicator(rows: Sequence[Any]) -> bool:
    """Whether targets are rows of zeros and ones of one length, 2 or more.

    Example:
        >>> is_indicator([[0, 1], [1, 1]]), is_indicator([[0.5, 1]]), is_indicator([["cat"]])
        (True, False, False)
    """
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    return len(lengths) == 1 and min(lengths) > 1 and all(value in (0, 1) for row in rows for value in row)


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
    hint = "write decimals with a point" if _DECIMAL_COMMA.fullmatch(str(cell).strip()) else None
    got = f"{quote(cell)} in row {row + 1}"
    raise DataError(f"{where}: column {quote(name)}", expected="numbers", got=got, hint=hint)


def check_points(columns: Cells, where: str) -> None:
    """Raises DataError where a column holds nothing but numbers, of which some have a decimal comma."""
    for name, column in columns.items():
        cells = [str(cell).strip() for cell in column if not is_missing(cell)]
        row = next((i for i, cell in enumerate(column) if _DECIMAL_COMMA.fullmatch(str(cell).strip())), None)
        if row is not None and all(_NUMBER.fullmatch(cell) for cell in cells):
            point = "write decimals with a point"
            hint = heads(f'{point}; head="multiclass" reads classes', f"{point}; --as classes reads classes")
            got = f"{quote(column[row])} in row {row + 1}"
            raise DataError(
                f"{where}: column {quote(name)}", expected="numbers or classes", got=got, hint=hint
            )


def _several(cell: Any, separator: str | None) -> list[str]:
    parts = cell.split(separator) if isinstance(cell, str) and separator else cell
    several = parts if isinstance(parts, list) else [parts]
    return [str(part).strip() for part in several if not is_missing(part)]


def _rows(columns: Cells, where: str) -> list[list[int]]:
    for name, column in columns.items():
        _check_full(name, column, where)
        cells = [plain(cell) for cell in column]
        odd = next((i for i, cell in enumerate(cells) if isinstance(cell, str) or cell not in (0, 1)), None)
        if odd is not None:
            expected = "0 or 1 in each row, where several columns are labels"
            got = f"{quote(cells[odd])} in row {odd + 1}"
            raise DataError(f"{where}: column {quote(name)}", expected=expected, got=got)
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


def _whole(cells: Sequence[Any]) -> bool:
    """Whether numbers are written as whole ones; 1.0 is a value."""
    return all(isinstance(cell, int) for cell in cells)
