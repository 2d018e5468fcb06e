"""The one style of figures: colours, titles, frames. Matplotlib is imported when a figure is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, RED = "#1f5fbf", "#c76a00", "#1b7f3b", "#7a3fb0", "#c0271d"
GRAY, FAINT, GRID = "#8a8f98", "#b9bec6", "#e6e8eb"
"""Of what is in the background: lines to compare with, frames and help lines, the grid."""


def new_figure(
    width: float, height: float, *, dpi: int = 120, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty figure that belongs to no window.

    Args:
        width: in inches.
        height: in inches.
        dpi: pixels an inch.
        layout: None where axes are placed to the pixel.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=dpi, layout=layout)


def set_title(figure: Figure, text: str, size: float = 11) -> None:
    """Writes a title above all of a figure, in bold and from its left edge; nothing for an empty text.

    Args:
        figure: to write on.
        text: the title.
        size: in points.
    """
    if text:
        figure.suptitle(text, fontsize=size, x=0.01, ha="left", fontweight="bold")


def open_frame(axis: Axes) -> None:
    """Leaves a plot the two lines of its frame that carry numbers."""
    axis.spines[["top", "right"]].set_visible(False)
