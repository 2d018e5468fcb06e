"""Cells of columns: classes in an order that somebody said, and contents of image files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.interfaces.tasks.columns import is_missing, plain

_ODD = re.compile(r"\+|-0+(\.0*)?$|.*[eE]")
"""Numbers with an exponent, with a plus, or less than no zero."""


@dataclass(frozen=True, slots=True)
class _Order:
    """The kind of an ordered categorical column, by the names that pandas gives it."""

    categories: Sequence[Any]
    ordered: bool = True


class ClassColumn(list[Any]):
    """Cells of a column of which somebody said the classes and their order.

    Args:
        cells: in the order of the rows.
        order: the classes, first to last; some may be in no cell.

    Example:
        >>> ClassColumn(["cat", "cat"], ["cat", "dog"]).dtype.categories
        ['cat', 'dog']
    """

    def __init__(self, cells: Sequence[Any], order: Sequence[Any]) -> None:
        super().__init__(cells)
        self.dtype = _Order(order)

    @classmethod
    def of_arrow(cls, column: Any) -> list[Any]:
        """The cells of a column of Arrow, with the order that an ordered dictionary says.

        Args:
            column: an array, in chunks or whole.
        """
        cells: list[Any] = column.to_pylist()
        if not getattr(column.type, "ordered", False) or not cells:
            return cells
        whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        return cls(cells, whole.dictionary.to_pylist())


class WrittenColumn(list[Any]):
    """Numbers of a column, some of which a file writes in another way: classes are called as it does.

    Args:
        cells: numbers, in the order of the rows.
        written: the texts of all of them.

    Example:
        >>> WrittenColumn([100, 1, 0, 7], ["1e2", "+1", "-0", "7.0"]).names
        ['1e2', '+1', '-0', '']
    """

    def __init__(self, cells: Sequence[Any], written: Sequence[str]) -> None:
        super().__init__(cells)
        self.written = [*written]

    @property
    def names(self) -> list[str]:
        """Names of cells that are written otherwise than their numbers; empty for all others."""
        return [text if _ODD.match(text) else "" for text in self.written]


def content_of(cell: Any) -> bytes | None:
    """The content of an image's file, where a cell holds it.

    Args:
        cell: bytes, or a table with `bytes` and `path`, as Hugging Face keeps images.

    Example:
        >>> content_of(b"GIF89a"), content_of({"bytes": None, "path": "1.png"}), content_of("1.png")
        (b'GIF89a', None, None)
    """
    found = cell.get("bytes") if isinstance(cell, Mapping) else cell
    return bytes(found) if isinstance(found, bytes | bytearray | memoryview) else None


def in_one(columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """The cells of columns, one behind the other; the classes that each of them says stay said.

    Args:
        columns: of several tables.

    Example:
        >>> kinds = ["cat", "dog"]
        >>> in_one([ClassColumn(["cat"], kinds), ClassColumn(["dog"], kinds)]).dtype.categories
        ['cat', 'dog']
    """
    cells = [cell for column in columns for cell in column]
    if any(isinstance(column, WrittenColumn) for column in columns):
        return WrittenColumn(cells, [text for c in columns for text in getattr(c, "written", map(str, c))])
    orders = [[*column.dtype.categories] if isinstance(column, ClassColumn) else None for column in columns]
    return ClassColumn(cells, orders[0]) if orders[0] and orders.count(orders[0]) == len(orders) else cells


def group_key(cell: Any) -> str | None:
    """The group that a cell names, the same for all ways of writing it; None where it is empty.

    Args:
        cell: a name or number; of a column with empty cells whole numbers come as decimals.

    Example:
        >>> [group_key(cell) for cell in ("p1 ", 1, "1", 1.0, 1.5, float("nan"))]
        ['p1', '1', '1', '1', '1.5', None]
    """
    cell = plain(cell)
    if cell is None or is_missing(cell):
        return None
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
