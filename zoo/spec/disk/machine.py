"""Machine that a process runs on: the processors and the shared memory that it may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def processors(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Number of processors that this process may use; a container may have a share of them.

    Args:
        groups: where Linux says what a container may use.
    """
    allowed = getattr(os, "sched_getaffinity", None)
    found = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
    for limit, period in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            text = (groups / limit).read_text() + (f" {(groups / period).read_text()}" if period else "")
            share, of = map(int, text.split())
        except (OSError, ValueError):  # no such file, or no limit, which is called "max"
            continue
        if share > 0 < of:  # the older kind writes -1 for no limit
            found = min(found, share // of)
    return max(found, 1)


def shared_memory() -> int | None:
    """Bytes of shared memory that are free, through which workers send on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - looked at alone
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
