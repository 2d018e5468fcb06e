"""Differences between systems: forcing files to disk, replacing files in use, names that fit everywhere.

Linux, macOS and Windows answer these few questions differently; no other module asks them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import signal
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from subprocess import Popen

WINDOWS = sys.platform == "win32"

_ASIDE = ".old"
"""Ending of a file that Windows would not let go of; `zoo.spec.disk.leftovers` removes it later."""

_PAUSES = (0.01, 0.05, 0.2)
"""Seconds between tries to replace a file; scanners of viruses and indexes hold a new file that long."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")

_FORBIDDEN = re.compile(r'[<>:"/|?*\\\x00-\x1f\x7f\ud800-\udfff]|[. ]$')
"""Letters that Windows has in no name; it drops a dot or a blank at the end, so that two names become one."""

_DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9\u00b9\u00b2\u00b3]) *(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, whatever ending they have."""

_LONGEST = 200
"""Bytes of a name that zoo makes; 255 is the most of any disk, and an ending or a number may come behind."""

_NO_NAME = (123, 206)
"""Windows' numbers for a name that it cannot have, and one that is too long."""


def portable(name: str) -> str:
    """A name of one file or folder as Linux, macOS and Windows can all have it, since folders travel.

    Letters that one of them has not become `_`; so does a dot or a blank at the end; the name of a device
    gets a `_` behind it. Letters are composed (NFC), and a name that is too long is cut.

    Args:
        name: without folders; a slash is a letter like others.

    Example:
        >>> [portable(name) for name in ("cat", "what?", "a/b", "con.png", "etc.", "")]
        ['cat', 'what_', 'a_b', 'con_.png', 'etc_', '_']
    """
    made = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)) or "_"
    if _DEVICES.fullmatch(made):
        stem, dot, ending = made.partition(".")
        made = f"{stem.rstrip()}_{dot}{ending}"
    cut = made.encode()[:_LONGEST].decode(errors="ignore")
    return made if cut == made else cut.rstrip(". ")


def same_file(name: str) -> str:
    """The same text for two names that may be one file: most disks of macOS and Windows tell no case.

    Example:
        >>> same_file("Cat") == same_file("cat"), same_file("\u00e9") == same_file("e\u0301")
        (True, True)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def by_parts(path: PurePath) -> tuple[str, ...]:
    """Key to sort paths by, so that an order, and what is drawn in it, is the same on every system.

    Paths of Windows compare without case.

    Example:
        >>> from pathlib import PureWindowsPath
        >>> [str(path) for path in sorted(map(PureWindowsPath, "aB"), key=by_parts)]
        ['B', 'a']
    """
    return path.parts


def no_name(error: OSError) -> bool:
    """Whether a system refused a name for its letters or length, as only Windows does."""
    return getattr(error, "winerror", None) in _NO_NAME or error.errno == errno.ENAMETOOLONG


def sync_file(path: Path) -> None:
    """Forces a file to the disk: a rename can get there before the bytes, and a power cut leave it empty.

    Raises:
        OSError: the disk says no.
    """
    # To be written, since Windows flushes no other handle
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Forces the names in a folder to the disk, where the system has a way to; Windows has none.

    Raises:
        OSError: the disk says no.
    """
    if WINDOWS:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Network disks that keep names in order by themselves refuse to be asked, as SQLite knows too
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def rename_folder(source: Path, target: Path) -> None:
    """Gives a folder a name that is free; Windows is asked again where a scanner has a file in it open.

    Raises:
        OSError: the system says no, or the name is taken.
    """
    _patient(lambda: source.rename(target))


def remove_empty(folder: Path) -> None:
    """Removes an empty folder; Windows keeps it while anybody lists it, which is no harm.

    Raises:
        OSError: the system says no.
    """
    try:
        _patient(folder.rmdir)
    except PermissionError:
        if not WINDOWS:
            raise


