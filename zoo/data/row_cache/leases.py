"""Leases on the folders of a row cache: what a live process uses is not removed to make room.

A lease is a locked file in the folder, so that a killed holder lets go by itself. Whoever takes one, and
whoever looks for those that are held before a folder goes, holds the guard: one lock for all folders.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
import weakref
from contextlib import suppress
from pathlib import Path

from zoo.spec.disk.locks import ENDING, Lock, take

_LEASE = "lease-"
_GUARD_WAIT = 10.0
"""Seconds; it is held for as long as a few renames take, unless its holder was stopped."""

_UNLOCKED_USE = 86400.0
"""Seconds since the last use after which a folder may go where the disk knows no locks."""


def guard(home: Path) -> Lock:
    """The lock under which leases are taken and looked for.

    Args:
        home: folder of all keys' folders; it exists.

    Raises:
        OSError: the disk cannot be written or knows no locks, or another process keeps it.
    """
    # Beside the folder, in which then is nothing but keys
    path = home.with_name(home.name + ENDING)
    if (held := take(path, _GUARD_WAIT)) is None:
        raise OSError(errno.EBUSY, f"another process has kept it for {_GUARD_WAIT:.0f} seconds", str(path))
    return held


def lease(owner: object, folder: Path) -> Path:
    """Holds a folder, which is made, for as long as an object lives.

    Args:
        owner: the object.
        folder: of a key.

    Returns:
        The lease's file.

    Raises:
        OSError: the disk cannot be written or knows no locks.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with guard(folder.parent):
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"{_LEASE}*"):
            with suppress(OSError):  # another user's
                if dead := take(left):
                    dead.release(remove=True)
        lock = take(folder / f"{_LEASE}{uuid.uuid4().hex[:8]}{ENDING}")
    assert lock is not None  # noqa: S101 - nobody else knows the name
    weakref.finalize(owner, _let_go, lock, os.getpid())
    return lock.path


def _let_go(lock: Lock, process: int) -> None:
    # A forked worker has a copy of the owner, and the lease is not its own
    if os.getpid() == process:
        lock.release(remove=True)


def used(folder: Path) -> float:
    """Time of a folder's last use, in seconds since 1970; taking and giving back a lease is one."""
    try:
        return max(entry.stat().st_mtime for entry in (folder, *folder.iterdir()))
    except OSError:
        return 0.0


def is_free(folder: Path) -> bool:
    """Whether no live process uses a folder; what dead ones left in it is removed. Asked under the guard."""
    for path in folder.glob(f"*{ENDING}"):
        try:
            lock = take(path)
        except PermissionError:  # another user's
            return False
        except OSError:
            return _long_unused(folder)
        if lock is None:
            return False
        lock.release(remove=path.name.startswith(_LEASE))
    return True


def is_old(folder: Path) -> bool:
    """Whether a folder is free and was not used for a day: all that can be known without the guard."""
    return _long_unused(folder) and is_free(folder)


def _long_unused(folder: Path) -> bool:
    return time.time() - used(folder) > _UNLOCKED_USE


def touch(folder: Path) -> None:
    """Notes a use where no lease could be had."""
    with suppress(OSError):
        os.utime(folder)
