"""Pictures of a run: curves, and a sheet of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.interfaces.dataset import Picture
from zoo.training.history import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES_FILE = "curves.png"
SHEET_FILE = "predictions.png"

_TRAIN, _VAL, _RIGHT, _WRONG, _FAINT = "#8a8f98", "#1f5fbf", "#1b7f3b", "#c0271d", "#b9bec6"


def curves(history: Sequence[Row], best: Row | None, path: Path, title: str = "") -> Path:
    """Draws loss and first metric over the epochs, training and validation, on two axes.

    Args:
        history: at least one row.
        best: the row to mark.
        path: PNG file to write.
        title: above both.
    """
    from matplotlib.figure import Figure

    # What the training set is measured by too is the loss and the task's first metric.
    names = [name for name in history[0] if f"val_{name}" in history[0]]
    names = ["loss", *[name for name in names if name != "loss" and not name.startswith("loss_")][:1]]
    figure = Figure(figsize=(5 * len(names), 3.6), dpi=120, layout="constrained")
    for axis, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        _curve(axis, history, name)
        if best is not None:
            axis.axvline(best["epoch"], color=_FAINT, linewidth=1, linestyle=":", zorder=0)
            value = best.get(f"val_{name}")
            if value is not None:
                axis.plot(best["epoch"], value, "o", color=_VAL, markersize=5)
                text = f"{name}  ({value:.3f} at the best epoch, {best['epoch']:.0f})"
                axis.set_title(text, fontsize=10, loc="left")
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return _write(figure, path)


def _curve(axis: Axes, history: Sequence[Row], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    marker = "." if len(history) <= 2 else None
    lines = {"training": (name, _TRAIN), "validation": (f"val_{name}", _VAL)}
    for label, (key, colour) in lines.items():
        values = [row.get(key, float("nan")) for row in history]
        axis.plot(epochs, values, color=colour, linewidth=1.8, label=label, marker=marker)
    axis.set_title(name, fontsize=10, loc="left")
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(axis="y", color="#e6e8eb", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9)


def sheet(
    pictures: Sequence[Picture],
    labels: Sequence[str],
    scores: Sequence[float | None],
    path: Path,
    *,
    truths: Sequence[str] | None = None,
    title: str = "",
) -> Path:
    """Draws pictures with what the model says of each; wrong answers in red with the truth below.

    Args:
        pictures: H x W x C each, uint8 or float32 in [0, 1].
        labels: one a picture.
        scores: probability of each label, or None.
        path: PNG file to write.
        truths: the true labels, if known.
        title: above the pictures.
    """
    from matplotlib.figure import Figure

    columns = min(6, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.7 * columns, 2.05 * rows + 0.4), dpi=120, layout="constrained")
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axis in axes:
        axis.axis("off")
    for i, (axis, picture) in enumerate(zip(axes, pictures, strict=False)):
        gray = picture.shape[2] == 1
        white = 255 if picture.dtype == np.uint8 else 1
        axis.imshow(
            picture[..., 0] if gray else picture[..., :3], cmap="gray" if gray else None, vmin=0, vmax=white
        )
        score = scores[i]
        text = labels[i] if score is None else f"{labels[i]}  {score:.0%}"
        right = truths is None or truths[i] == labels[i]
        if truths is not None and not right:
            text += f"\nis: {truths[i]}"
        axis.set_title(text, fontsize=9, color="black" if truths is None else _RIGHT if right else _WRONG)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return _write(figure, path)


def _write(figure: object, path: Path) -> Path:
    from matplotlib.figure import Figure

    assert isinstance(figure, Figure)  # noqa: S101 - for the type checker; matplotlib is imported late
    staged = path.with_name(f".{path.name}.part")
    figure.savefig(staged, format="png", facecolor="white")
    staged.replace(path)
    return path
