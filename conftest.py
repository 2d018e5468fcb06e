"""A test run's own: caches in a folder that goes, and figures that nobody looks at drawn as blanks."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from PIL import Image

ROOT = Path(__file__).parent
DRAWN = ("examples/", "tests/reports/", "tests/site/", "tests/test_docs.py", "zoo/")
"""Tests that look at figures, beside those marked `drawn`."""


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder; the processes that it starts take it over."""
    config.addinivalue_line("markers", "drawn: looks at figures, so that matplotlib draws them")
    if "ZOO_CACHE" in os.environ:
        return
    place = tempfile.mkdtemp(prefix="zoo-cache-")
    os.environ["ZOO_CACHE"] = place
    atexit.register(_remove, place, os.getpid())


def pytest_collection_finish() -> None:
    """What was imported and collected stays, so that the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Libraries tell of what is never collected as of leaks."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _blank_figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Three quarters of a small run's time is matplotlib making and drawing its curves."""
    place = os.path.relpath(request.node.path, ROOT).replace(os.sep, "/")
    if place.startswith(DRAWN) or request.node.get_closest_marker("drawn"):
        yield
        return
    with ExitStack() as stack:
        if figure := sys.modules.get("matplotlib.figure"):
            stack.enter_context(patch.object(figure.Figure, "savefig", _blank))
        if recording := sys.modules.get("zoo.training.record.recording"):
            stack.enter_context(patch.object(recording, "curves", _no_curves))
        yield


def _blank(figure: Any, file: Any, *, format: str, **_: Any) -> None:  # noqa: A002 - matplotlib's name
    Image.new("RGB", (8, 8), "white").save(file, format)


def _no_curves(history: Any, best: Any, path: Path, *_: Any) -> None:
    Image.new("RGB", (8, 8), "white").save(path)


def _remove(place: str, owner: int) -> None:
    """By the process that made it: a fork has the handlers of its parent."""
    if os.getpid() == owner:
        shutil.rmtree(place, ignore_errors=True)
