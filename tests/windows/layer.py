"""A layer over this system that refuses what Windows refuses, as far as Python's own calls can show it.

    pytest --windows tests/hub        # every test under it
    def test_...(windows): ...        # one test under it

There is no Windows here. What the layer knows is written down at each refusal; what reaches the disk around
Python (torch's and safetensors' own reading) it does not see, but the files that they map, it does.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import re
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MOST_LETTERS = 259
"""Of a path, where nobody has changed the registry of the machine."""

RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³])[ ]*(\..*)?$")
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')

ABSENT = {
    "os": (
        "fork", "forkpty", "killpg", "getpgid", "setsid", "geteuid", "getuid", "getegid", "getgid",
        "pread", "pwrite", "O_NONBLOCK", "O_NOFOLLOW", "O_DIRECTORY", "O_TMPFILE", "statvfs", "mkfifo",
        "chown", "fchmod", "WNOHANG", "posix_fallocate", "sched_getaffinity", "nice", "uname", "sync",
        "fdatasync", "openpty", "wait", "getloadavg",
    ),
    "signal": (
        "SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE", "alarm", "setitimer",
    ),
}  # fmt: skip
"""What Python for Windows has not."""

_ROOT = Path(__file__).resolve().parents[2]
_OURS = (str(_ROOT / "zoo") + os.sep, str(_ROOT / "plugins") + os.sep)
_SYSTEM = ("/proc/", "/dev/", "/sys/")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_O_TMPFILE = getattr(os, "O_TMPFILE", 0)
_real = {
    name: getattr(os, name)
    for name in (
        "open", "stat", "lstat", "mkdir", "rename", "replace", "unlink", "rmdir", "scandir", "listdir",
        "fsync", "kill", "link", "symlink", "utime", "access",
    )
}  # fmt: skip
_real_open = io.open


def refusal(number: int, code: int, path: object) -> OSError:
    """The error of a number of C's and one of Windows'."""
    error = OSError(number, os.strerror(number), os.fspath(path) if isinstance(path, os.PathLike) else path)
    error.winerror = code  # type: ignore[attr-defined]  # the attribute is Windows' own
    return error


def held(path: str) -> bool:
    """Whether this process has a file open."""
    return any(name == path for name in _handles())


def mapped(path: str) -> bool:
    """Whether this process has a file mapped into its memory, under this name or another."""
    try:
        facts = _real["stat"](path)
    except (OSError, ValueError):
        return False
    place = f" {os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x} {facts.st_ino} "
    with _real_open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        return any(place in line for line in file)


def _handles() -> Iterator[str]:
    for number in _real["listdir"]("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # that of the list itself
            continue


def there(path: Any) -> str:
    """The path under which a disk that does not tell upper from lower case has a file."""
    text = os.path.abspath(os.fsdecode(path))
    if _lexists(text):
        return text
    found = "/"
    for part in text.split("/")[1:]:
        own = part
        if not _lexists(os.path.join(found, part)):
            own = next((name for name in _names(found) if name.casefold() == part.casefold()), part)
        found = os.path.join(found, own)
    return found


def _lexists(path: str) -> bool:
    try:
        _real["lstat"](path)
    except (OSError, ValueError):
        return False
    return True


def _names(folder: str) -> list[str]:
    try:
        return _real["listdir"](folder)
    except OSError:
        return []


def spelt(path: Any) -> Any:
    """A path as the disk has it.

    Raises:
        OSError: Windows has no such names.
    """
    if isinstance(path, int) or str(path).startswith(_SYSTEM):
        return path
    text = os.fsdecode(path)
    for part in text.split("/"):
        if part not in ("", ".", "..") and (RESERVED.match(part) or FORBIDDEN.search(part)):
            raise refusal(errno.EINVAL, 123, path)
    if len(os.path.abspath(text)) > MOST_LETTERS:
        raise refusal(errno.ENOENT, 206, path)
    found = there(text)
    return found if found != os.path.abspath(text) else path


class Facts:
    """What `os.stat` says on Windows: no blocks.

    Args:
        facts: of this system.
    """

    def __init__(self, facts: os.stat_result) -> None:
        self._facts = facts

    def __getattr__(self, name: str) -> Any:
        if name in ("st_blocks", "st_blksize", "st_rdev"):
            raise AttributeError(f"Windows has no {name}")
        return getattr(self._facts, name)

    def __getitem__(self, index: int) -> Any:
        return self._facts[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._facts)


def _folder(path: Any) -> bool:
    try:
        return stat.S_ISDIR(_real["stat"](path).st_mode)
    except (OSError, ValueError):
        return False


def _open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    # A handle of a folder needs a flag that no `open` has
    if not flags & _O_TMPFILE == _O_TMPFILE and not isinstance(path, int) and _folder(path):
        raise refusal(errno.EACCES, 5, path)
    path = path if flags & _O_TMPFILE == _O_TMPFILE else spelt(path)
    if flags & os.O_TRUNC and not str(path).startswith(_SYSTEM) and mapped(os.path.abspath(path)):
        raise refusal(errno.EINVAL, 1224, path)
    if flags & _WRITES:
        _check_writable(path)
    return int(_real["open"](path, flags, mode, dir_fd=dir_fd))


def _check_writable(path: Any) -> None:
    """Raises PermissionError for a file that is marked as read-only."""
    if _lexists(path) and not _real["lstat"](path).st_mode & stat.S_IWUSR:
        raise refusal(errno.EACCES, 5, path)


def _open_file(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    if "b" not in mode and encoding in (None, "locale") and _by_us():
        raise AssertionError(f"{file} is opened as text without an encoding, which Windows takes for cp1252")
    if not isinstance(file, int):
        if opener is None and _folder(file):
            raise refusal(errno.EACCES, 5, file)
        file = spelt(file)
        if not str(file).startswith(_SYSTEM):
            # Its length cannot be changed while anybody has it mapped
            if "w" in mode and mapped(os.path.abspath(os.fsdecode(file))):
                raise refusal(errno.EINVAL, 1224, file)
            if any(letter in mode for letter in "wa+x"):
                _check_writable(file)
    return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)


# Pickles of `open` name it so
_open_file.__module__, _open_file.__qualname__, _open_file.__name__ = "io", "open", "open"


def _by_us() -> bool:
    """Whether the call comes out of zoo or a plugin of its own, at most through pathlib."""
    frame: Any = sys._getframe(2)
    while frame is not None and "pathlib" in frame.f_code.co_filename:
        frame = frame.f_back
    name = frame.f_code.co_filename if frame is not None else ""
    return name.startswith(_OURS) and "/tests/" not in name


def _fsync(fd: Any) -> None:
    number = fd if isinstance(fd, int) else fd.fileno()
    # FlushFileBuffers takes handles that may write alone
    if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise refusal(errno.EBADF, 5, f"descriptor {number}")
    _real["fsync"](number)


def _kill(pid: int, number: int) -> None:
    if number == 0:
        raise AssertionError(f"os.kill({pid}, 0) ends the process {pid} on Windows")
    _real["kill"](pid, number)


def _check_free(path: Any, *, gone: bool) -> None:
    """Raises PermissionError for a file in use.

    Args:
        path: of the file.
        gone: whether it is to go; a mapped file may get another name, but not go.
    """
    text = os.path.abspath(os.fsdecode(path))
    if held(text):  # nobody but Rust's standard library shares the right to delete
        raise refusal(errno.EACCES, 32, path)
    if gone and mapped(text):
        raise refusal(errno.EACCES, 5, path)


def _check_folder_free(path: Any) -> None:
    """Raises PermissionError for a folder in which a file is open; one that is mapped counts, to be sure."""
    beneath = os.path.abspath(os.fsdecode(path)) + "/"
    with _real_open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    if f" {beneath}" in text or any(name.startswith(beneath) for name in _handles()):
        raise refusal(errno.EACCES, 5, path)


def _same(source: Any, target: Any) -> bool:
    return os.path.samefile(source, target)


def _rename(source: Any, target: Any, **_: Any) -> None:
    source, target = spelt(source), _new(source, target)
    if _lexists(target) and not _same(source, target):
        raise refusal(errno.EEXIST, 183, target)
    _move(source, target)


def _replace(source: Any, target: Any, **_: Any) -> None:
    source, target = spelt(source), _new(source, target)
    if _lexists(target) and not _same(source, target):
        # MoveFileEx replaces files alone, and none that is marked as read-only
        if _folder(target) or _folder(source):
            raise refusal(errno.EACCES, 5, target)
        _check_writable(target)
        _check_free(target, gone=True)
    _move(source, target)


def _new(source: Any, target: Any) -> Any:
    """A target as the disk has it; in another case it is the source itself, which gets the new name."""
    found = spelt(target)
    return target if _lexists(found) and _lexists(source) and _same(found, source) else found


def _move(source: Any, target: Any) -> None:
    if _folder(source):
        _check_folder_free(source)
    else:
        _check_free(source, gone=False)
    _real["rename"](source, target)


def _unlink(path: Any, *, dir_fd: int | None = None) -> None:
    path = spelt(path)
    if str(path).startswith(_SYSTEM) or not _lexists(path):
        return _real["unlink"](path, dir_fd=dir_fd)
    if _folder(path) and not os.path.islink(path):
        raise refusal(errno.EACCES, 5, path)
    if not _passing(path):
        _check_writable(path)
        _check_free(path, gone=True)
    return _real["unlink"](path)


def _passing(path: Any) -> bool:
    """Whether a file is of the standard library's own, which on Windows asks for it otherwise."""
    frame: Any = sys._getframe(2)
    code = frame.f_code
    lock = Path(code.co_filename).name == "_unix.py"
    return lock or code.co_name == "TemporaryFile" or "/dev/shm" in str(path)


