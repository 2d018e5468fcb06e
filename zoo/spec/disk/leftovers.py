"""Leftovers of processes that were killed while they wrote: who owns them, and when they may go.

A number of a process says nothing where containers share a disk. So what is being written is locked by its
owner, and the name says on which machine: free on this machine means dead. Of other machines' leftovers, and
of single files, which have no lock, their age decides.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.spec.disk.locks import ENDING, Lock, take
from zoo.spec.disk.systems import host

OLD_PART = 3600.0
"""Seconds after which a file that was being written is a leftover; its writer renames it within moments."""

_OLD_FOLDER = 86400.0
"""Of another machine: its writer may have been suspended with its lid."""

_PART = re.compile(r"\..+-[0-9a-f]{8}\.(part|old)")


def part_beside(path: Path) -> Path:
    """A hidden path in the folder of another, which no other process or thread uses.

    Its length does not depend on the other's name, which may be as long as the system allows.
    """
    return path.with_name(f".zoo-{uuid.uuid4().hex[:8]}.part")


@contextmanager
def set_aside(path: Path) -> Iterator[None]:
    """Frees the name of a file while inside; the file comes back where the body raises, and else goes.

    Raises:
        OSError: the disk says no.
    """
    aside = part_beside(path)
    path.rename(aside)
    try:
        yield
    except BaseException:
        aside.rename(path)
        raise
    with suppress(OSError):  # a loaded model has it mapped, where a system minds that
        aside.unlink()


@contextmanager
def owned(home: Path, prefix: str) -> Iterator[Path]:
    """A new empty folder that is this process' own while inside, and is removed at the end if still there.

    Args:
        home: folder that it is made in.
        prefix: beginning of its name.

    Raises:
        OSError: the disk says no.
    """
    folder = home / f"{prefix}{host()}-{uuid.uuid4().hex[:8]}"
    # First the lock: a folder without one would be nobody's
    lock = _lock(folder)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock:
            lock.release(remove=True)


def sweep(home: Path, prefix: str) -> None:
    """Removes the folders of `owned` whose owners are dead.

    Args:
        home: folder that they are in.
        prefix: beginning of their names.
    """
    pattern = re.compile(rf"{re.escape(prefix)}([0-9a-f]{{8}}|\d+)-[0-9a-f]{{8}}({re.escape(ENDING)})?")
    try:
        there = list(home.iterdir())  # before anything goes
    except OSError:  # a folder that may be entered and not listed, as the one of all users' folders
        return
    for left in there:
        if not (found := pattern.fullmatch(left.name)):
            continue
        if found[2]:  # a lock goes with its folder, or alone if its owner died before it made one
            if found[1] == host() and not left.with_suffix("").exists():
                _release(_take(left))
        elif found[1] != host() or not left.with_name(left.name + ENDING).exists():
            if _age(left) > _OLD_FOLDER:
                shutil.rmtree(left, ignore_errors=True)
                left.with_name(left.name + ENDING).unlink(missing_ok=True)
        elif lock := _take(left.with_name(left.name + ENDING)):
            shutil.rmtree(left, ignore_errors=True)
            _release(lock)


def sweep_parts(folder: Path, older: float = OLD_PART) -> None:
    """Removes the files of a folder whose writing was cut off.

    Args:
        folder: that is looked through, without what is below.
        older: seconds since the last change; 0 where nobody else can be writing.
    """
    with suppress(OSError):  # a folder that is not there or cannot be written has none to remove
        for left in folder.iterdir():
            if _PART.fullmatch(left.name) and (older == 0 or _age(left) > older):
                with suppress(OSError):
                    left.unlink()


def _lock(folder: Path) -> Lock | None:
    """The lock of a folder; None on a disk without locks, where leftovers go by age."""
    path = folder.with_name(folder.name + ENDING)
    try:
        return take(path)
    except OSError:
        # A disk that cannot be written either tells so at the next step, in the words of what was to be made
        with suppress(OSError):
            path.unlink()
        return None


def _take(path: Path) -> Lock | None:
    with suppress(OSError):
        return take(path)
    return None


def _release(lock: Lock | None) -> None:
    if lock:
        lock.release(remove=True)


def _age(path: Path) -> float:
    """Seconds since a file or anything in a folder changed last, by the clock of the disk itself."""
    try:
        inside = path.iterdir() if path.is_dir() else ()
        latest: float = max(entry.stat().st_mtime for entry in (path, *inside))
        # The clock of this machine may have jumped, or be another's than that of a network disk
        probe = part_beside(path)
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        return 0.0
    return now - latest
