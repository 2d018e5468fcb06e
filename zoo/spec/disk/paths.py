"""Paths that a system can take at all: the working folder that is gone, names that are too long."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.spec.errors import BadReferenceError, quote

_LONGEST_NAME = 255
"""Bytes of a name; of ext4, APFS and NTFS alike, whose letters count instead."""

_LONGEST_PATH = 4095


def working_folder() -> Path | None:
    """The working folder; None where somebody has removed it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def in_the_way(folder: Path) -> str | None:
    """What stands in the place of a folder or of one around it; None where they are folders, or nothing yet.

    Args:
        folder: that could not be made.

    Example:
        >>> in_the_way(Path("/dev/null/runs/a"))
        'a file at /dev/null'
    """
    for path in (folder, *folder.parents):
        if os.path.lexists(path):
            return None if path.is_dir() else f"a {'file' if path.exists() else 'link to nothing'} at {path}"
    return None


def check_path(text: str) -> None:
    """Refuses a path that no call could take, before any work.

    Args:
        text: of the path.

    Raises:
        BadReferenceError: it holds a zero byte, a name is too long, or it is relative to a folder that was
            removed.

    Example:
        >>> check_path("runs/a\\0b")
        Traceback (most recent call last):
        zoo.spec.errors.BadReferenceError: path 'runs/a\\x00b': expected no zero byte in it, got one
    """
    where = f"path {quote(text[:10] + '...')}" if len(text) > 60 else f"path {quote(text)}"
    if "\0" in text:
        raise BadReferenceError(where, expected="no zero byte in it", got="one")
    longest = max((len(os.fsencode(name)) for name in Path(text).parts), default=0)
    if longest > _LONGEST_NAME:
        expected = f"names of at most {_LONGEST_NAME} bytes"
        raise BadReferenceError(where, expected=expected, got=f"one of {longest:,}")
    if (length := len(os.fsencode(text))) > _LONGEST_PATH:
        raise BadReferenceError(where, expected=f"at most {_LONGEST_PATH:,} bytes", got=f"{length:,}")
    if not Path(text).is_absolute() and working_folder() is None:
        hint = "cd to another folder, or give the path from the root"
        raise BadReferenceError(where, expected="a working folder", got="one that was removed", hint=hint)