def _rmdir(path: Any, *, dir_fd: int | None = None) -> None:
    _real["rmdir"](spelt(path))


def _mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
    _real["mkdir"](spelt(path), mode)


def _stat(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> Any:
    path = path if isinstance(path, int) else spelt(path)
    return Facts(_real["stat"](path, dir_fd=dir_fd, follow_symlinks=follow_symlinks))


def _lstat(path: Any, *, dir_fd: int | None = None) -> Any:
    return Facts(_real["lstat"](spelt(path), dir_fd=dir_fd))


def _symlink(source: Any, target: Any, *_: Any, **__: Any) -> None:
    raise refusal(errno.EPERM, 1314, target)


def _through(name: str) -> Callable[..., Any]:
    """A call whose first path is taken as the disk has it."""

    def call(path: Any = ".", *more: Any, **how: Any) -> Any:
        return _real[name](spelt(path), *more, **how)

    return call


class Without:
    """A module without some of its names, as zoo's modules see it.

    Args:
        module: whole.
        absent: names that it has not.
    """

    def __init__(self, module: ModuleType, absent: tuple[str, ...]) -> None:
        self.__dict__["_module"], self.__dict__["_absent"] = module, absent

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            raise AttributeError(f"Windows has no {self._module.__name__}.{name}")
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._module, name)


