"""Masks over pictures: what was answered beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from zoo.interfaces.dataset import Sample
from zoo.training.answers import Mistake
from zoo.training.plots import short, write_figure
from zoo.training.sheets import COLOURS, overlay

_MOST_DRAWN, _MOST_NAMED = 12, 31
_COLUMNS = 3


def overlays(
    rows: Sequence[tuple[Sample, Mistake]], labels: Sequence[str], path: Path, title: str = ""
) -> Path:
    """Draws pictures, each with the true mask over it and with the answer, and a legend of the colours.

    Args:
        rows: samples with masks, and what was answered; the first twelve are drawn.
        labels: names of the classes.
        path: PNG file to write.
        title: above the pictures.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = rows[:_MOST_DRAWN]
    side = min(2, len(shown))
    lines = -(-len(shown) // side)
    size = (1.6 * _COLUMNS * side + 0.1, 1.85 * lines + 0.8)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    axes = np.ravel(figure.subplots(lines, _COLUMNS * side, squeeze=False))
    for axis in axes:
        axis.axis("off")
    for i, (sample, mistake) in enumerate(shown):
        assert sample.mask is not None and mistake.mask is not None  # noqa: S101 - both have one
        truth = torch.from_numpy(sample.mask)
        gray = overlay(sample.picture, torch.ones_like(truth), share=0)  # masks alone have colours
        drawn = (
            overlay(sample.picture, torch.zeros_like(truth)),
            overlay(gray, truth),
            overlay(gray, mistake.mask),
        )
        words = (short(mistake.name, 22), "truth", f"answer, IoU {mistake.score:.2f}")
        for axis, picture, text in zip(axes[_COLUMNS * i :], drawn, words, strict=False):
            axis.imshow(picture)
            axis.set_title(text, fontsize=8)
    named = [*enumerate(labels)][1:_MOST_NAMED]
    patches = [Patch(facecolor=COLOURS[i] / 255, label=short(label, 24)) for i, label in named]
    figure.legend(handles=patches, loc="outside lower left", ncols=6, fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return write_figure(figure, path)
