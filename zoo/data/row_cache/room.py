"""Room for a row cache: what was used longest ago goes, unless a live process uses it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from zoo.data.row_cache.leases import guard, is_free, is_old, used
from zoo.spec.disk.systems import rename_folder
from zoo.spec.display import size

_ASIDE = ".evicted-"


def make_room(needed: int, keep: Path, *, limit: int, variable: str) -> str | None:
    """Removes the rows that were used longest ago until `needed` bytes more fit in the limit.

    Args:
        needed: bytes that will be written.
        keep: folder that stays; its siblings may go.
        limit: bytes that all together may take.
        variable: that says the limit, for the message.

    Returns:
        Why there is no room; None where there is.

    Raises:
        OSError: the folder of all cannot be made.
    """
    if needed > limit:
        return f"{size(needed)} are needed and {variable} allows {size(limit)}"
    home = keep.parent
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{_ASIDE}*"):  # its remover was killed
        shutil.rmtree(left, ignore_errors=True)
    taken = {folder: _bytes(folder) for folder in home.iterdir() if folder.is_dir()}
    over = sum(taken.values()) + needed - limit
    taken.pop(keep, None)
    # What a run has left without a row goes in any case
    if over > 0 or 0 in taken.values():
        over = _evict(home, taken, over)
    if over > 0:
        left_over = f"what running processes use leaves {size(max(needed - over, 0))} of {size(limit)}"
        return f"{size(needed)} are needed and {left_over} ({variable})"
    free = shutil.disk_usage(home).free
    return f"{size(needed)} are needed and {size(free)} are free in {home}" if needed > 0.9 * free else None


def _evict(home: Path, taken: Mapping[Path, int], over: int) -> int:
    """Removes free folders, the empty ones and then the oldest, until as many bytes are gone.

    Returns:
        Bytes that are still too many.
    """
    aside = []
    try:
        held: AbstractContextManager[object] = guard(home)
        may_go = is_free
    except OSError:
        held, may_go = nullcontext(), is_old
    with held:
        for folder in sorted(taken, key=lambda folder: (taken[folder] > 0, used(folder))):
            if over <= 0 and taken[folder]:
                break
            if may_go(folder):
                # First out of the way, by one step: no process finds a half of it
                aside.append(home / f"{_ASIDE}{uuid.uuid4().hex[:8]}")
                with suppress(OSError):  # Windows, where somebody reads it
                    rename_folder(folder, aside[-1])
                    over -= taken[folder]
    for folder in aside:
        shutil.rmtree(folder, ignore_errors=True)
    return over


def _bytes(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0
