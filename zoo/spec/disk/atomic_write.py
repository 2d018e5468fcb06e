"""Atomic writing of one file: an error or a crash leaves the old file or the new one, never a mix."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.spec.disk.leftovers import part_beside
from zoo.spec.disk.systems import no_name, replace, sync_file
from zoo.spec.errors import SaveError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def atomic_write(path: Path, *, durable: bool = True, aside: Path | None = None) -> Iterator[Path]:
    """Yields a path beside the target to write to; the file becomes the target where the body ends well.

    Args:
        path: the target, whose folder exists; a file that is there is replaced.
        durable: whether the file must survive a power cut, as models, runs and checkpoints must. What can be
            made again, such as a drawn image, need not; then a power cut may leave an empty file.
        aside: what the old file is called from then on, in the same folder; None to leave none. A crash in
            between leaves the old one there alone.

    Raises:
        OSError: the file cannot be moved into place, or the body wrote none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     target = Path(folder) / "labels.txt"
        ...     with atomic_write(target) as staged:
        ...         _ = staged.write_text("cat")
        ...     target.read_text()
        'cat'
    """
    staged = part_beside(path)  # on the same disk: the rename is one step
    try:
        yield staged
        # 3 ms a file on an SSD (measured), as much as a small image takes to write
        if durable:
            sync_file(staged)
        # The new one is whole by now
        if aside is not None and path.exists():
            replace(path, aside)
        replace(staged, path)
    finally:
        with suppress(OSError):  # the reason why there is none is the error to tell
            staged.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, newline: str | None = None, durable: bool = True) -> None:
    """Writes a text as UTF-8, see `atomic_write`.

    Args:
        path: the target.
        text: all of the file.
        newline: as of `open`; empty to keep the text's own line ends.
        durable: see `atomic_write`.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_write(path, durable=durable) as staged:
        staged.write_text(text, encoding="utf-8", newline=newline)


@contextmanager
def write_errors(what: object, then: str | None = None) -> Iterator[None]:
    """Tells what the disk refuses in its body in one line, with the step that mends it.

    Args:
        what: is written, a path for one.
        then: the step behind that one.

    Raises:
        SaveError: the body raised an OSError.
    """
    try:
        yield
    except OSError as error:
        hint = ", then ".join(step for step in (way_to_write(error), then) if step)
        raise SaveError(
            f"cannot write {what}", got=error.strerror or str(error), hint=hint or None
        ) from error


def way_to_write(error: OSError) -> str | None:
    """The next step after what the disk has refused; None where the error does not tell.

    Example:
        >>> way_to_write(OSError(errno.ENOSPC, "No space left on device"))
        'free space'
    """
    if no_name(error):
        return 'choose a shorter name, without <>:"|?* and none of a device such as NUL'
    if error.errno in _FULL:
        return "free space"
    if error.errno in _FORBIDDEN:
        return "choose a place that you may write to"
    return "make its folder, or choose another" if error.errno in _NO_FOLDER else None
