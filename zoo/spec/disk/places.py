"""Whether a file can take the place of what has its name: a rename would find out in the midst of a save."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_STATUS = Path("/proc/self/status")
_FOWNER = 1 << 3
"""Linux' capability to replace files of others in a sticky folder, which root has."""


class OccupiedError(OSError):
    """A file's name belongs to something that no file can replace."""


def check_places(folder: Path, names: Iterable[str]) -> None:
    """Raises where a name in a folder belongs to what no file replaces: another folder, or a mounted file.

    What the system does not tell, such as a lock by an attribute of the disk, is found by the rename alone.

    Args:
        folder: where files go.
        names: of the files.

    Raises:
        OccupiedError: with one line that says by what.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (Path(folder) / "README.md").mkdir()
        ...     check_places(Path(folder), ["config.json", "README.md"])
        Traceback (most recent call last):
        zoo.spec.disk.places.OccupiedError: [Errno 21] a folder in the place of README.md
    """
    there = [path for name in names if os.path.lexists(path := folder / name)]
    mounts = _mounts() if there else set()
    for path in there:
        if path.is_dir() and not path.is_symlink():
            raise OccupiedError(errno.EISDIR, f"a folder in the place of {path.name}")
        if os.fsencode(path.parent.resolve() / path.name) in mounts:
            raise OccupiedError(errno.EBUSY, f"{path.name}, which is mounted by itself")
        if _is_kept(path):
            raise OccupiedError(
                errno.EPERM, f"another user's {path.name} in a folder where owners alone replace"
            )


def _mounts() -> set[bytes]:
    """Where something is mounted, as Linux tells; on other systems nothing."""
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return set()
    places = (fields[4] for line in lines if len(fields := line.split(b" ")) > 4)
    return {re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), place) for place in places}


def _is_kept(path: Path) -> bool:
    """Whether the sticky bit of its folder keeps a file for its owner."""
    home = path.parent.stat()
    if not home.st_mode & stat.S_ISVTX or not hasattr(os, "geteuid"):
        return False
    return os.geteuid() not in (home.st_uid, path.lstat().st_uid) and not _may_all()


def _may_all() -> bool:
    """Whether this process may do with files of others as with its own."""
    try:
        found = re.search(r"^CapEff:\s*([0-9a-f]+)$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, ValueError):
        found = None
    return bool(int(found[1], 16) & _FOWNER) if found else os.geteuid() == 0
