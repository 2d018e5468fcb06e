"""Pictures of an evaluation: the confusion matrix, predicted against true values, the ROC curve of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zoo.training.plots import short, write_figure

if TYPE_CHECKING:
    from zoo.interfaces.verification import Roc

CONFUSION_FILE = "confusion.png"
SCATTER_FILE = "scatter.png"
WORST_FILE = "worst.png"
ROC_FILE = "roc.png"

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


def roc_curve(roc: Roc, threshold: float, path: Path, title: str = "") -> Path:
    """Draws how many pairs are taken for the same, and the likeness of pairs of either kind.

    Args:
        roc: of the pairs.
        threshold: that is used.
        path: PNG file to write.
        title: above both.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.4, 4), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#b9bec6", linewidth=1, linestyle=":", zorder=0)
    left.plot(roc.accepted, roc.found, color="#1f5fbf", linewidth=1.8)
    left.plot(roc.eer, 1 - roc.eer, "o", color="#c76a00", markersize=6)
    accepted, found = roc.rates(threshold)
    left.plot(accepted, found, "s", color="#1b7f3b", markersize=6, fillstyle="none")
    notes = {"equal error rate": (roc.eer, "#c76a00"), "false accepts at threshold": (accepted, "#1b7f3b")}
    for row, (word, (rate, colour)) in enumerate(notes.items()):
        left.text(0.97, 0.14 - 0.08 * row, f"{word} {rate:.1%}", color=colour, fontsize=9, ha="right")
    left.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    left.set_xlabel("false accept rate (different, taken for the same)")
    left.set_ylabel("true accept rate (same, taken for the same)")
    left.set_title(f"area under the curve {roc.auc:.3f}", fontsize=10, loc="left")
    low, same = float(roc.similarity.min()), roc.same
    bins = np.linspace(low, 1, 41)
    for chosen, colour, word in ((~same, "#8a8f98", "different"), (same, "#1f5fbf", "same")):
        values = roc.similarity[chosen].numpy()
        weights = np.full(len(values), 1 / len(values))
        right.hist(values, bins, weights=weights, color=colour, alpha=0.55, label=f"{word} ({len(values):,})")
    right.axvline(threshold, color="#1b7f3b", linewidth=1.2)
    right.annotate(
        f" {threshold:.2f}", (threshold, 1), xycoords=("data", "axes fraction"), va="top", fontsize=9,
        color="#1b7f3b",
    )  # fmt: skip
    right.set_xlabel("cosine")
    right.set_ylabel("share of the pairs of its kind")
    right.set_title("similarity of the pairs, and the threshold", fontsize=10, loc="left")
    right.legend(frameon=False, fontsize=9)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return write_figure(figure, path)
