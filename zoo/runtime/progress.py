"""Progress of work: a bar on a terminal or in a notebook, a line an epoch where neither is."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from zoo.runtime.progress_views import Lines, Notebook, Terminal, View

if TYPE_CHECKING:
    from zoo.spec.disk.history import Row

T_co = TypeVar("T_co", covariant=True)

_TICK = 0.2
"""Seconds between two changes of a bar: more often nobody sees it, and each costs as much as a small step."""

_LATEST = 5
"""Epochs whose seconds count: of other work on the machine only the latest are like those to come."""

_PATIENCE = 2.0
"""Seconds that people wait without being told how it goes."""


class TimeLeft:
    """Seconds that work of several epochs will still take.

    The first epoch reads files and fills caches, and says little of the others: once there is a later one,
    these alone count, validation included.

    Args:
        epochs: of `steps` steps each.
        steps: batches.
        done: steps that are behind already, and took none of the time that is measured.
    """

    def __init__(self, epochs: int, steps: int, done: int = 0) -> None:
        self._total, self._steps, self._done, self._before = epochs * steps, steps, done, done
        self._started = self._began = time.monotonic()
        self._first, self._seconds = True, deque[float](maxlen=_LATEST)

    def advance(self, steps: int) -> None:
        """Notes that so many steps are done."""
        self._done += steps

    def epoch(self) -> None:
        """Notes that an epoch is over, validation included."""
        now = time.monotonic()
        if not self._first:
            self._seconds.append(now - self._began)
        self._first, self._began = False, now

    @property
    def seconds(self) -> float | None:
        """Seconds; None where no step has been done yet."""
        left, new = self._total - self._done, self._done - self._before
        if self._seconds:
            return median(self._seconds) * left / max(self._steps, 1)
        return (time.monotonic() - self._started) / new * left if new else None


class Reporter(AbstractContextManager["Reporter"]):
    """Shows how a run goes, on standard error or in the notebook.

    Args:
        shown: False shows nothing.
        lines: whether to write lines where there is no terminal and no notebook.
    """

    def __init__(self, shown: bool = True, *, lines: bool = True) -> None:
        self.epochs = 0
        self._view = _view(lines) if shown else View()
        self._steps, self._due = 0, 0.0
        self._left = TimeLeft(0, 0)

    def __enter__(self) -> Reporter:
        self._view.open()
        return self

    def __exit__(self, *error: Any) -> None:
        self._tell()
        self._view.close()

    def begin(self, epochs: int, steps: int, *, done: int = 0, title: str = "training") -> None:
        """Begins the display of `epochs` times `steps` steps, of which `done` are behind."""
        self.epochs, self._steps, self._due = epochs, 0, 0.0
        self._left = TimeLeft(epochs, steps, done)
        self._view.begin(title, epochs * steps, done)

    def note(self, text: str) -> None:
        """Shows a line about what is going to happen."""
        self._view.note(text)

    def step(self) -> None:
        """Notes that a batch is done."""
        self._steps += 1
        if time.monotonic() >= self._due:
            self._tell()

    def epoch(self, row: Row, best: bool) -> None:
        """Shows the figures of an epoch."""
        self._tell()
        self._left.epoch()
        self._view.epoch(row, self.epochs, best)

    def _tell(self) -> None:
        """Passes on the steps since the last time."""
        self._due = time.monotonic() + _TICK
        if self._steps:
            steps, self._steps = self._steps, 0
            self._left.advance(steps)
            self._view.advance(steps, self._left.seconds)


class SizedIterable(Protocol[T_co]):
    """An iterable of known length."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[T_co]: ...


def watched(batches: SizedIterable[T_co], title: str, shown: bool = True) -> Iterator[T_co]:
    """The batches one by one; a bar says how far they are once that has taken a while.

    Args:
        batches: their number is known.
        title: what is done with them.
        shown: False shows nothing.
    """
    reporter = Reporter(shown, lines=False)
    patient_until, open_ = time.monotonic() + _PATIENCE, False
    with ExitStack() as stack:
        for done, batch in enumerate(batches):
            if not open_ and time.monotonic() >= patient_until:
                stack.enter_context(reporter).begin(1, len(batches), done=done, title=title)
                open_ = True
            yield batch
            if open_:
                reporter.step()


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel; IPython is asked only where it is running already."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    # By name, so that what other notebooks derive from it counts, and ipykernel need not be there.
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


def _view(lines: bool) -> View:
    if in_notebook():
        return Notebook()
    if sys.stderr is None:  # a program without a console
        return View()
    if sys.stderr.isatty():
        return Terminal()
    return Lines() if lines else View()
