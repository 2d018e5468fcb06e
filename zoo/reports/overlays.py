"""Marks over images: what was answered beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from zoo.images.decode import ImageArray
from zoo.interfaces.tasks.descriptions import Overlays
from zoo.reports.files import write_figure
from zoo.reports.image_grids import COLOURS, marked, overlay
from zoo.reports.plots import short
from zoo.reports.style import new_figure, set_title

_MOST_DRAWN, _MOST_NAMED = 12, 31
_COLUMNS = 3


def overlays(images: Sequence[ImageArray], drawing: Overlays, path: Path, title: str = "") -> Path:
    """Draws images, each with the truth over it and with the answer, and a legend of the colours of masks.

    Args:
        images: H x W x C each, uint8 or float32 in [0, 1].
        drawing: what lies over each of them; the first twelve are drawn.
        path: PNG file to write.
        title: above the images.
    """
    from matplotlib.patches import Patch

    shown = drawing.items[:_MOST_DRAWN]
    side = min(2, len(shown))
    lines = -(-len(shown) // side)
    size = (1.6 * _COLUMNS * side + 0.1, 1.85 * lines + 0.8)
    figure = new_figure(*size)
    axes = np.ravel(figure.subplots(lines, _COLUMNS * side, squeeze=False))
    for axis in axes:
        axis.axis("off")
    for i, (image, item) in enumerate(zip(images, shown, strict=False)):
        assert item.right is not None and item.answer is not None  # noqa: S101 - both have marks
        whole = torch.ones(image.shape[:2], dtype=torch.int64)
        gray = overlay(image, whole, share=0)  # marks alone have colours
        drawn = (overlay(image, 0 * whole), marked(gray, item.right), marked(gray, item.answer))
        said = f"{drawing.score} {item.score:.2f}" if drawing.score and item.score is not None else item.label
        words = (short(item.name, 22), "truth", f"answer, {said}")
        for axis, pixels, text in zip(axes[_COLUMNS * i :], drawn, words, strict=False):
            axis.imshow(pixels)
            axis.set_title(text, fontsize=8)
    if any(item.answer is not None and item.answer.mask is not None for item in shown):
        named = [*enumerate(drawing.labels)][1:_MOST_NAMED]
        patches = [Patch(facecolor=COLOURS[i] / 255, label=short(label, 24)) for i, label in named]
        figure.legend(handles=patches, loc="outside lower left", ncols=6, fontsize=8, frameon=False)
    set_title(figure, title)
    return write_figure(figure, path)
