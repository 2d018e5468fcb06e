"""Digests of image files, and whether a file is still the one of its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.spec.errors import DataError

_PIECE = 1 << 16

State = int
"""A number by which a file is known for another one without reading it."""


class FileDigests:
    """Digests of files' bytes, each computed once: splits, fingerprints and caches all ask for them.

    Args:
        files: by their numbers.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._known: dict[int, tuple[str, State | None]] = {}

    def __getitem__(self, index: int) -> str:
        if index not in self._known:
            state = _state(self._files[index])  # before it is read
            self._known[index] = digest(self._files[index]), state
        return self._known[index][0]

    def unchanged(self, index: int) -> bool:
        """Whether the file has the size and time that it had before its digest was computed."""
        return index not in self._known or self._known[index][1] == _state(self._files[index])


def digest(file: Path) -> str:
    """A digest of a file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        # 128 bits, so that no two files that differ can be expected to meet
        found = hashlib.blake2b(digest_size=16)
        # Of a hundred thousand small files each step counts
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123
            while piece := opened.read(_PIECE):
                found.update(piece)
        return found.hexdigest()
    except OSError as error:
        raise DataError(f"image {file}", expected="a readable file", got=str(error)) from error


def _state(file: Path) -> State | None:
    try:
        stat = file.stat()
    except OSError:  # said where it is read
        return None
    # A file may be replaced by one that is as old: the inode tells, and on some systems is 0 for all
    return hash((stat.st_ino, stat.st_mtime_ns, stat.st_size))
