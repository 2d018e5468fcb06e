"""Differences between systems: forcing files to disk, replacing files in use, names that fit everywhere.

Linux, macOS and Windows answer these few questions differently; no other module asks them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

WINDOWS = sys.platform == "win32"

_ASIDE = ".old"
"""Ending of a file that Windows would not let go of; `zoo.spec.disk.leftovers` removes it later."""

_PAUSES = (0.01, 0.05, 0.2)
"""Seconds between tries to replace a file; scanners of viruses and indexes hold a new file that long."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def sync_file(path: Path) -> None:
    """Forces a file to the disk: a rename can get there before the bytes, and a power cut leave it empty.

    Raises:
        OSError: the disk says no.
    """
    # To be written, since Windows flushes no other handle
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Forces the names in a folder to the disk, where the system has a way to; Windows has none.

    Raises:
        OSError: the disk says no.
    """
    if WINDOWS:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Network disks that keep names in order by themselves refuse to be asked, as SQLite knows too
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def replace(source: Path, target: Path) -> None:
    """Gives a file another name, in one step; a file that has the name is replaced.

    Windows refuses while a process has the old file open or mapped, as a loaded model has its weights. The
    old one is then moved aside, which is allowed, and removed when nobody uses it any more.

    Raises:
        OSError: the system says no.
    """
    for pause in (*_PAUSES, None):
        try:
            source.replace(target)
        except PermissionError:
            if not WINDOWS or not target.is_file():
                raise
        else:
            return
        if pause is None:
            break
        time.sleep(pause)
    aside = target.with_name(f".zoo-{uuid.uuid4().hex[:8]}{_ASIDE}")
    target.rename(aside)
    try:
        source.rename(target)
    except OSError:
        aside.rename(target)
        raise
    with suppress(OSError):  # in use; a later sweep finds it
        aside.unlink()


@cache
def host() -> str:
    """Eight hexadecimal digits that tell one start of one machine from another's.

    Containers of a machine share them, as they share its locks; what was begun before a restart is nobody's.
    """
    try:
        told = _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        told = f"{uuid.getnode():x}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]


_preadv = getattr(os, "preadv", None)
_one_place = threading.Lock()


def read_at(file: BinaryIO, buffer: Any, offset: int) -> bool:
    """Fills a buffer from a place in a file, whoever else reads from the same handle.

    A mapped file would be as fast, and end the process by a signal where the disk fails or the file was cut.

    Args:
        file: without a buffer of its own.
        buffer: writable bytes.
        offset: in bytes.

    Returns:
        False where the file ends before the buffer is full.

    Raises:
        OSError: the disk says no.
    """
    rest = memoryview(buffer)
    while rest:
        if _preadv is not None:
            count = _preadv(file.fileno(), [rest], offset)
        else:  # Windows, where no forked process shares the place in the file, but threads do
            with _one_place:
                file.seek(offset)
                count = file.readinto(rest)  # type: ignore[attr-defined]  # of a file without a buffer
        if not count:
            return False
        rest, offset = rest[count:], offset + count
    return True
