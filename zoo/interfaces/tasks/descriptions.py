"""Descriptions of drawings, which tasks return; free of anything that draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from zoo.spec.display import Table, more

MOST_ROWS = 20
"""Classes up to which every one is shown in a table."""

FEW_ROWS = 5
"""Rows that are shown of more than that, and of mistakes."""


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


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion matrix.

    Args:
        labels: K names.
        matrix: K x K counts; rows are the truth, columns the answer.
    """

    labels: Sequence[str]
    matrix: Sequence[Sequence[int]]

    def tables(self, columns: int) -> Iterator[Table]:
        """The matrix, or the commonest mistakes of more classes than `columns`; none where there is none.

        Example:
            >>> (table,) = Confusion(["cat", "dog"], [[3, 1], [0, 4]]).tables(1)
            >>> print(table.text())
            COMMONEST MISTAKES  ANSWER  IMAGES
            cat                 dog          1
        """
        labels, matrix = self.labels, self.matrix
        if len(labels) <= columns:
            # A class that no image has is a row of zeros
            totals = [max(sum(row), 1) for row in matrix]
            shades = [[n / total for n in row] for row, total in zip(matrix, totals, strict=True)]
            rows = [[label, *row] for label, row in zip(labels, matrix, strict=True)]
            yield Table(["TRUTH \\ ANSWER", *labels], rows, range(1, len(labels) + 1), shades=shades)
            return
        wrong = [(n, i, k) for i, row in enumerate(matrix) for k, n in enumerate(row) if n and i != k]
        if wrong:
            wrong.sort(key=lambda item: -item[0])
            rows = [[labels[i], labels[k], str(n)] for n, i, k in wrong[:FEW_ROWS]]
            yield Table(["COMMONEST MISTAKES", "ANSWER", "IMAGES"], rows, right=[2])


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


def class_table(per_class: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each class; of very many classes those with the lowest figures.

    Args:
        per_class: figures by class; `images`, where it is there, is their number, and a class without any
            has no figures.

    Example:
        >>> print(class_table({"cat": {"recall": 0.5, "images": 2}}).text())
        CLASS  RECALL  IMAGES
        cat     0.500       2
    """
    names = [*next(iter(per_class.values()))]
    chosen, below = [*per_class.items()], ""
    if len(chosen) > MOST_ROWS:
        by = "f1" if "f1" in names else names[0]
        measured = [item for item in chosen if item[1].get("images", 1)]  # of no image is no figure
        chosen = sorted(measured, key=lambda item: item[1][by])[:FEW_ROWS]
        below = f"the lowest {by}, {more(len(per_class), len(chosen), 'classes')}"
    rows = [
        [label, *(f"{v:.3f}" if isinstance(v, float) else f"{v:,}" for v in row.values())]
        for label, row in chosen
    ]
    return Table(["CLASS", *map(str.upper, names)], rows, range(1, len(names) + 1), below)


def worst_table(worst: Sequence[Mistake], score: str = "SCORE") -> Table:
    """The first mistakes: name, answer, score and truth.

    Args:
        worst: one or more.
        score: what the scores are called.
    """
    rows = [
        [item.name, item.label, "" if item.score is None else f"{item.score:.1%}", item.truth]
        for item in worst[:FEW_ROWS]
    ]
    return Table(["WORST MISTAKES", "ANSWER", score, "TRUTH"], rows, right=[2])


def error_table(worst: Sequence[Mistake], words: str) -> Table:
    """The first images that are furthest off: name, and how far.

    Args:
        worst: one or more, whose labels say how far.
        words: heading of that column.
    """
    return Table(["WORST IMAGES", words], [[item.name, item.label] for item in worst[:FEW_ROWS]], [1])
