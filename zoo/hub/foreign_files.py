"""Files of a model's folder that belong to other weights than those that lie in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from zoo.spec.disk.history import write_json
from zoo.spec.disk.reading import read_json, sha256
from zoo.spec.files import CURVES_FILE, HISTORY_FILE

FOREIGN_FILE = "other-weights.json"
"""Digests of the files that are of other weights; what is written anew has another digest."""


def note_foreign(folder: Path, staging: Path) -> None:
    """Notes that the history and curves that lie in a folder are not of the model that goes there.

    Args:
        folder: of a model.
        staging: where the files of the one that goes there wait, this note with them.
    """
    files = [folder / name for name in (HISTORY_FILE, CURVES_FILE)]
    found = {file.name: sha256(file) for file in files if file.is_file()}
    if found:
        write_json(staging / FOREIGN_FILE, found)


def is_foreign(folder: Path, name: str) -> bool:
    """Whether a file of the folder is known to be of other weights.

    Args:
        folder: of a model.
        name: of the file.
    """
    with suppress(OSError, ValueError, AttributeError):
        known = read_json(folder / FOREIGN_FILE).get(name)
        return known is not None and known == sha256(folder / name)
    return False
