"""Class folders of files that hold values in a unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, listing


def folder_of(path: str) -> Path:
    """The folder that a path of a recipe names."""
    return Path(path.removeprefix("file:")).expanduser()


def class_files(path: str, suffixes: tuple[str, ...]) -> list[tuple[Path, str]]:
    """The files in class folders with the names of their classes, in the order of their names.

    Args:
        path: folder with a folder for each class.
        suffixes: of the files, in lower case.

    Raises:
        DataError: there is none.
    """
    root = folder_of(path)
    found = [
        (file, folder.name)
        for folder in (sorted(root.iterdir()) if root.is_dir() else ())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name.lower().endswith(suffixes) and not file.name.startswith(".")
    ]
    if not found:
        expected = f"class folders with files of {listing(suffixes)}"
        got = "none" if root.is_dir() else "no folder"
        raise DataError(f"data {root}", expected=expected, got=got)
    return found


def windowed(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.float32]:
    """Values between two bounds as numbers in [0, 1]; what lies outside is black or white.

    Args:
        values: in their unit.
        low: what becomes black.
        high: what becomes white.

    Example:
        >>> windowed(np.array([-100, 0, 50, 200]), 0, 100).tolist()
        [0.0, 0.0, 0.5, 1.0]
    """
    span = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    return span.clip(0, 1).astype(np.float32)
