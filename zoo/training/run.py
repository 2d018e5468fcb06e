"""What `fit` gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.interfaces.model import Model
from zoo.training.history import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished or interrupted run; `print` it.

    Args:
        folder: holds the model, `history.json`, `curves.png` and `splits.json`.
        model: with the weights of the best epoch, in inference mode.
        history: one row an epoch.
        best_epoch: whose weights the model has; None where no epoch was finished.
        metrics: of that epoch, on the validation split.
        pictures: number by split.
        seconds: the whole run took.
        cache: what of frozen blocks was kept on disk, and where; empty for nothing.
        interrupted: whether the user stopped it; it can be resumed.
        stopped_early: whether it ended because the watched value did not get better.
    """

    folder: Path
    model: Model
    history: tuple[Row, ...]
    best_epoch: int | None
    metrics: dict[str, float]
    pictures: dict[str, int]
    seconds: float
    cache: str = ""
    interrupted: bool = False
    stopped_early: bool = False

    def __str__(self) -> str:
        epochs = len(self.history)
        state = (
            "interrupted after"
            if self.interrupted
            else "stopped early after"
            if self.stopped_early
            else "trained"
        )
        sizes = ", ".join(f"{name} {count}" for name, count in self.pictures.items())
        lines = [f"{state} {epochs} epoch{'s' * (epochs != 1)} in {self.seconds:.1f} s  ({sizes} pictures)"]
        if self.best_epoch is not None:
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
            lines.append(f"best epoch {self.best_epoch}, validation: {numbers}")
        if self.cache:
            lines.append(f"kept frozen outputs: {self.cache}")
        if self.interrupted:
            lines.append(f"go on: zoo fit --resume {self.folder}")
        return "\n".join([*lines, f"saved in {self.folder}"])
