"""The numbers of a run, epoch by epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.spec.disk.atomic_write import write_text
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.schema import Check, list_of, number, or_none, table_of
from zoo.spec.errors import FormatError, quote, reason
from zoo.spec.files import HISTORY_FILE
from zoo.spec.names import encodable

_FIGURES = table_of(or_none(number), "numbers by name")
_ROW: Check = (lambda row: _FIGURES[0](row) and number[0](row.get("epoch")), "numbers by name")
ROWS = list_of(_ROW, "a list of epochs")
"""A history, as a check of a file's value."""

Row = dict[str, float]
"""`epoch` (from 1), `loss`, the first metric, both with `val_` too, and `seconds`."""


def write_json(path: Path, data: Any) -> None:
    """Writes plain data; a crash leaves the old file or the new one. Numbers that JSON lacks become null."""
    write_text(path, json_text(_plain(data), indent=1, allow_nan=False) + "\n")


def json_text(data: Any, **how: Any) -> str:
    """Plain data as JSON in readable letters, with escapes where names hold what UTF-8 cannot.

    Args:
        data: plain.
        how: as of `json.dumps`.

    Example:
        >>> json_text({"é": "caf\\udce9"}) == '{"\\\\u00e9": "caf\\\\udce9"}', json_text("é")
        (True, '"é"')
    """
    text = json.dumps(data, ensure_ascii=False, **how)
    return text if encodable(text) else json.dumps(data, **how)


def write_history(path: Path, rows: list[Row]) -> None:
    """Writes rows as a JSON list with a line for each; otherwise as `write_json`."""
    lines = (json_text(_plain(row), allow_nan=False) for row in rows)
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")


def finite(figures: Mapping[str, Row]) -> dict[str, Row]:
    """Figures by split without those that are no finite numbers, which JSON has not.

    Example:
        >>> finite({"val": {"loss": 0.5, "psnr": math.inf}})
        {'val': {'loss': 0.5}}
    """
    return {
        split: {name: value for name, value in row.items() if math.isfinite(value)}
        for split, row in figures.items()
    }


def read_history(folder: Path) -> list[Row]:
    """The rows that a run wrote.

    Raises:
        FormatError: there are none, or the file is damaged.
    """
    return read_rows(folder / HISTORY_FILE)


def read_rows(path: Path) -> list[Row]:
    """The rows in a history file; otherwise as `read_history`."""
    try:
        rows = read_json(path)
    except (OSError, ValueError) as error:
        raise FormatError(f"history {path}", expected="a list of epochs", got=reason(error)) from None
    if not ROWS[0](rows):
        raise FormatError(f"history {path}", expected="a list of epochs", got=quote(rows))
    # What was no number was written as null, see `_plain`
    return [{k: math.nan if v is None else v for k, v in row.items()} for row in rows]


def best_row(history: list[Row], monitor: str, higher: bool) -> Row | None:
    """The row with the best value; the first of equals. Rows where it is not a number are passed over."""
    sign = -1 if higher else 1
    fair = [row for row in history if not math.isnan(row.get(monitor, math.nan))]
    return min(fair, key=lambda row: sign * row[monitor], default=None)


def last_better(history: list[Row], monitor: str, higher: bool, min_delta: float = 0.0) -> float:
    """The last epoch whose value was better than the last such one by more than `min_delta`; 0 for none."""
    best, epoch = math.nan, 0.0
    for row in history:
        value = row.get(monitor, math.nan)
        gain = value - best if higher else best - value
        # The first number of all is an improvement, and a gain over NaN is none
        if gain > min_delta or (math.isnan(best) and not math.isnan(value)):
            best, epoch = value, row["epoch"]
    return epoch


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
