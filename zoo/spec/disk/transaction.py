"""Writing a set of files so that a crash leaves all the old ones or all the new ones.

New files are staged beside the old, forced to disk, and committed by one rename of their folder. They are
then moved into place; a reader that finds a committed folder finishes the move, or reads from it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.spec.disk.leftovers import owned, sweep, sweep_parts
from zoo.spec.disk.places import check_places
from zoo.spec.disk.systems import remove_empty, rename_folder, replace, sync_file, sync_folder

STAGING = ".zoo-staging-"
COMMITTED = ".zoo-commit"


class UnfinishedError(OSError):
    """The disk refused something behind the commit: the new files count, and whoever is next moves them."""


_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
_TRIES = 100
"""Of a commit, while others commit into the same folder all the time."""


@contextmanager
def transaction(folder: Path) -> Iterator[Path]:
    """A staging folder; what is in it at the end replaces the files of the same names in `folder`.

    Nothing changes if the body raises or the process dies in it.

    Raises:
        OccupiedError: something that no file can replace has the name of one; nothing has changed.
        UnfinishedError: the new files count, but are not all in their places.
        OSError: the disk says no; nothing has changed.
    """
    # A folder that is not there yet needs no commit beside it: one rename brings it whole
    fresh = not folder.exists()
    home = folder.parent if fresh else folder
    home.mkdir(parents=True, exist_ok=True)
    sweep(home, STAGING)
    if not fresh:
        # The lock of whoever brought the folder whole and died right then
        sweep(folder.parent, STAGING)
        recover(folder)
        # Weights that a model had mapped when they were replaced, where the system keeps these
        sweep_parts(folder)
    with owned(home, STAGING) as staging:
        yield staging
        if not fresh:
            check_places(folder, [path.name for path in staging.iterdir() if path.is_file()])
        # All of it is on the disk before the rename that makes it count
        for path in staging.rglob("*"):
            if path.is_dir():
                sync_folder(path)
            else:
                sync_file(path)
        sync_folder(staging)
        if fresh:
            rename_folder(staging, folder)
        else:
            _commit(staging, folder)
        try:
            sync_folder(home)
            if not fresh:
                recover(folder)
        except OSError as error:
            raise UnfinishedError(error.errno, error.strerror or str(error)) from error


def _commit(staging: Path, folder: Path) -> None:
    """The rename by which the new files count; what another process has committed meanwhile goes first."""
    for _ in range(_TRIES):
        try:
            rename_folder(staging, folder / COMMITTED)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            recover(folder)
        else:
            return
    rename_folder(staging, folder / COMMITTED)


def recover(folder: Path) -> None:
    """Moves committed files into place, if a save was cut off between commit and move.

    Raises:
        OSError: the disk says no.
    """
    if (committed := _committed(folder)) is None:
        return
    with suppress(FileNotFoundError):  # another process, saving or loading, finishes the same move
        for file in committed.iterdir():
            try:
                replace(file, folder / file.name)
            except FileNotFoundError:
                continue
            except OSError as error:
                error.strerror = f"{error.strerror} for {file.name}"
                raise
        try:
            remove_empty(committed)
        except OSError as error:
            # Once it is empty another process may commit in its place, and moves its own files then
            if error.errno not in _TAKEN:
                raise
    sync_folder(folder)


def current(folder: Path, name: str) -> Path:
    """Path of the newest committed version of a file, also in a folder that cannot be written."""
    with suppress(OSError):
        recover(folder)
    committed = _committed(folder)
    waiting = folder / name if committed is None else committed / name
    return waiting if waiting.exists() else folder / name


def _committed(folder: Path) -> Path | None:
    """The folder of committed files; a link of that name, as an archive may bring it, leads elsewhere."""
    committed = folder / COMMITTED
    return committed if committed.is_dir() and not committed.is_symlink() else None
