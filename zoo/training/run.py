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
        interrupted: whether the user stopped it.
    """

    folder: Path
    model: Model
    history: tuple[Row, ...]
    best_epoch: int | None
    metrics: dict[str, float]
    pictures: dict[str, int]
    seconds: float
    interrupted: bool = False

    def __str__(self) -> str:
        epochs = len(self.history)
        state = "interrupted after" if self.interrupted else "trained"
        sizes = ", ".join(f"{name} {count}" for name, count in self.pictures.items())
        lines = [f"{state} {epochs} epoch{'s' * (epochs != 1)} in {self.seconds:.1f} s  ({sizes} pictures)"]
        if self.best_epoch is not None:
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
            lines.append(f"best epoch {self.best_epoch}, validation: {numbers}")
        return "\n".join([*lines, f"saved in {self.folder}"])
