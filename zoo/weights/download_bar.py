"""A bar on the terminal for files that take a while to arrive, in the place of the client's own."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 2.0
"""Seconds that people wait without being told how it goes."""

_lock = threading.RLock()
_shown: list[Progress] = []
"""The one display of all files that arrive at the same time; empty while nothing is shown."""


def has_viewer() -> bool:
    """Whether somebody looks: standard error is a terminal, and the client's bars were not switched off."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled

    return sys.stderr is not None and sys.stderr.isatty() and not are_progress_bars_disabled()


class DownloadBar:
    """A bar of one file, shown once that takes a while, with what the client asks of one: tqdm's methods.

    Args:
        *args: none that matters here.
        desc: name of the file.
        total: bytes; None where they are not known.
        initial: bytes that were there before.
        **kwargs: looks, which are this bar's own.
    """

    def __init__(
        self, *args: object, desc: str = "", total: int | None = None, initial: int = 0, **kwargs: object
    ) -> None:
        # The client says the whole address, and of a file in chunks what is done with them
        self.name = desc.removesuffix(": reconstructing file").rpartition("/")[2]
        self.total, self.n = total, initial
        self._task: TaskID | None = None
        self._open = True
        # By a clock of its own: over a slow link it takes long until the client counts for the first time
        self._clock = threading.Timer(_PATIENCE, self._show)
        self._clock.daemon = True
        self._clock.start()

    def update(self, n: float = 1) -> None:
        """Advances by bytes, backwards too."""
        self.n += int(n)
        with _lock:
            if self._task is not None:
                _display().update(self._task, completed=self.n, total=self.total)

    def close(self) -> None:
        """Goes, and the display with the last of them."""
        with _lock:
            self._clock.cancel()
            self._open = False
            if self._task is None:
                return
            display = _display()
            display.remove_task(self._task)
            self._task = None
            if not display.tasks:
                _shown.remove(display)
                display.stop()

    def _show(self) -> None:
        with _lock:
            if self._open:
                self._task = _display().add_task(self.name, total=self.total, completed=self.n)

    def refresh(self, *args: object, **kwargs: object) -> None:
        """Shows what was set."""
        self.update(0)

    def update_transfer(self, n: float) -> None:
        """Hears of bytes on the wire, which are shown as bytes of the file."""

    def set_postfix_str(self, *args: object, **kwargs: object) -> None:
        """Hears of a speed, which the display takes itself."""

    def set_transfer_postfix_str(self, *args: object, **kwargs: object) -> None:
        """Hears of a speed, which the display takes itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def _display() -> Progress:
    """The display, begun where there is none."""
    if not _shown:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        # A file's name in brackets is no markup
        name = TextColumn("{task.description}", markup=False)
        columns = (name, BarColumn(), DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        display = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
        display.start()
        _shown.append(display)
    return _shown[0]
