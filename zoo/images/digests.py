"""Digests of image files, and whether a file is still the one of its digest."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.spec.errors import DataError

_PIECE = 1 << 16

_NO_STATE = -1
"""Of a file that cannot be asked; no hash of Python's is -1."""


class FileDigests:
    """Digests of files' bytes, each computed once: splits, fingerprints and caches all ask for them.

    Args:
        files: by their numbers.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        # A pair in a dict for each would take as much memory as all else that is known of a file
        self._digests = [""] * len(files)
        self._states = array("q", [_NO_STATE]) * len(files)

    def __getitem__(self, index: int) -> str:
        if not self._digests[index]:
            self._states[index] = _state(self._files[index])  # before it is read
            self._digests[index] = digest(self._files[index])
        return self._digests[index]

    def unchanged(self, index: int) -> bool:
        """Whether the file has the size and time that it had before its digest was computed."""
        return not self._digests[index] or self._states[index] == _state(self._files[index])


def digest_of_pixels(image: npt.NDArray[Any]) -> str:
    """A digest of an image's pixels and shape."""
    pixels = np.ascontiguousarray(image)
    # The shape too: 2 x 3 and 3 x 2 pixels can be the same bytes. `person` holds 16 of them
    return hashlib.blake2b(
        pixels.tobytes(), digest_size=16, person=str(pixels.shape).encode()[:16]
    ).hexdigest()


def digest_of_content(content: bytes) -> str:
    """A digest of a file's bytes that are in memory; that of `digest`."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


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


def _state(file: Path) -> int:
    """A number by which a file is known for another one without reading it."""
    try:
        stat = file.stat()
    except OSError:  # said where it is read
        return _NO_STATE
    # A file may be replaced by one that is as old: the inode tells, and on some systems is 0 for all
    return hash((stat.st_ino, stat.st_mtime_ns, stat.st_size))
