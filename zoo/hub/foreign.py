"""History and curves in a model's folder that are of other weights: a run's, over which a model was saved."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from zoo.spec.files import CURVES_FILE, HISTORY_FILE
from zoo.spec.history import write_json

FOREIGN_FILE = "other-weights.json"
"""Digests of the files that are of other weights; what is written anew has another digest."""


def note_foreign(folder: Path) -> None:
    """Notes that the history and curves that lie in a folder are not of the model that goes there.

    Args:
        folder: of a model.
    """
    files = [folder / name for name in (HISTORY_FILE, CURVES_FILE)]
    found = {file.name: _digest(file) for file in files if file.is_file()}
    if found:
        write_json(folder / FOREIGN_FILE, found)


def is_foreign(folder: Path, name: str) -> bool:
    """Whether a file of the folder is known to be of other weights.

    Args:
        folder: of a model.
        name: of the file.
    """
    with suppress(OSError, ValueError, AttributeError):
        known = json.loads((folder / FOREIGN_FILE).read_text(encoding="utf-8")).get(name)
        return known is not None and known == _digest(folder / name)
    return False


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
