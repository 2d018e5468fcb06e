"""Pictures of an evaluation: the confusion matrix, and predicted against true values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.training.plots import short, write_figure

CONFUSION_FILE = "confusion.png"
SCATTER_FILE = "scatter.png"
WORST_FILE = "worst.png"

_MOST_PLOTS = 6
_MOST_COUNTED = 100
"""Classes up to which each cell shows its number."""


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path, title: str = "") -> Path:
    """Draws a confusion matrix: counts in the cells, shares of the true class as their shade.

    Args:
        matrix: K x K counts, rows are the truth.
        labels: K names.
        path: PNG file to write.
        title: above the matrix.
    """
    from matplotlib.figure import Figure

    counts = np.asarray(matrix)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    number = len(labels)
    cell = float(np.interp(number, [2, 10, 30, 100], [0.9, 0.55, 0.36, 0.26]))  # inches
    size = float(np.interp(number, [2, 10, 30, 100], [11, 9, 7, 5.5]))  # points
    names = [short(label, 24) for label in labels]
    margin = 0.5 + 0.0115 * size * max(map(len, names))
    side = cell * number
    width = max(side + margin + 0.3, 0.085 * len(title))
    figure = Figure(figsize=(width, side + margin + 0.6), dpi=120, layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    if number <= _MOST_COUNTED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            dark = shares[row, column] > 0.45
            colour = "white" if dark else "black" if row == column else "#c0271d"
            axis.text(
                column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=colour
            )
    upright = max(map(len, names)) * size * 0.0085 > cell
    axis.set_xticks(range(number), names, fontsize=size, rotation=90 if upright else 0)
    axis.set_yticks(range(number), names, fontsize=size)
    axis.set_xticks(np.arange(1, number) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, number) - 0.5, minor=True)
    axis.grid(which="minor", color="#e6e8eb", linewidth=0.6)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_color("#b9bec6")
    axis.set_xlabel("answer", fontsize=max(size, 8))
    axis.set_ylabel("truth", fontsize=max(size, 8))
    if title:
        figure.suptitle(title, fontsize=10, x=0.01, ha="left", fontweight="bold")
    return write_figure(figure, path)


def scatter(
    truths: npt.NDArray[np.floating],
    answers: npt.NDArray[np.floating],
    labels: Sequence[str],
    path: Path,
    title: str = "",
) -> Path:
    """Draws predicted against true values, a plot for each of the first six values.

    Args:
        truths: N x K.
        answers: N x K.
        labels: K names.
        path: PNG file to write.
        title: above the plots.
    """
    from matplotlib.figure import Figure

    shown = min(len(labels), _MOST_PLOTS)
    columns = min(shown, 3)
    rows = -(-shown // columns)
    figure = Figure(figsize=(3.6 * columns, 3.7 * rows), dpi=120, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[shown:]:
        axis.axis("off")
    for k, axis in enumerate(axes[:shown]):
        true, said = truths[:, k], answers[:, k]
        low, high = min(true.min(), said.min()), max(true.max(), said.max())
        room = 0.04 * (high - low) or 1.0
        axis.plot([low, high], [low, high], color="#b9bec6", linewidth=1, zorder=0)
        axis.scatter(true, said, s=14, color="#1f5fbf", alpha=0.5, linewidths=0)
        axis.set(xlim=(low - room, high + room), ylim=(low - room, high + room), aspect="equal")
        axis.set_xlabel("true")
        axis.set_ylabel("predicted")
        error = np.abs(true - said).mean()
        name = f"{short(labels[k], 24)}:  " if len(labels) > 1 else ""
        axis.set_title(f"{name}mean absolute error {error:.3g}", fontsize=10, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return write_figure(figure, path)
