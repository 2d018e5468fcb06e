"""Splits, folds and places in time that the cells of a column say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from zoo.interfaces.tasks.columns import is_missing, plain
from zoo.spec.errors import DataError, quote
from zoo.spec.split_names import split_named

_UTC = "+00:00"
_FRACTION = re.compile(r":\d\d[.,](\d+)")
_FOLD = re.compile(r"(?:fold)?[ _-]?(\d{1,4})(?:\.0)?")


def folds_in(cells: Sequence[Any]) -> list[int] | None:
    """The numbers of folds in a column's cells, such as 3 or `fold 3`; None where they are none.

    Example:
        >>> folds_in(["0", 1, "fold-2"]), folds_in(["train", "test"]), folds_in([1, 1])
        ([0, 1, 2], None, None)
    """
    found = [_FOLD.fullmatch(str(plain(cell)).strip().lower()) for cell in cells]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len(numbers) == len(found) and len({*numbers}) > 1 else None


def splits_in(cells: Sequence[Any], where: str) -> list[str]:
    """The splits that a column's cells mean.

    Args:
        cells: such as `train` and `Testing`.
        where: whose, for messages.

    Raises:
        DataError: a cell means none.
    """
    found = [split_named(str(cell)) for cell in cells]
    odd = [i for i, split in enumerate(found) if split is None]
    if odd:
        got = f"{quote(plain(cells[odd[0]]))} in row {odd[0] + 1}"
        hint = "numbers of folds, 0 to 4 say, are read too, where each row has one"
        raise DataError(where, expected="train, val or test in each row", got=got, hint=hint)
    return [split for split in found if split]


def order_in(cells: Sequence[Any], where: str) -> list[Any]:
    """The places in time that a column's cells say: numbers, or moments as text that sorts.

    Args:
        cells: numbers, dates, or texts of dates; those with an offset from UTC are compared as moments.
        where: whose, for messages.

    Raises:
        DataError: a cell is empty or neither, or some dates have an offset and others none.

    Example:
        >>> order_in(["2025-01-01T00:30+01:00", "2024-12-31T23:00Z"], "day")
        ['2024-12-31T23:30:00.000000000+00:00', '2024-12-31T23:00:00.000000000+00:00']
    """
    cells = [plain(cell) for cell in cells]
    if (empty := next((i for i, cell in enumerate(cells) if is_missing(cell)), None)) is not None:
        expected, hint = "a number or date in each row", "fill it, or leave the row out"
        raise DataError(where, expected=expected, got=f"none in row {empty + 1}", hint=hint)
    numbers = [isinstance(cell, int | float) for cell in cells]
    if all(numbers):
        return cells
    if any(numbers):
        odd = numbers.index(not numbers[0])
        got = f"{quote(cells[0])} in row 1 and {quote(cells[odd])} in row {odd + 1}"
        raise DataError(where, expected="numbers, or dates such as 2025-12-31", got=got)
    found = [_moment(cell, i, where) for i, cell in enumerate(cells)]
    aware = [place.endswith(_UTC) for place in found]
    if len({*aware}) > 1:
        odd = aware.index(not aware[0])
        got = f"{quote(str(cells[0]))} in row 1 and {quote(str(cells[odd]))} in row {odd + 1}"
        hint = "say it for all, or for none"
        raise DataError(where, expected="dates with an offset from UTC, or without", got=got, hint=hint)
    return found


def _moment(cell: Any, row: int, where: str) -> str:
    """A date as text that sorts, to the nanosecond; one with an offset in UTC."""
    text = str(cell).strip()
    try:
        date = datetime.fromisoformat(text)
        date = date if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        expected = "numbers, or dates such as 2025-12-31"
        raise DataError(where, expected=expected, got=f"{quote(cell)} in row {row + 1}") from None
    # Python ends at microseconds, and pandas does not
    digits = found[1] if (found := _FRACTION.search(text)) else f"{date.microsecond:06d}"
    offset = "" if date.tzinfo is None else _UTC
    return f"{date.replace(microsecond=0, tzinfo=None).isoformat()}.{digits[:9]:0<9}{offset}"
