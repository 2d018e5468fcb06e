"""Many files at once, in threads: decoders let others run while they work."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from zoo.images.decode import read
from zoo.registry.environment import processes
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.hints.offered import offered
from zoo.spec.hints.spoken import argument, data_option

T = TypeVar("T")
R = TypeVar("R")
Divided = Callable[[Sequence[Any], Callable[[Sequence[Any]], list[Any]]], list[Any]]
"""Takes items and what is to be made of them, and returns that of all, in their order."""

_DIVIDED: ContextVar[Divided | None] = ContextVar("divided", default=None)

_MOST_THREADS = 8
_NAMED = 3  # files in the warning
_NEAR = 100
"""Folders in which a file is looked for that is not where its path says."""


def in_threads(function: Callable[[T], R], items: Sequence[T], doing: str) -> list[R]:
    """Results of a function for each item, in their order; a bar shows how far it is, on a terminal only.

    Args:
        function: called in threads.
        items: its arguments.
        doing: what to call it beside the bar; empty for what takes no time to speak of.
    """
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    # A range that numbers are scaled by holds in threads too; one context is for one call at a time
    here = copy_context()
    try:
        return list(_shown(pool.map(lambda item: here.copy().run(function, item), items), len(items), doing))
    finally:  # also when the user interrupts: do not read the rest first
        pool.shutdown(cancel_futures=True)


@contextmanager
def divided(by: Divided | None) -> Iterator[None]:
    """Lets others take a part in looking through files, inside.

    Args:
        by: divides the files; None looks through all of them here.
    """
    token = _DIVIDED.set(by)
    try:
        yield
    finally:
        _DIVIDED.reset(token)


def readable(files: Sequence[Path | bytes], names: Sequence[str] | None = None) -> list[int]:
    """Numbers of the files that can be decoded; one warning names the others.

    Args:
        files: paths, or contents of files.
        names: what to call them; by default their paths.
    """
    look = partial(in_threads, _fault, doing="checking images")
    by = _DIVIDED.get()
    reasons = look(files) if by is None else by(files, look)
    called = names or [*map(str, files)]
    bad = [f"{name} ({reason})" for name, reason in zip(called, reasons, strict=True) if reason]
    if bad:
        of = counted(len(files), "image")
        warn(f"left out {len(bad)} of {of} that cannot be read: {listing(bad, _NAMED)}")
    return [i for i, reason in enumerate(reasons) if reason is None]


def check_there(
    files: Mapping[int, Path], where: str, column: str | None = None, *, masks: bool = False
) -> None:
    """Raises DataError unless all files are there.

    Args:
        files: paths by the number of their row, from 0 on.
        where: whose, for messages.
        column: that names them, of a table.
        masks: whether they are masks, which are not left out as images may be.
    """
    missing = {row: file for row, file in files.items() if not file.exists()}
    if missing:
        named = [f"{file}, row {row + 1}" if column else str(file) for row, file in missing.items()]
        got = f"{len(missing)} of {len(files)} missing ({listing(named, _NAMED)})"
        where = f"{where}: column {quote(column)}" if column else where
        if masks:
            hint = f"mend the paths, or name the column of files: {data_option('mask', '...')}"
            raise DataError(where, expected="the files of masks that it names", got=got, hint=hint)
        place = _holding(next(iter(missing.values()))) or "FOLDER"
        hint = f"say from where paths are read: {data_option('folder', place)}"
        if offered("skip_unreadable"):
            hint += f", or leave them out: {argument('skip_unreadable', True)}"
        raise DataError(where, expected="the files that it names", got=got, hint=hint)


def _holding(path: Path) -> str | None:
    """The folder here, if there is one, from which a path that is not there leads to a file."""
    tail = Path(*path.parts[1:]) if path.is_absolute() else path
    try:
        folders = sorted(one for one in Path().iterdir() if one.is_dir())
    except OSError:
        return None
    return next((one.name for one in folders[:_NEAR] if (one / tail).exists()), None)


def _fault(file: Path | bytes) -> str | None:
    try:
        read(io.BytesIO(file) if isinstance(file, bytes) else file, "image")
    except DataError as error:
        return error.got or error.problem
    return None


def _shown(results: Iterable[R], total: int, doing: str) -> Iterator[R]:
    # A program without a console shows nothing; of several processes the first one shows it
    if not doing or sys.stderr is None or not sys.stderr.isatty() or processes()[0]:
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, doing, total, console=Console(stderr=True), transient=True)
