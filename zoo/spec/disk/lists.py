"""Lists of paths, one on each line, which may come from a program that never ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, AnyStr

MOST_LINE = 1 << 15
"""Longest line of a list of paths; no system has longer ones."""

MOST_LINES = 1 << 22
"""Most lines of such a list."""

MOST_LIST = 1 << 28
"""Most characters of such a list."""


def lines_of(file: IO[AnyStr]) -> Iterator[AnyStr]:
    """The lines of an open file, with their ends, which need not be one that ends.

    Raises:
        ValueError: a line is longer than `MOST_LINE`, or there are more than `MOST_LINES` or `MOST_LIST`.

    Example:
        >>> import io
        >>> [*lines_of(io.StringIO("a.png\\nb.png"))]
        ['a.png\\n', 'b.png']
    """
    count = size = 0
    while line := file.readline(MOST_LINE + 1):
        count, size = count + 1, size + len(line)
        if len(line) > MOST_LINE:
            raise ValueError(f"a line of more than {MOST_LINE:,} characters")
        if count > MOST_LINES:
            raise ValueError(f"more than {MOST_LINES:,} lines")
        if size > MOST_LIST:
            raise ValueError(f"more than {MOST_LIST:,} characters")
        yield line
