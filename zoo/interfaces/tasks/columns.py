"""Columns of a table, and the form of targets that their cells tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from zoo.spec.errors import DataError, quote
from zoo.spec.hints.spoken import heads

Cells = Mapping[str, Sequence[Any]]
"""Cells by the name of their column, as many in each."""

Form = Literal["classes", "labels", "values", "whole"]
"""Form of targets by their cells alone; whole numbers are classes or values, which nobody can tell."""

SEPARATORS = ("|", ";", ",")
"""Signs between several labels in one cell, in the order in which they are looked for."""
SURE = SEPARATORS[:2]
"""Those that names of classes have none of, so that a cell with one holds several labels."""

_MISSING = frozenset(["NAType", "NaTType", "NoneType"])
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
"""A number as most of Europe writes it."""


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
    if any(sign in cell for cell in cells if isinstance(cell, str) for sign in SURE):
        return "labels"
    # Objects, such as tables of JSON, are no values: who reads classes refuses them
    if not cells or any(isinstance(cell, str) or not _is_number(cell) for cell in cells):
        return "classes"
    if len(columns) > 1:
        return "labels" if {*cells} <= {0, 1} else "values"
    if any(isinstance(cell, bool) for cell in cells):
        return "classes"
    return "whole" if all(isinstance(cell, int) for cell in cells) else "values"


def plain(cell: Any) -> Any:
    """A cell without the types of other libraries; of a tuple, set or array a list."""
    if isinstance(cell, np.ndarray | np.generic):
        return cell.tolist()
    return [*cell] if isinstance(cell, tuple | set | frozenset) else cell


def is_indicator(rows: Sequence[Any]) -> bool:
    """Whether targets are rows of zeros and ones of one length, 2 or more.

    Example:
        >>> is_indicator([[0, 1], [1, 1]]), is_indicator([[0.5, 1]]), is_indicator([["cat"]])
        (True, False, False)
    """
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    return len(lengths) == 1 and min(lengths) > 1 and all(value in (0, 1) for row in rows for value in row)


def label_columns(columns: Cells) -> list[str]:
    """Names of the columns of 0 and 1 alone, each of which may be called after a label.

    Example:
        >>> label_columns({"cat": [0, 1], "dog": [True, False], "age": [3, 1]})
        ['cat', 'dog']
    """
    return [name for name, column in columns.items() if len(column) and all(map(_is_bit, column))]


def check_points(columns: Cells, where: str) -> None:
    """Raises DataError where a column holds nothing but numbers, of which some have a decimal comma."""
    for name, column in columns.items():
        cells = [str(cell).strip() for cell in column if not is_missing(cell)]
        row = next((i for i, cell in enumerate(column) if DECIMAL_COMMA.fullmatch(str(cell).strip())), None)
        if row is not None and all(_NUMBER.fullmatch(cell) for cell in cells):
            point = "write decimals with a point"
            hint = heads(f'{point}; head="multiclass" reads classes', f"{point}; --as classes reads classes")
            got = f"{quote(column[row])} in row {row + 1}"
            raise DataError(
                f"{where}: column {quote(name)}", expected="numbers or classes", got=got, hint=hint
            )


def _is_bit(cell: Any) -> bool:
    value = plain(cell)
    return isinstance(value, int | float) and value in (0, 1)


def _is_number(cell: Any) -> bool:
    """Whether an object, a Decimal say, is a number."""
    try:
        float(cell)
    except (TypeError, ValueError, OverflowError):
        return isinstance(cell, int)
    return True
