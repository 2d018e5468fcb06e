"""What several subcommands need."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

WIDEST = 10_000


def json_option(command: F) -> F:
    """Adds `--json`, which arrives as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def emit_json(data: Any) -> None:
    """Prints plain data as JSON on standard output."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False, default=str))


def count(number: int | None) -> str:
    """A number of parameters as people say it.

    Example:
        >>> [count(n) for n in (14_714_688, 512, 25_600, 1_260_000_000, None)]
        ['14.7M', '512', '25.6k', '1.3G', '']
    """
    if number is None:
        return ""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def width() -> int:
    """Columns to fill; no limit where the output is not a terminal, so that a program gets everything."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDEST


def table(
    rows: Sequence[Sequence[object]], header: Sequence[str], *, right: Sequence[int] = (), indent: str = ""
) -> str:
    """Aligned columns of plain text, the last cut to the terminal.

    Args:
        rows: their cells.
        header: names of the columns.
        right: indices of columns aligned to the right.
        indent: put before each line.

    Example:
        >>> print(table([["net", 7], ["other", 12]], ["NAME", "N"], right=[1]))
        NAME    N
        net     7
        other  12
    """
    cells = [[*header], *([str(cell) if cell is not None else "" for cell in row] for row in rows)]
    sizes = [max(len(row[i]) for row in cells) for i in range(len(header))]
    limit, last = width(), len(header) - 1
    lines = []
    for row in cells:
        padded = [
            cell.rjust(sizes[i]) if i in right else cell if i == last else cell.ljust(sizes[i])
            for i, cell in enumerate(row)
        ]
        line = (indent + "  ".join(padded)).rstrip()
        lines.append(line if len(line) <= limit else f"{line[: limit - 3]}...")
    return "\n".join(lines)
