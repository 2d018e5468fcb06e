"""Result of `zoo.fit`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.compose.foreign.torch_module import PlainModel
from zoo.interfaces.model import Model
from zoo.spec.disk.history import Row
from zoo.spec.disk.records import known_run
from zoo.spec.display import counted, html_image, html_page, html_table, more
from zoo.spec.files import CURVES_FILE
from zoo.spec.hints.next_steps import how_to_load, how_to_resume

_MOST_FIGURES = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a training loop.

    Args:
        history: one row an epoch.
        best: the row whose weights the model has now; None where no epoch was finished.
        interrupted: whether the user stopped it.
        stopped_early: whether the watched value had not got better for long enough.
        terminated: whether the process was told to end.
    """

    history: list[Row]
    best: Row | None
    interrupted: bool
    stopped_early: bool
    terminated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """A finished or interrupted run; `print` it.

    Args:
        folder: holds the model, `history.json`, `curves.png` and `splits.json`.
        model: with the weights of the best epoch, in inference mode.
        history: one row an epoch.
        best_epoch: whose weights the model has; None where no epoch was finished.
        metrics: of that epoch, on the validation split.
        images: number by split.
        seconds: the run took, without what was done before it was resumed.
        cache: what of frozen blocks was kept on disk, and where; empty for nothing.
        by_class: what the augmenter did by class; empty for nothing.
        chosen_workers: processes that read images beside this one, where zoo chose their number.
        interrupted: whether the user stopped it; it can be resumed.
        stopped_early: whether it ended because the watched value did not get better.
        resumed_after: epochs that were done before it was resumed.
    """

    folder: Path
    model: Model
    history: tuple[Row, ...]
    best_epoch: int | None
    metrics: dict[str, float]
    images: dict[str, int]
    seconds: float
    cache: str = ""
    by_class: str = ""
    chosen_workers: int = 0
    interrupted: bool = False
    stopped_early: bool = False
    resumed_after: int = 0

    def __repr__(self) -> str:
        lines = [self._outcome()]
        if self.best_epoch is not None:
            shown = [*self.metrics.items()][:_MOST_FIGURES]
            numbers = [f"{name} {value:.4f}" for name, value in shown]
            numbers += filter(None, [more(len(self.metrics), len(shown))])
            lines.append(f"best epoch {self.best_epoch}, validation: {'  '.join(numbers)}")
        return "\n".join([*lines, *self._notes(), f"saved in {self.folder}"])

    def _repr_html_(self) -> str:
        parts: list[object] = [*self._notes()]
        if self.best_epoch is not None and self.metrics:
            rows = [[name, f"{value:.4f}"] for name, value in self.metrics.items()]
            header = [f"best epoch: {self.best_epoch}", "validation"]
            parts.append(html_table(rows, header, right=[1]))
        with suppress(OSError):  # the folder may have moved since
            parts.append(html_image((self.folder / CURVES_FILE).read_bytes(), "curves of the run"))
        return html_page(self._outcome(), *parts, f"saved in {self.folder}")

    def _outcome(self) -> str:
        epochs = len(self.history)
        state = (
            "interrupted after"
            if self.interrupted
            else "stopped early after"
            if self.stopped_early
            else "trained"
        )
        sizes = ", ".join(f"{name} {count}" for name, count in self.images.items())
        # The seconds are those of the epochs since it was resumed
        since = f", the last {epochs - self.resumed_after}" if self.resumed_after else ""
        return f"{state} {counted(epochs, 'epoch')}{since} in {self.seconds:.1f} s  ({sizes} images)"

    def _notes(self) -> list[str]:
        notes = [f"kept frozen outputs: {self.cache}"] if self.cache else []
        notes += [self.by_class] if self.by_class else []
        if self.chosen_workers:
            beside = counted(self.chosen_workers, "process", "processes")
            notes.append(f"read images in {beside} beside this one")
        facts = known_run(self.folder)
        if isinstance(self.model, PlainModel):
            notes.append(f"use it again: {how_to_load(self.folder, facts)}")
        return [*notes, f"go on: {how_to_resume(self.folder, facts)}"] if self.interrupted else notes
