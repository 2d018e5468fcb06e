"""Tables of labels in text files: comma-separated values and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.interfaces.records.cells import WrittenColumn
from zoo.interfaces.records.table_file import TableFile
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.disk.reading import read_text, split_lines
from zoo.spec.errors import DataError, quote, reason

MOST_BYTES = 1 << 30
"""Largest table: a hundred bytes an image are ten million images."""

DELIMITERS = (",", ";", "\t", "|")
"""Signs between cells, in the order in which they are tried."""

_JSON = (".jsonl", ".ndjson")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False}
_LONG = sys.int_info.str_digits_check_threshold
"""Signs from which on a cell is a name: whether Python converts such a number is a matter of settings."""

_BLANK_BEHIND = re.compile(r'(?<!")" +(?=[,;\t|\r\n]|\Z)')
_QUOTES = {"end of data": "a quote that nothing closes", "expected after": "text behind a closing quote"}


class TextTable(TableFile):
    """A table of labels: a CSV with a header, or an object a line in JSON.

    Cells of a CSV that are all whole numbers, decimals, or true and false are read as such; a number with
    leading zeros is a name.
    """

    suffixes = (".csv", ".tsv", ".jsonl", ".ndjson")

    def read(self, file: Path) -> Cells:
        """The cells of a file.

        Raises:
            DataError: it is no table.
        """
        where = f"data {file}"
        try:
            text = read_text(file, MOST_BYTES)
        except (OSError, ValueError) as error:
            hint = "save it as UTF-8" if isinstance(error, ValueError) else None
            expected = "a table in UTF-8"
            raise DataError(where, expected=expected, got=reason(error), hint=hint) from None
        if not text.strip():
            raise DataError(where, expected="a table", got="an empty file")
        return _json_lines(text, where) if file.suffix.lower() in _JSON else _separated(text, where)


def _separated(text: str, where: str) -> Cells:
    first = text.lstrip().partition("\n")[0]
    counts = {sign: first.count(sign) for sign in DELIMITERS}
    sign = max(counts, key=counts.__getitem__)
    header, *rows = _rows(text, sign, where)
    if twice := next((name for name in header if name and header.count(name) > 1), None):
        raise DataError(where, expected="a name for each column", got=f"{quote(twice)} twice")
    if not rows:
        hint = "the first line names the columns"
        raise DataError(where, expected="rows below the header", got="none", hint=hint)
    odd = next((i for i, row in enumerate(rows) if len(row) != len(header)), None)
    if odd is not None:
        got = f"{len(rows[odd])} in row {odd + 1} ({quote(sign.join(rows[odd])[:60])})"
        hint = f"put cells with {quote(sign)} in them into quotes"
        raise DataError(where, expected=f"{len(header)} cells a row", got=got, hint=hint)
    return {name: typed([row[i] for row in rows]) for i, name in enumerate(header)}


def _rows(text: str, sign: str, where: str) -> list[list[str]]:
    """The cells of each line, header first.

    Raises:
        DataError: a quote is not closed, or is followed by text: the lines up to the next quote would be one
            cell.
    """
    # A blank between a closing quote and the next cell is no text
    text = _BLANK_BEHIND.sub('"', text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=True, strict=True)
    rows, begins = [], 1
    try:
        for line in lines:
            if line:
                rows.append([cell.strip() for cell in line])
            begins = lines.line_num + 1
    except csv.Error as error:
        wrong = next((words for said, words in _QUOTES.items() if said in str(error)), str(error))
        got = f"{wrong}, in the row that begins in line {begins}"
        hint = 'close each quote in its cell; one that belongs to a text stands twice ("") in a quoted cell'
        raise DataError(where, expected="quotes around whole cells", got=got, hint=hint) from None
    return rows


def typed(cells: Sequence[str]) -> list[Any]:
    """Cells of one column as the numbers or words that they all are; empty ones stay so.

    Args:
        cells: as they are written.

    Example:
        >>> typed(["1", "2", ""]), typed(["1", "2.5"]), typed(["01", "02"]), typed(["True", "false"])
        ([1, 2, None], [1.0, 2.5], ['01', '02'], [True, False])
    """
    full = [cell for cell in cells if cell]
    if max(map(len, full), default=0) >= _LONG:
        return [cell or None for cell in cells]
    if all(map(_WHOLE.fullmatch, full)):
        return _numbers([int(cell) if cell else None for cell in cells], cells)
    if all(_REAL.fullmatch(cell) and not _padded(cell) for cell in full):
        return _numbers([float(cell) if cell else None for cell in cells], cells)
    if all(cell.lower() in _WORDS for cell in full):
        return [_WORDS[cell.lower()] if cell else None for cell in cells]
    return [cell or None for cell in cells]


def _numbers(numbers: list[Any], cells: Sequence[str]) -> list[Any]:
    column = WrittenColumn(numbers, cells)
    return column if any(column.names) else numbers


def _padded(cell: str) -> bool:
    """Whether a number begins with a zero that no number has."""
    return len(cell) > 1 and cell[0] == "0" and cell[1].isdigit()


def _json_lines(text: str, where: str) -> Cells:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            got = f"{reason(error)} in line {number}"
            raise DataError(where, expected="a JSON object in each line", got=got) from None
        if not isinstance(row, dict):
            got = f"{quote(row)} in line {number}"
            raise DataError(where, expected="a JSON object in each line", got=got)
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
