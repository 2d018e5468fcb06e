"""Small file systems of their own, for what a full or a read-only disk does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of a size such as 256k at a place; the test is skipped where this user may mount none."""
    place.mkdir(exist_ok=True)
    if not mount(place, size):
        pytest.skip("mounting a small file system takes rights that this user has not")
    try:
        yield place
    finally:
        unmount(place)


def mount(place: Path, size: str) -> bool:
    """Whether a file system of a size lies at a place now."""
    return _called("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))


def remount(place: Path, option: str) -> None:
    """Changes what lies at a place: `ro`, `rw` or `size=4m`."""
    assert _called("mount", "-o", f"remount,{option}", str(place))


def unmount(place: Path) -> None:
    """Takes away what lies at a place, though somebody may be in there."""
    assert _called("umount", "-l", str(place))


def _called(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:  # no such command here
        return False
