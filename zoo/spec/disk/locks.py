"""Locks between processes, which a system lets go when their holder dies, however it dies."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

ENDING = ".lock"


class Lock:
    """Held lock of a file, until `release` or the end of the process.

    Args:
        held: of `filelock`.
        path: of the file.
    """

    def __init__(self, held: BaseFileLock, path: Path) -> None:
        self._held, self.path = held, path

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self, *, remove: bool = False) -> None:
        """Lets go; once more does nothing.

        Args:
            remove: whether the file goes too, where nobody waits for it.
        """
        if remove:
            # Still held where the system allows it: who has opened it meanwhile finds that it has no name
            with suppress(OSError):
                self.path.unlink()
        self._held.release(force=True)
        if remove:
            with suppress(OSError):
                self.path.unlink()


def take(path: Path, wait: float = 0.0) -> Lock | None:
    """Takes the lock of a file, which is made where it is missing; one holder at a time has it.

    Args:
        path: of the file, in a folder that exists.
        wait: seconds until it is given up; negative to wait without end.

    Returns:
        None if another process, or another part of this one, holds it.

    Raises:
        OSError: the disk cannot be written, or knows no locks (`ENOSYS`, `ENOTSUP`, `ENOLCK`).

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = take(Path(folder) / "run.lock")
        ...     second = take(Path(folder) / "run.lock")
        ...     first.release()
        ...     third = take(Path(folder) / "run.lock")
        ...     third.release()
        >>> first is None, second is None, third is None
        (False, True, False)
    """
    from filelock import FileLock, Timeout  # takes 40 ms, and most commands lock nothing

    # Not thread-local: what one thread took, the end of another may let go. No soft lock, as that of a
    # killed process stays.
    lock = FileLock(path, timeout=wait, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        return None
    except NotImplementedError as error:
        raise OSError(getattr(error, "errno", None) or 38, "a disk without locks", str(path)) from None
    return Lock(lock, path)
