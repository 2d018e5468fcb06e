"""Paths of images as people write them into tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from zoo.images.decode import SUFFIXES
from zoo.interfaces.records.cells import WrittenColumn


def path_of(cell: Any, root: Path | None) -> Path:
    """The path that a cell means.

    Args:
        cell: text or a path, perhaps written on Windows.
        root: folder that it is read from; the working folder where None.
    """
    found = Path(str(cell)).expanduser()
    if "\\" in str(cell) and not found.exists():
        found = Path(str(cell).replace("\\", "/"))
    return found if root is None else root / found


def suffix_lacking(first: str, root: Path | None) -> str:
    """The suffix that names lack, as identities do.

    Args:
        first: of the names.
        root: folder that they are read from.
    """
    if PurePath(first).suffix.lower() in SUFFIXES or path_of(first, root).exists():
        return ""
    both = [s for suffix in sorted(SUFFIXES) for s in (suffix, suffix.upper())]
    return next((suffix for suffix in both if path_of(f"{first}{suffix}", root).is_file()), "")


def names_in(column: Sequence[Any]) -> Sequence[Any]:
    """The cells of a column of images, identities that are whole numbers as the names that they are.

    Example:
        >>> names_in([7, 12]), names_in(["a.png", None])
        (['7', '12'], ['a.png', None])
    """
    if getattr(column, "full", False) or not len(column) or not _is_whole(column[0]):
        return column
    written = column.names if isinstance(column, WrittenColumn) else [None] * len(column)
    whole = zip(column, written, strict=True)
    return [(name or str(cell)) if _is_whole(cell) else cell for cell, name in whole]


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, int | np.integer) and not isinstance(cell, bool)
