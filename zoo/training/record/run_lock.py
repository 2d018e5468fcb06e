"""Lock of a run's folder: one process at a time trains in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

from zoo.spec.disk.leftovers import sweep_parts
from zoo.spec.disk.locks import Lock, take
from zoo.spec.errors import TrainingError
from zoo.spec.files import RUN_LOCK

_PATIENCE = 10.0
"""Seconds that a lock is waited for: those who read images for a killed run notice within five."""


class RunLock:
    """Lock that is let go at the end of a `with`, where it was taken."""

    def __init__(self) -> None:
        self._lock: Lock | None = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release(remove=True)
            with suppress(OSError):  # of a run that failed at once nothing else is left; others are not empty
                self._lock.path.parent.rmdir()

    def take(self, folder: Path) -> None:
        """Takes the lock of a folder, and removes what a killed run was writing in it.

        Args:
            folder: of a run; one that is not there, or that cannot be written, has no lock.

        Raises:
            TrainingError: another process trains in it.
        """
        if not folder.is_dir():
            return
        try:
            self._lock = take(folder / RUN_LOCK, _PATIENCE)
        except OSError:
            # A disk without locks, or one that will say itself that it cannot be written
            return
        if self._lock is None:
            hint = "wait for it or end it, or begin a new run in another folder"
            got = "one that another process is training now"
            raise TrainingError(f"run {folder}", expected="a run at rest", got=got, hint=hint)
        sweep_parts(folder, 0)
