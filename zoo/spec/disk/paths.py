"""Paths that a system can take at all: the working folder that is gone, names too long, names in a list."""

from __future__ import annotations

import locale
import os
from pathlib import Path

from zoo.spec.disk.systems import WINDOWS
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


def file_name(listed: bytes) -> str:
    """A file's name as a list has it: of Linux and macOS any bytes, of Windows letters.

    Args:
        listed: the name alone, as programs print it.

    Example:
        >>> file_name("caf\u00e9.png".encode()) == "caf\u00e9.png"
        True
    """
    if not WINDOWS:
        return os.fsdecode(listed)
    try:
        return listed.decode()
    except UnicodeDecodeError:  # of a program that prints in the code page of its console
        return listed.decode(locale.getencoding(), errors="replace")
