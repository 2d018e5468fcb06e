"""Faults at the k-th touch of the disk: death, a full disk, a forbidden one.

A touch is a write, a flush to the disk, or a call that changes names: open to write, rename, mkdir, unlink.
A write that a process dies in leaves half of its bytes, as a disk does.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "os.symlink", "os.truncate")
"""Events of the interpreter that change names; replacing a file is a rename too."""

_FREE = ("os.rmdir", "os.remove", "os.truncate")
_ERRORS = {"full": errno.ENOSPC, "denied": errno.EACCES, "readonly": errno.EROFS}
KINDS = ("kill", *_ERRORS)


class Faults:
    """Counts touches of what lies below some folders, and strikes at one.

    Args:
        places: folders.
        at: number of the touch, from 1; 0 only counts.
        kind: of the fault; a full or forbidden disk stays so from that touch on.
    """

    def __init__(self, places: list[Path], at: int = 0, kind: str = "kill") -> None:
        self.places, self.at, self.kind = [os.fspath(place.resolve()) for place in places], at, kind
        self.count = 0
        self._open = io.open

    def install(self) -> None:
        """From now on, in this process and for good: it is a fork's."""
        builtins.open = io.open = self._opened  # type: ignore[assignment]
        shutil._USE_CP_SENDFILE = False  # type: ignore[attr-defined]  # copies by read and write, which are counted
        real_sync = os.fsync
        inside = False

        def sync(handle: int) -> None:
            number = handle if isinstance(handle, int) else handle.fileno()  # type: ignore[attr-defined]
            self.touch(Path(f"/proc/self/fd/{number}").readlink())
            real_sync(handle)

        def listen(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal inside
            if event in NAMES and not inside:
                inside = True
                try:
                    self.touch(arguments[0], frees=event in _FREE)
                finally:
                    inside = False

        os.fsync = sync
        sys.addaudithook(listen)

    def touch(self, path: Any, half: Callable[[], object] = lambda: None, *, frees: bool = False) -> None:
        """One touch of a path; `half` does half of it before a death, and what frees room needs none.

        Raises:
            OSError: the disk is full or forbidden now.
        """
        if not self._mine(path):
            return
        self.count += 1
        if not self.at or self.count < self.at:
            return
        if self.kind == "kill":
            half()
            os.kill(os.getpid(), signal.SIGKILL)
        if frees and self.kind == "full":
            return
        number = _ERRORS[self.kind]
        raise OSError(number, os.strerror(number), str(path))

    def _mine(self, path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        text = str((Path.cwd() / os.fsdecode(path)).parent.resolve())
        return any(text == place or text.startswith(place + os.sep) for place in self.places)

    def _opened(self, file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        """`open`, whose files count their writes."""
        writes = any(letter in mode for letter in "wxa+")
        if not writes or not isinstance(file, str | bytes | os.PathLike) or not self._mine(file):
            return self._open(file, mode, *rest, **named)
        self.touch(file)
        asked = dict(
            zip(("buffering", "encoding", "errors", "newline", "closefd", "opener"), rest, strict=False)
        )
        asked |= named
        raw = _File(self, file, mode.replace("t", "").replace("b", ""), asked.get("opener"))
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, asked.get("encoding"), asked.get("errors"), asked.get("newline"))


class _File(io.FileIO):
    """A file whose writes are touches."""

    def __init__(self, faults: Faults, file: Any, mode: str, opener: Any) -> None:
        super().__init__(file, mode, opener=opener)
        self._faults = faults

    def write(self, content: Any, /) -> int:
        """Writes, unless a fault strikes."""
        plain = bytes(content)
        self._faults.touch(self.name, lambda: super(_File, self).write(plain[: len(plain) // 2]))
        written = 0
        while written < len(plain):
            written += super().write(plain[written:]) or 0
        return written
