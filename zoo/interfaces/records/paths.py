"""Paths of images as people write them into tables."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from zoo.images.decode import SUFFIXES


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
