"""Folders for what is needed for a while, where the system keeps such, which may be full or forbidden."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.errors import SaveError


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new folder, which is removed at the end.

    Args:
        prefix: of its name.

    Raises:
        SaveError: there is no place for it.
    """
    with temporary_writes():
        folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    with folder as place:
        yield Path(place)


@contextmanager
def temporary_writes() -> Iterator[None]:
    """Tells what the disk refuses inside as the affair of the place for temporary files.

    Example:
        >>> with temporary_writes():
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        zoo.spec.errors.SaveError: cannot write temporary files: got No space left on device; free space, or set TMPDIR to a folder with room

    Raises:
        SaveError: for an OSError.
    """  # noqa: E501 - a message is one line
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        step = f"{way}, or " if (way := way_to_write(error)) == "free space" else ""
        raise SaveError(
            "cannot write temporary files",
            got=f"{error.strerror or error}{where}",
            hint=f"{step}set {'TEMP' if os.name == 'nt' else 'TMPDIR'} to a folder with room",
        ) from error
