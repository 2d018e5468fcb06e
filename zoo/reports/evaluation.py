"""Images of an evaluation: the confusion matrix, predicted against true values, the ROC curve of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.confusion import Confusion
from zoo.interfaces.tasks.descriptions import (
    Curve,
    Drawing,
    Histogram,
    ImageGrid,
    Overlays,
    Scatter,
)
from zoo.reports.files import write_figure
from zoo.reports.image_grids import images as grid
from zoo.reports.overlays import overlays
from zoo.reports.plots import sheet, short
from zoo.reports.style import (
    BLUE,
    FAINT,
    GRAY,
    GREEN,
    GRID,
    ORANGE,
    PURPLE,
    RED,
    new_figure,
    open_frame,
    set_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORST = "worst"
"""Name of the drawing that is removed where a later evaluation has none."""

_MARKS, _GROUPS = (ORANGE, GREEN, PURPLE), (GRAY, BLUE, ORANGE)
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

    counts = np.asarray(matrix)
    # A class that no image has is a row of zeros
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    number = len(labels)
    cell = float(np.interp(number, [2, 10, 30, 100], [0.9, 0.55, 0.36, 0.26]))  # inches
    size = float(np.interp(number, [2, 10, 30, 100], [11, 9, 7, 5.5]))  # points
    names = [short(label, 24) for label in labels]
    margin = 0.5 + 0.0115 * size * max(map(len, names))
    side = cell * number
    width = max(side + margin + 0.3, 0.085 * len(title))
    figure = new_figure(width, side + margin + 0.6)
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    if number <= _MOST_COUNTED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            # White on dark blue; black where the answer is right, red where it is wrong
            dark = shares[row, column] > 0.45
            colour = "white" if dark else "black" if row == column else RED
            axis.text(
                column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=colour
            )
    # Labels that are wider than a cell would overlap
    upright = max(map(len, names)) * size * 0.0085 > cell
    axis.set_xticks(range(number), names, fontsize=size, rotation=90 if upright else 0)
    axis.set_yticks(range(number), names, fontsize=size)
    axis.set_xticks(np.arange(1, number) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, number) - 0.5, minor=True)
    axis.grid(which="minor", color=GRID, linewidth=0.6)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_color(FAINT)
    axis.set_xlabel("answer", fontsize=max(size, 8))
    axis.set_ylabel("truth", fontsize=max(size, 8))
    set_title(figure, title, 10)
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

    shown = min(len(labels), _MOST_PLOTS)
    columns = min(shown, 3)
    rows = -(-shown // columns)
    figure = new_figure(3.6 * columns, 3.7 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[shown:]:
        axis.axis("off")
    for k, axis in enumerate(axes[:shown]):
        true, said = truths[:, k], answers[:, k]
        low, high = min(true.min(), said.min()), max(true.max(), said.max())
        # A single value has no spread
        room = 0.04 * (high - low) or 1.0
        axis.plot([low, high], [low, high], color=FAINT, linewidth=1, zorder=0)
        axis.scatter(true, said, s=14, color=BLUE, alpha=0.5, linewidths=0)
        axis.set(xlim=(low - room, high + room), ylim=(low - room, high + room), aspect="equal")
        axis.set_xlabel("true")
        axis.set_ylabel("predicted")
        error = np.abs(true - said).mean()
        name = f"{short(labels[k], 24)}:  " if len(labels) > 1 else ""
        axis.set_title(f"{name}mean absolute error {error:.3g}", fontsize=10, loc="left")
        open_frame(axis)
    set_title(figure, title)
    return write_figure(figure, path)


def panels(parts: Sequence[Curve | Histogram], path: Path, title: str = "") -> Path:
    """Draws curves and histograms side by side.

    Args:
        parts: from left to right.
        path: PNG file to write.
        title: above all.
    """

    figure = new_figure(4.7 * len(parts), 4)
    for axis, part in zip(np.ravel(figure.subplots(1, len(parts))), parts, strict=True):
        if isinstance(part, Curve):
            _curve(axis, part)
        else:
            _histogram(axis, part)
        axis.set_xlabel(part.x_label)
        axis.set_ylabel(part.y_label)
        axis.set_title(part.title, fontsize=10, loc="left")
        open_frame(axis)
    set_title(figure, title)
    return write_figure(figure, path)


def _curve(axis: Axes, part: Curve) -> None:
    if part.diagonal:
        axis.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":", zorder=0)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axis.plot(part.x, part.y, color=BLUE, linewidth=1.8)
    for row, mark in enumerate(part.marks):
        colour = _MARKS[row % len(_MARKS)]
        shape, fill = ("s", "none") if mark.hollow else ("o", "full")
        axis.plot(mark.x, mark.y, shape, color=colour, markersize=6, fillstyle=fill)
        axis.text(
            0.97, 0.06 + 0.08 * (len(part.marks) - 1 - row), mark.words, color=colour, fontsize=9,
            ha="right", transform=axis.transAxes,
        )  # fmt: skip


def _histogram(axis: Axes, part: Histogram) -> None:
    # One set of bins for all groups
    every = np.concatenate([np.asarray(values) for values in part.groups.values()])
    bins = np.linspace(every.min(), max(every.max(), every.min() + 1e-6), 41)
    for i, (word, group) in enumerate(part.groups.items()):
        values = np.asarray(group)
        # Shares of its own number: there are many more pairs of different things than of the same
        weights = np.full(len(values), 1 / max(len(values), 1))
        label = f"{word} ({len(values):,})"
        axis.hist(
            values, bins.tolist(), weights=weights, color=_GROUPS[i % len(_GROUPS)], alpha=0.55, label=label
        )
    if part.line is not None:
        axis.axvline(part.line, color=_MARKS[1], linewidth=1.2)
        axis.annotate(
            f" {part.line:.2f}", (part.line, 1), xycoords=("data", "axes fraction"), va="top", fontsize=9,
            color=_MARKS[1],
        )  # fmt: skip
    axis.legend(frameon=False, fontsize=9)


def draw(drawing: Drawing, path: Path, dataset: Dataset, title: str) -> Path:
    """Draws a description into a file.

    Args:
        drawing: what a task's error analysis returns.
        path: PNG file to write.
        dataset: whose images descriptions tell by number.
        title: of the evaluation; what the description says of itself goes before it.
    """
    if isinstance(drawing, tuple | Curve | Histogram):
        return panels(drawing if isinstance(drawing, tuple) else [drawing], path, title)
    if isinstance(drawing, Confusion):
        return confusion(drawing.matrix, drawing.labels, path, title)
    if isinstance(drawing, Scatter):
        return scatter(drawing.truths.numpy(), drawing.answers.numpy(), drawing.labels, path, title)
    title = f"{drawing.title}: {title}" if drawing.title else title
    if isinstance(drawing, ImageGrid):
        return grid(ImageGrid(drawing.columns, title), path)
    images = [dataset[item.index].image for item in drawing.items]
    if isinstance(drawing, Overlays):
        return overlays(images, drawing, path, title)
    return sheet(
        images,
        [item.label for item in drawing.items],
        [item.score for item in drawing.items],
        path,
        truths=[item.truth for item in drawing.items],
        names=[item.name for item in drawing.items],
        title=title,
    )
