"""Images of runs and data: curves, sheets of predictions, a few images of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from zoo.images.decode import ImageArray
from zoo.reports.files import write_figure
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
from zoo.spec.disk.history import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHEET_FILE = "predictions.png"

_TRAIN, _VAL, _RIGHT, _WRONG = GRAY, BLUE, GREEN, RED
_LINES = (_VAL, ORANGE, _RIGHT, PURPLE, _WRONG, _TRAIN)
_COLOURS = 3
_CELL, _GAP = 72, 4


def curves(
    history: Sequence[Row],
    best: Row | None,
    path: Path,
    title: str = "",
    charts: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Path:
    """Draws values over the epochs: by default loss and first metric, training and validation, on two axes.

    Args:
        history: at least one row.
        best: the row to mark.
        path: PNG file to write.
        title: above both.
        charts: titles, and the values that each draws, instead.
    """

    if charts:
        return _charts(history, best, path, title, charts)
    # What the training set is measured by too is the loss and the task's first metric.
    names = [name for name in history[0] if f"val_{name}" in history[0]]
    names = ["loss", *[name for name in names if name != "loss" and not name.startswith("loss_")][:1]]
    figure = new_figure(5 * len(names), 3.6)
    for axis, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        _curve(axis, history, name)
        if best is not None:
            axis.axvline(best["epoch"], color=FAINT, linewidth=1, linestyle=":", zorder=0)
            value = best.get(f"val_{name}")
            if value is not None:
                axis.plot(best["epoch"], value, "o", color=_VAL, markersize=5)
                text = f"{name}  ({value:.3f} at the best epoch, {best['epoch']:.0f})"
                axis.set_title(text, fontsize=10, loc="left")
    set_title(figure, title)
    return write_figure(figure, path)


def _charts(
    history: Sequence[Row], best: Row | None, path: Path, title: str, charts: Mapping[str, tuple[str, ...]]
) -> Path:

    figure = new_figure(5 * len(charts), 3.6)
    for axis, (name, keys) in zip(
        np.atleast_1d(figure.subplots(1, len(charts))), charts.items(), strict=True
    ):
        shown = {key.replace("_", " "): key for key in keys if any(key in row for row in history)}
        lines = {
            label: (key, colour) for (label, key), colour in zip(shown.items(), cycle(_LINES), strict=False)
        }
        _curve(axis, history, name, lines)
        if best is not None:
            axis.axvline(best["epoch"], color=FAINT, linewidth=1, linestyle=":", zorder=0)
    set_title(figure, title)
    return write_figure(figure, path)


def _curve(
    axis: Axes, history: Sequence[Row], name: str, lines: Mapping[str, tuple[str, str]] | None = None
) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    # A line through one or two points is hardly seen.
    marker = "." if len(history) <= 2 else None
    lines = lines or {"training": (name, _TRAIN), "validation": (f"val_{name}", _VAL)}
    for label, (key, colour) in lines.items():
        # A gap where the data leave a figure undefined.
        values = [row.get(key, float("nan")) for row in history]
        axis.plot(epochs, values, color=colour, linewidth=1.8, label=label, marker=marker)
    axis.set_title(name, fontsize=10, loc="left")
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(axis="y", color=GRID, linewidth=0.8)
    open_frame(axis)
    axis.legend(frameon=False, fontsize=9)


def sheet(
    images: Sequence[ImageArray],
    labels: Sequence[str],
    scores: Sequence[float | None],
    path: Path,
    *,
    truths: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    title: str = "",
) -> Path:
    """Draws images with what the model says of each; wrong answers in red with the truth below.

    Args:
        images: H x W x C each, uint8 or float32 in [0, 1].
        labels: one an image.
        scores: probability of each label, or None.
        path: PNG file to write.
        truths: the true labels, if known.
        names: where the images come from.
        title: above the images.
    """

    columns = min(6, len(images))
    rows = -(-len(images) // columns)
    lines = 1 + (truths is not None) + (names is not None)
    figure = new_figure(1.7 * columns, (1.75 + 0.16 * lines) * rows + 0.4)
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axis in axes:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes, images, strict=False)):
        gray = image.shape[2] < _COLOURS
        white = 255 if image.dtype == np.uint8 else 1
        pixels = image[..., 0] if gray else image[..., :_COLOURS]
        axis.imshow(pixels, cmap="gray" if gray else None, vmin=0, vmax=white)
        axis.set_box_aspect(1)  # every cell alike, whatever the image's shape
        axis.set_adjustable("datalim")
        score = scores[i]
        text = short(labels[i], 18) if score is None else f"{short(labels[i], 18)}  {score:.0%}"
        right = truths is None or truths[i] == labels[i]
        if truths is not None and not right:
            text += f"\nis: {short(truths[i], 18)}"
        if names is not None:
            style = {"fontsize": 6.5, "color": "#5f656e", "ha": "center", "va": "top", "in_layout": False}
            axis.text(0.5, -0.02, short(names[i], 34), transform=axis.transAxes, **style)
        axis.set_title(text, fontsize=9, color="black" if truths is None else _RIGHT if right else _WRONG)
    set_title(figure, title)
    return write_figure(figure, path)


def overview(rows: Mapping[str, Sequence[ImageArray]], path: Path, title: str = "") -> Path:
    """Draws a row of images for each class.

    Args:
        rows: images by label.
        path: PNG file to write.
        title: above the images.
    """

    most = max((len(images) for images in rows.values()), default=1) or 1
    step = _CELL + _GAP
    canvas = np.full((max(len(rows), 1) * step, most * step, 3), 255, np.uint8)
    for i, images in enumerate(rows.values()):
        for k, image in enumerate(images):
            cell = fitted(image, _CELL)
            y, x = (_CELL - cell.shape[0]) // 2, (_CELL - cell.shape[1]) // 2
            canvas[i * step + y :, k * step + x :][: cell.shape[0], : cell.shape[1]] = cell
    height, width = canvas.shape[:2]
    labels = [short(label, 24) for label in rows]
    left = 14 + 7 * max(map(len, labels), default=0)
    above = 30 if title else 8
    figure = new_figure((left + width + 8) / 100, (height + above + 8) / 100, dpi=100, layout=None)
    place = (left / (left + width + 8), 8 / (height + above + 8))
    axis = figure.add_axes((*place, width / (left + width + 8), height / (height + above + 8)))
    axis.imshow(canvas, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([i * step + _CELL / 2 for i in range(len(rows))], labels, fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if title:
        figure.text(
            8 / (left + width + 8), 1 - 18 / (height + above + 8), title, fontsize=11, fontweight="bold"
        )
    return write_figure(figure, path)


def fitted(image: ImageArray, side: int) -> ImageArray:
    """An image as RGB bytes whose longer side has so many pixels."""
    pixels = image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)
    pixels = (
        pixels[..., :_COLOURS] if pixels.shape[2] >= _COLOURS else np.repeat(pixels[..., :1], _COLOURS, 2)
    )
    scale = side / max(pixels.shape[:2])
    size = max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1)
    # Small images keep their pixels, large ones must not alias.
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, method))


def short(text: str, most: int) -> str:
    """A text cut in the middle, since names often differ at their ends.

    Example:
        >>> short("photos/cats/IMG_20240518_093012.jpg", 20)
        'photos/ca...3012.jpg'
    """
    if len(text) <= most:
        return text
    head = (most - 3 + 1) // 2
    return f"{text[:head]}...{text[len(text) - (most - 3 - head) :]}"
