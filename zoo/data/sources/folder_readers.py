"""Data sets that read folders of files which are no images, offered where somebody gives such a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.registry.lookup import entries
from zoo.spec.hints.spoken import data_named

_ANY = "*"
"""Sign before a suffix in the tags of a data set that reads folders of such files."""


def read_otherwise(folder: Path, files: Iterable[Path]) -> str | None:
    """The line that has a folder read by the data set for its files; None where none is for them.

    Args:
        folder: that was given.
        files: in it, of which none is an image.
    """
    names = [file.name.lower() for file in files]
    for entry in entries("dataset"):
        for tag in entry.component.tags:
            suffix = tag.removeprefix(_ANY)
            if tag.startswith(f"{_ANY}.") and any(name.endswith(suffix) for name in names):
                return f"say {data_named(entry.qualified, str(folder))}, which reads {suffix}"
    return None
