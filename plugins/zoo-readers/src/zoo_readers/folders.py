"""Class folders of files that hold values in a unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, listing
from zoo.interfaces import split_within

_FEWEST, _SPLIT = 2, "split"


def folder_of(path: str) -> Path:
    """The folder that a path of a recipe names."""
    return Path(path.removeprefix("file:")).expanduser()


class ClassFile(NamedTuple):
    """A file of a class.

    Args:
        path: of the file.
        label: name of the class.
        split: `train`, `val` or `test`, where folders say it.
    """

    path: Path
    label: str
    split: str | None


def class_files(path: str, suffixes: tuple[str, ...]) -> list[ClassFile]:
    """The files in class folders, in the order of their names; folders of splits may be around or in these.

    Args:
        path: folder with a folder for each class.
        suffixes: of the files, in lower case.

    Raises:
        DataError: there is none, or some folders alone say splits.
    """
    root = folder_of(path)
    files = [
        file
        for folder in (sorted(root.iterdir()) if root.is_dir() else ())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name.lower().endswith(suffixes) and not file.name.startswith(".")
    ]
    if not files:
        expected = f"class folders with files of {listing(suffixes)}"
        got = "none" if root.is_dir() else "no folder"
        raise DataError(f"data {root}", expected=expected, got=got)
    folders = [file.relative_to(root).parts[:-1] for file in files]
    level = _level_of_splits(folders, f"data {root}")
    return [
        ClassFile(file, parts[1 if level == 0 else 0], None if level is None else split_within(parts[level]))
        for file, parts in zip(files, folders, strict=True)
    ]


def splits_beside(columns: dict[str, Sequence[Any]], splits: Sequence[str | None]) -> str | None:
    """Adds the splits of files to columns, where folders say them, and returns the name of their column."""
    if not any(splits):
        return None
    columns[_SPLIT] = splits
    return _SPLIT


def _level_of_splits(folders: Sequence[tuple[str, ...]], where: str) -> int | None:
    """Where in the paths folders say the splits: 0 around the classes, 1 in them; None for nowhere.

    Args:
        folders: those around each file.
        where: what to call the data in an error.

    Raises:
        DataError: some do, and others do not.
    """
    below: dict[str, set[str | None]] = {}
    for parts in folders:
        below.setdefault(parts[0], set()).add(parts[1] if len(parts) > 1 else None)
    named = {top: split for top in below if (split := split_within(top))}
    deep = {top for top in named if None not in below[top]}
    plain = {top for top in named if top.isalpha()}
    shared = plain if len(below) == 1 else set.intersection(*below.values())
    if {*below} == deep and len({*named.values()}) == len(named) and shared:
        return 0
    inner = [split_within(parts[1]) if parts[1:] and parts[1].isalpha() else None for parts in folders]
    some = len({*inner} - {None}) >= _FEWEST
    if some and all(inner):
        return 1
    if some or deep & plain or len({named[top] for top in plain}) >= _FEWEST:
        got = listing((f"{'/'.join(parts[:2])}/" for parts in dict.fromkeys(p[:2] for p in folders)), 6)
        expected = "folders of splits around all classes, in all of them, or nowhere"
        hint = "lay them out as train/cats/, val/cats/, ..., or give classes names that are no splits"
        raise DataError(where, expected=expected, got=got, hint=hint)
    return None


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