def _patient(act: Callable[[], object]) -> None:
    """Does something once more after a while where Windows says that somebody has a file open."""
    for pause in (*_PAUSES, None):
        try:
            act()
        except PermissionError:
            if not WINDOWS or pause is None:
                raise
            time.sleep(pause)
        else:
            return


def replace(source: Path, target: Path) -> None:
    """Gives a file another name, in one step; a file that has the name is replaced.

    Windows refuses while a process has the old file open or mapped, as a loaded model has its weights. The
    old one is then moved aside, which is allowed, and removed when nobody uses it any more.

    Raises:
        OSError: the system says no.
    """
    try:
        _patient(lambda: source.replace(target))
    except PermissionError:
        if not WINDOWS or not target.is_file():
            raise
    else:
        return
    aside = target.with_name(f".zoo-{uuid.uuid4().hex[:8]}{_ASIDE}")
    target.rename(aside)
    try:
        source.rename(target)
    except OSError:
        aside.rename(target)
        raise
    with suppress(OSError):  # in use; a later sweep finds it
        aside.unlink()


def keeps_mapped() -> bool:
    """Whether a file that is mapped cannot be removed, so that who removes it soon has to read a copy."""
    return WINDOWS


def copy(source: Path, target: Path) -> None:
    """Puts a file's content under another name, as a second name of the same file where that is free.

    Not on Windows, where no name of a file may go while one of them is mapped.

    Raises:
        OSError: it cannot be read or written.
    """
    if not WINDOWS:
        # Another disk, or one without hard links
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def end(process: Popen[bytes]) -> None:
    """Ends a process that was begun with `start_new_session`, with all that it has begun.

    Windows knows no such sessions, and ends the one process.
    """
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def reader_gone(error: OSError) -> bool:
    """Whether an error of writing to standard output says that nobody reads it, as in `zoo list | head`."""
    return isinstance(error, BrokenPipeError) or (
        WINDOWS and error.errno == errno.EINVAL and not error.filename
    )


def begins_anew() -> bool:
    """Whether worker processes are no forks but new Pythons: on Windows, macOS, and from 3.14 on."""
    import multiprocessing  # a hundredth of a second, for workers alone

    # Asked so that the method is not settled by asking; the first of all is the system's own
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    return method != "fork"


def stop_signals() -> tuple[tuple[signal.Signals, Callable[..., object] | int], ...]:
    """Signals that ask a process to end, with the handlers that they have where nobody else has set one.

    Ctrl-C, SIGTERM of schedulers and containers, and on Windows Ctrl-Break, which is what a process there
    can send another.
    """
    ends = (signal.SIGTERM, getattr(signal, "SIGBREAK", signal.SIGTERM))
    return (
        (signal.SIGINT, signal.default_int_handler),
        *((number, signal.SIG_DFL) for number in dict.fromkeys(ends)),
    )


@cache
def host() -> str:
    """Eight hexadecimal digits that tell one start of one machine from another's.

    Containers of a machine share them, as they share its locks; what was begun before a restart is nobody's.
    """
    try:
        told = _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        told = f"{uuid.getnode():x}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]


_preadv = getattr(os, "preadv", None)
_one_place = threading.Lock()


def read_at(file: BinaryIO, buffer: Any, offset: int) -> bool:
    """Fills a buffer from a place in a file, whoever else reads from the same handle.

    A mapped file would be as fast, and end the process by a signal where the disk fails or the file was cut.

    Args:
        file: without a buffer of its own.
        buffer: writable bytes.
        offset: in bytes.

    Returns:
        False where the file ends before the buffer is full.

    Raises:
        OSError: the disk says no.
    """
    rest = memoryview(buffer)
    while rest:
        if _preadv is not None:
            count = _preadv(file.fileno(), [rest], offset)
        else:  # Windows, where no forked process shares the place in the file, but threads do
            with _one_place:
                file.seek(offset)
                count = file.readinto(rest)  # type: ignore[attr-defined]  # of a file without a buffer
        if not count:
            return False
        rest, offset = rest[count:], offset + count
    return True
