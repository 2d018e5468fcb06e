"""A test run's own: the caches of zoo in a folder that goes, so that no test reads or fills the user's."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile


def pytest_configure() -> None:
    """The first process makes the folder; the processes that it starts take it over."""
    if "ZOO_CACHE" in os.environ:
        return
    place = tempfile.mkdtemp(prefix="zoo-cache-")
    os.environ["ZOO_CACHE"] = place
    atexit.register(_remove, place, os.getpid())


def _remove(place: str, owner: int) -> None:
    """By the process that made it: a fork has the handlers of its parent."""
    if os.getpid() == owner:
        shutil.rmtree(place, ignore_errors=True)


def pytest_collection_finish() -> None:
    """What was imported and collected stays, so that the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
