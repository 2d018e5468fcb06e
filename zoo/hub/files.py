"""Writing a set of files so that a crash leaves all the old ones or all the new ones.

New files are staged beside the old, forced to disk, and committed by one rename of their folder. They are
then moved into place; a reader that finds a committed folder finishes the move, or reads from it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.spec.disk.reading import read_json
from zoo.spec.files import CURVES_FILE, HISTORY_FILE
from zoo.spec.history import write_json

STAGING = ".zoo-staging-"
COMMITTED = ".zoo-commit"


@contextmanager
def transaction(folder: Path) -> Iterator[Path]:
    """A staging folder; what is in it at the end replaces the files of the same names in `folder`.

    Nothing changes if the body raises or the process dies in it.
    """
    # A folder that is not there yet needs no commit beside it: one rename brings it whole
    fresh = not folder.exists()
    home = folder.parent if fresh else folder
    home.mkdir(parents=True, exist_ok=True)
    prefix = f"{STAGING}{folder.name}-" if fresh else STAGING
    _sweep(home, prefix)
    if not fresh:
        recover(folder)
    staging = home / f"{prefix}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    staging.mkdir()
    try:
        yield staging
        # All of it is on the disk before the rename that makes it count
        for file in staging.iterdir():
            _sync(file)
        _sync(staging)
        if fresh:
            staging.rename(folder)
            _sync(home)
        else:
            staging.rename(folder / COMMITTED)
            _sync(folder)
            recover(folder)
    except BaseException:  # an interruption too; once renamed, nothing of that name is left to remove
        shutil.rmtree(staging, ignore_errors=True)
        raise


def recover(folder: Path) -> None:
    """Moves committed files into place, if a save was cut off between commit and move."""
    committed = folder / COMMITTED
    if not committed.is_dir():
        return
    with suppress(FileNotFoundError):  # another process, saving or loading, finishes the same move
        for file in committed.iterdir():
            with suppress(FileNotFoundError):
                file.replace(folder / file.name)
        committed.rmdir()
    _sync(folder)


def current(folder: Path, name: str) -> Path:
    """Path of the newest committed version of a file, also in a folder that cannot be written."""
    with suppress(OSError):
        recover(folder)
    waiting = folder / COMMITTED / name
    return waiting if waiting.exists() else folder / name


def _sync(path: Path) -> None:
    # Opened to read, as a folder can be: its own fsync forces the names that a rename changed
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(home: Path, prefix: str) -> None:
    """Removes what processes that no longer run left staged."""
    pattern = re.compile(re.escape(prefix) + r"(\d+)-[0-9a-f]{8}")
    for left in home.iterdir():
        owner = pattern.fullmatch(left.name)
        if owner and not _alive(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


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
        known = read_json(folder / FOREIGN_FILE).get(name)
        return known is not None and known == _digest(folder / name)
    return False


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
