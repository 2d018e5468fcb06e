"""A bar and a line per epoch, on a terminal only."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from zoo.training.history import Row


class Reporter(AbstractContextManager["Reporter"]):
    """Shows how a run goes.

    Args:
        shown: whether to show anything; None shows it where standard error is a terminal.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self.epochs = 0
        self._silent = shown is False
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty() if shown is None else shown:
            self._bar = _bar()
        self._context: AbstractContextManager[Any] = self._bar or nullcontext()

    def __enter__(self) -> Reporter:
        self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def begin(self, epochs: int, steps: int, *, done: int = 0, title: str = "training") -> None:
        """Work of `epochs` times `steps` starts, of which `done` steps are behind."""
        self.epochs = epochs
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(title, total=epochs * steps, completed=done)

    def note(self, text: str) -> None:
        """A line about what is going to happen."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)

    def tell(self, text: str) -> None:
        """A line that is said wherever anything may be, on a terminal or not."""
        if self._bar is not None:
            self.note(text)
        elif not self._silent:
            sys.stderr.write(f"{text}\n")

    def step(self) -> None:
        """A batch is done."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

    def epoch(self, row: Row, best: bool) -> None:
        """An epoch is done."""
        if self._bar is not None and self._task is not None:
            note = f"epoch {row['epoch']:.0f}/{self.epochs}"
            both = [k for k in row if f"val_{k}" in row]
            numbers = "  ".join(f"{k} {row[k]:.4f}" for k in [*both, *(f"val_{k}" for k in both)])
            self._bar.update(self._task, description=note)
            self._bar.console.print(
                f"{note:<14} {numbers}{'  [green]best[/]' if best else ''}", highlight=False
            )


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