CALLS = {
    "open": _open, "fsync": _fsync, "kill": _kill, "rename": _rename, "replace": _replace, "unlink": _unlink,
    "remove": _unlink, "rmdir": _rmdir, "mkdir": _mkdir, "stat": _stat, "lstat": _lstat, "symlink": _symlink,
    **{name: _through(name) for name in ("scandir", "listdir", "utime", "access")},
}  # fmt: skip


@contextmanager
def refusing() -> Iterator[None]:
    """What Windows refuses is refused in its body."""
    from zoo.spec.disk import systems

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "WINDOWS", True)
        # No scanner of viruses is waited for
        patch.setattr(systems, "_PAUSES", (0.0,))
        for name, call in CALLS.items():
            patch.setattr(os, name, call)
        patch.setattr(builtins, "open", _open_file)
        patch.setattr(io, "open", _open_file)
        # The Hub's client says once that its cache takes more room without links; a warning is an error here
        patch.setenv("HF_HUB_DISABLE_SYMLINKS_WARNING", "1")
        if client := sys.modules.get("huggingface_hub.constants"):
            patch.setattr(client, "HF_HUB_DISABLE_SYMLINKS_WARNING", True)
        # Windows has no calls that take a folder by its handle
        patch.setattr(shutil, "_use_fd_functions", False)
        for name, module in [*sys.modules.items()]:
            if name.split(".")[0] == "zoo" or name.startswith("zoo_"):
                for library in (os, signal):
                    if vars(module).get(library.__name__) is library:
                        absent = ABSENT[library.__name__]
                        patch.setattr(module, library.__name__, Without(library, absent))
        yield


@pytest.fixture
def windows() -> Iterator[None]:
    """A test under the layer."""
    with refusing():
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--windows` every test is under the layer."""
    if config.getoption("--windows", default=False):
        for item in items:
            names = getattr(item, "fixturenames", None)
            if names is not None and "windows" not in names:
                names.insert(0, "windows")
