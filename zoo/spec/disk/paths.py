"""Paths that a system can take at all: the working folder that is gone, names too long, names in a list."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.spec.disk.systems import WINDOWS
from zoo.spec.errors import BadReferenceError, quote

_LONGEST_NAME = 255
"""Bytes of a name; of ext4, APFS and NTFS alike, whose letters count instead."""

_LONGEST_PATH = 4095

_stood_in: set[Path] = set()
"""Empty folders in which the process stands in the place of one that was removed."""


def working_folder() -> Path | None:
    """The working folder; None where somebody has removed it."""
    return None if (here := _here()) in _stood_in else here


@contextmanager
def somewhere() -> Iterator[None]:
    """Within it the process is in some folder: in a new, empty one where its working folder was removed.

    Libraries of torch end a process that is in none. Relative paths are refused all the same, since they
    would be those of the new folder, which goes at the end.
    """
    if working_folder() is not None:
        yield
        return
    with ExitStack() as stack:
        try:
            before = os.open(".", os.O_RDONLY)
            stack.callback(os.close, before)
            place = stack.enter_context(TemporaryDirectory(prefix="zoo-", ignore_cleanup_errors=True))
            os.chdir(place)
        except OSError:
            need_folder("zoo")
            raise
        stack.callback(os.fchdir, before)  # before the folder is removed
        here = Path.cwd()
        stack.callback(_stood_in.discard, here)
        _stood_in.add(here)
        yield


def need_folder(what: str, option: str | None = None) -> None:
    """Refuses what needs the working folder where somebody has removed it.

    Args:
        what: needs it, as messages call it.
        option: that would say another place; None where there is none.

    Raises:
        BadReferenceError: it was removed.
    """
    # Where an option would help, `somewhere` does not: what is made goes into the working folder itself
    if (working_folder() if option else _here()) is None:
        step = f", or give {option} from the root" if option else ""
        hint = f"cd to another folder{step}"
        raise BadReferenceError(what, expected="a working folder", got="one that was removed", hint=hint)


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def in_the_way(folder: Path) -> str | None:
    """The file that stands in the place of a folder or of one around it, in words; None where none does.

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
        need_folder(where, "the path")


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
