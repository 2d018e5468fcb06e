"""Descriptions of drawings, which tasks return; free of anything that draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from zoo.interfaces.tasks.confusion import Confusion
from zoo.spec.display import FEW_ROWS, Table


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Marks that lie over an image.

    Args:
        mask: H x W class indices; class 0 leaves the image as it is. A mask of another size is laid over the
            whole image.
        points: K x 2 places (x, y) in pixels, counted from the middle of the upper left pixel.
        lines: pairs of numbers of points that are joined.
        size: height and width of the image whose pixels `points` are counted in; None means the image itself.
    """

    mask: Tensor | None = None
    points: Tensor | None = None
    lines: tuple[tuple[int, int], ...] = ()
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One image that a model is wrong about.

    Args:
        index: of the image in its data set.
        name: of the image.
        label: what the model says: a class, labels joined by a comma, values, or how far off it is.
        score: probability of the label in [0, 1], or another score; None where there is none.
        truth: what is right, in the same words.
        answer: what the model says, as marks over the image.
        right: what is right, as marks over the image.
    """

    index: int
    name: str
    label: str
    score: float | None
    truth: str
    answer: Overlay | None = field(default=None, compare=False)
    right: Overlay | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without index and marks."""
        return {"name": self.name, "label": self.label, "score": self.score, "truth": self.truth}


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Predicted against true values, a plot for each value.

    Args:
        truths: N x K.
        answers: N x K.
        labels: K names.
    """

    truths: Tensor
    answers: Tensor
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Mark:
    """One marked point of a curve.

    Args:
        x: where.
        y: where.
        words: said of it, in its colour.
        hollow: drawn as an open square instead of a filled circle.
    """

    x: float
    y: float
    words: str
    hollow: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line through points.

    Args:
        x: N values.
        y: N values.
        title: above it.
        x_label: below the horizontal axis.
        y_label: beside the vertical axis.
        marks: points that stand out.
        diagonal: whether a dotted line from (0, 0) to (1, 1) shows chance.
    """

    x: Tensor
    y: Tensor
    title: str
    x_label: str
    y_label: str
    marks: tuple[Mark, ...] = ()
    diagonal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Distribution of values, in one or more groups.

    Args:
        groups: values by the words for them; each group is drawn as shares of its own number.
        title: above it.
        x_label: below the horizontal axis.
        y_label: beside the vertical axis.
        line: a value that is marked; None for none.
    """

    groups: Mapping[str, Tensor]
    title: str
    x_label: str
    y_label: str
    line: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ImageGrid:
    """Images in rows, one column a title.

    Args:
        columns: images N x C x H x W in [0, 1] by title, the same N in each; a single column without a
            title is laid out as a square.
        title: above all.
    """

    columns: Mapping[str, Tensor]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """Images of a data set by number, each with what is said of it below.

    Args:
        items: what is said; the first ones are drawn.
        title: above all.
    """

    items: tuple[Mistake, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Overlays:
    """Images of a data set by number, each with the truth and with the answer laid over it.

    Args:
        items: with marks; the first ones are drawn.
        labels: names of the classes of masks.
        title: above all.
        score: word for the items' scores; empty where labels are shown in their place.
    """

    items: tuple[Mistake, ...]
    labels: Sequence[str] = ()
    title: str = ""
    score: str = ""


Panel = Curve | Histogram
Drawing = Confusion | Scatter | Panel | tuple[Panel, ...] | ImageGrid | Examples | Overlays
"""What a file with an image is drawn from; panels stand side by side."""


def worst_table(worst: Sequence[Mistake], score: str = "SCORE") -> Table:
    """The first mistakes: name, answer, score where there is one, and truth.

    Args:
        worst: one or more.
        score: what the scores are called.
    """
    shown = worst[:FEW_ROWS]
    if all(item.score is None for item in shown):
        plain = [[item.name, item.label, item.truth] for item in shown]
        return Table(["WORST MISTAKES", "ANSWER", "TRUTH"], plain)
    rows = [
        [item.name, item.label, "" if item.score is None else f"{item.score:.1%}", item.truth]
        for item in shown
    ]
    return Table(["WORST MISTAKES", "ANSWER", score, "TRUTH"], rows, right=[2])


def error_table(worst: Sequence[Mistake], words: str) -> Table:
    """The first images that are furthest off: name, and how far.

    Args:
        worst: one or more, whose labels say how far.
        words: heading of that column.
    """
    return Table(["WORST IMAGES", words], [[item.name, item.label] for item in worst[:FEW_ROWS]], [1])
