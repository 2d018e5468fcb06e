"""The places where progress is shown: a terminal, a file or pipe, a notebook."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

from zoo.spec.display import Markup, counted, escaped, html_page, html_table

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from zoo.spec.disk.history import Row

_MOST_ROWS = 10
"""Epochs that a notebook shows: the newest ones."""

_MOST_FIGURES = 6


class View:
    """Shows nothing; the others show some of it."""

    def open(self) -> None:
        """Opens the display, before any work."""

    def close(self) -> None:
        """Closes the display, where work is over or stopped."""

    def begin(self, title: str, total: int, done: int) -> None:
        """Begins work of `total` steps, of which `done` are behind."""

    def note(self, text: str) -> None:
        """Prints a line."""

    def advance(self, steps: int, left: float | None = None) -> None:
        """Advances by so many steps; `left` is the time in seconds that the rest will take."""

    def epoch(self, row: Row, epochs: int, best: bool) -> None:
        """Shows the figures of an epoch."""


class Lines(View):
    """A plain line an epoch on standard error: for files, pipes and logs."""

    def note(self, text: str) -> None:
        """Prints a line."""
        # A log that can no longer be written must not end a training of hours.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - that is what it is for

    def epoch(self, row: Row, epochs: int, best: bool) -> None:
        """Shows an epoch: its figures, its seconds, and whether it is the best so far."""
        self.note(f"{epoch_line(row, epochs)}  {row['seconds']:.1f} s{'  best' if best else ''}")


class Terminal(View):
    """A bar that goes when the work is over, and a line an epoch that stays."""

    def __init__(self) -> None:
        self._bar: Progress = _bar()
        self._task: TaskID | None = None

    def open(self) -> None:
        """Opens the display, before any work."""
        self._bar.start()

    def close(self) -> None:
        """Closes the display, where work is over or stopped."""
        self._bar.stop()

    def begin(self, title: str, total: int, done: int) -> None:
        """Begins a new bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(title, total=total, completed=done, left="-:--")

    def note(self, text: str) -> None:
        """Prints a line above the bar."""
        # A path in brackets is no markup of rich's.
        self._bar.console.print(text, highlight=False, markup=False)

    def advance(self, steps: int, left: float | None = None) -> None:
        """Advances by so many steps; `left` is the time in seconds that the rest will take."""
        if self._task is not None:
            told: dict[str, Any] = {} if left is None else {"left": _clock(left)}
            self._bar.update(self._task, advance=steps, **told)

    def epoch(self, row: Row, epochs: int, best: bool) -> None:
        """Prints a line above the bar."""
        if self._task is not None:
            self._bar.update(self._task, description=_name(row, epochs))
        mark = "  [green]best[/]" if best else ""
        from rich.markup import escape

        self._bar.console.print(f"{escape(epoch_line(row, epochs))}{mark}", highlight=False)


class Notebook(View):
    """A bar and a table of epochs in one output, which is changed in place and stays without the bar.

    Needs no widgets, so that a saved notebook shows the table everywhere.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._notes: list[str] = []
        self._rows: list[tuple[Row, bool]] = []
        self._title, self._total, self._done, self._epochs = "", 0, 0, 0
        self._left: float | None = None
        self._started = time.monotonic()
        self._working = False

    def open(self) -> None:
        """Opens the display, before any work."""
        self._working = True

    def close(self) -> None:
        """Closes the display, where work is over or stopped."""
        self._working = False
        self._show()

    def begin(self, title: str, total: int, done: int) -> None:
        """Begins a new bar."""
        self._title, self._total, self._done, self._left = title, total, done, None
        self._started = time.monotonic()
        self._show()

    def note(self, text: str) -> None:
        """Prints a line above the bar."""
        self._notes.append(text)
        self._show()

    def advance(self, steps: int, left: float | None = None) -> None:
        """Advances by so many steps; `left` is the time in seconds that the rest will take."""
        self._done, self._left = self._done + steps, left
        self._show()

    def epoch(self, row: Row, epochs: int, best: bool) -> None:
        """Adds a row to the table."""
        self._rows.append((row, best))
        self._epochs = epochs
        self._show()

    def __repr__(self) -> str:
        lines = [*self._notes, *(epoch_line(row, self._epochs) for row, _ in self._rows[-_MOST_ROWS:])]
        return "\n".join(filter(None, [*lines, self._state()]))

    def _repr_html_(self) -> str:
        parts: list[object] = [*self._notes]
        if self._working and self._total:
            bar = f'<progress value="{self._done}" max="{self._total}" style="width:20em"></progress>'
            parts.append(Markup(f"<div>{bar} {escaped(self._state())}</div>"))
        elif self._done < self._total or not self._rows:
            parts.append(self._state())
        if self._rows:
            parts.append(self._table())
        return html_page("", *parts)

    def _table(self) -> Markup:
        shown = self._rows[-_MOST_ROWS:]
        names = _pairs(shown[-1][0])
        header = ["epoch", *names, "seconds", ""]
        # Each row says whether it was the best when it came: the last one is.
        best = max((i for i, (_, best) in enumerate(self._rows) if best), default=-1)
        if 0 <= best < len(self._rows) - len(shown):  # the best one stays in sight
            shown = [self._rows[best], *shown[1:]]
            place = 0
        else:
            place = best - len(self._rows) + len(shown)
        rows = [
            [
                f"{row['epoch']:.0f}/{self._epochs}",
                *(f"{row[name]:.4f}" if name in row else "" for name in names),
                f"{row['seconds']:.1f}",
                "best" if i == place else "",
            ]
            for i, (row, _) in enumerate(shown)
        ]
        return html_table(rows, header, right=range(len(header) - 1), tinted=[place])

    def _state(self) -> str:
        if not self._title:
            return ""
        seconds = time.monotonic() - self._started
        batches = counted(self._total, "batch", "batches")
        if not self._working:
            return f"{self._title}: {self._done} of {batches} in {seconds:.1f} s"
        left = "" if self._left is None else f", {_clock(self._left)} left"
        return f"{self._title}: {self._done} of {batches}{left}"

    def _show(self) -> None:
        from IPython.display import display  # a notebook has it; zoo does not need it

        if self._handle is None:
            self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(self)


def epoch_line(row: Row, epochs: int) -> str:
    """The figures of an epoch: those that training and validation both have, if there are any.

    Example:
        >>> epoch_line({"epoch": 2, "loss": 0.5, "val_loss": 0.25, "seconds": 1.5}, 10)
        'epoch  2/10    loss 0.5000  val_loss 0.2500'
    """
    numbers = "  ".join(f"{name} {row[name]:.4f}" for name in _pairs(row))
    return f"{_name(row, epochs):<14} {numbers}"


def _name(row: Row, epochs: int) -> str:
    return f"epoch {row['epoch']:{len(str(epochs))}.0f}/{epochs}"


def _pairs(row: Row) -> list[str]:
    """What training and validation both have; where there is no such figure, the first ones."""
    both = [name for name in row if f"val_{name}" in row]
    single = [name for name in row if name not in ("epoch", "seconds")]
    return [*both, *(f"val_{name}" for name in both)] or single[:_MOST_FIGURES]


def _clock(seconds: float) -> str:
    """Time as a clock shows it.

    Example:
        >>> _clock(75), _clock(7290)
        ('1:15', '2:01:30')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    left = TextColumn("{task.fields[left]}", style="progress.remaining")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), left)
    return Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
