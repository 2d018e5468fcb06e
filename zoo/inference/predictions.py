"""Result of `zoo.predict`: a prediction an image."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

from PIL import Image
from torch import Tensor

from zoo.images.decode import ImageArray, decode
from zoo.interfaces.tasks.descriptions import Overlay
from zoo.reports.image_grids import marked
from zoo.reports.plots import fitted
from zoo.spec.display import Markup, html_bar, html_image, html_page, html_table, more, table
from zoo.spec.errors import ZooError

THUMBNAIL = 96
"""Pixels of the longer side."""
_IN_A_LIST = 48
"""The same where there are many."""

MOST_SHOWN = 20
"""Images that a list of predictions prints."""

_MOST_CLASSES = 5


@dataclass(frozen=True, slots=True, repr=False)
class Predicted:
    """Prediction for one image, with its name and truth; `print` it.

    Args:
        source: the file's path, or the image's number.
        label: name of the class, several names joined by a comma, or the value as text.
        score: probability of the label in [0, 1]; None where the task has none.
        scores: probability by class, value by target, share of the pixels by class.
        mask: H x W class indices, where each pixel has a class.
        image: C x H x W in [0, 1], where the answer is an image.
        thumbnail: the image made small, to be shown in a notebook; None where it is read from its file.
        overlay: what is laid over the image beside a mask, such as points in the pixels of the image.
        details: what else the task says, by name, as plain data.
    """

    source: str
    label: str
    score: float | None
    scores: dict[str, float]
    mask: Tensor | None = None
    image: Tensor | None = None
    thumbnail: ImageArray | None = field(default=None, compare=False)
    overlay: Overlay | None = field(default=None, compare=False)
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without mask and image."""
        return {name: getattr(self, name) for name in ("source", "label", "score", "scores")} | dict(
            self.details
        )

    @property
    def marks(self) -> Overlay | None:
        """Marks to lay over the image: the mask, or others; None for nothing."""
        return self.overlay if self.mask is None else Overlay(mask=self.mask)

    def top(self, count: int) -> dict[str, float]:
        """The `count` largest scores, the largest first.

        Example:
            >>> Predicted("a.png", "cat", 0.7, {"dog": 0.1, "cat": 0.7, "cow": 0.2}).top(2)
            {'cat': 0.7, 'cow': 0.2}
        """
        return dict(sorted(self.scores.items(), key=lambda item: -item[1])[:count])

    @property
    def shares(self) -> bool:
        """Whether the scores are shares of a whole or probabilities, not values."""
        return self.score is not None or self.mask is not None

    def __repr__(self) -> str:
        """The source and the five best classes.

        Example:
            >>> Predicted("a.png", "cat", 0.7, {"dog": 0.1, "cat": 0.7, "cow": 0.2})
            a.png: cat 70.0%, cow 20.0%, dog 10.0%
        """
        best = self.top(_MOST_CLASSES)
        words = [f"{label} {number(value, self.shares)}" for label, value in best.items()]
        words += filter(None, [more(len(self.scores), len(best))])
        said = f"{self.label} {number(self.score, True)}".rstrip()
        # The answer is the best class, so that it is not said twice.
        if best and next(iter(best)) == self.label:
            return f"{self.source}: {', '.join(words)}"
        return f"{self.source}: {said} ({', '.join(words)})" if words else f"{self.source}: {said}"

    def _repr_html_(self) -> str:
        best = self.top(_MOST_CLASSES)
        rows = [
            [label, html_bar(value) if self.shares else "", number(value, self.shares)]
            for label, value in best.items()
        ]
        said = f"{self.label} {number(self.score, True)}".rstrip()
        shown = html_table(rows, ["class" if self.shares else "value", "", ""], right=[2]) if rows else ""
        below = more(len(self.scores), len(best), "classes")
        return html_page(f"{self.source}: {said}", _image(self, THUMBNAIL), shown, below)


class Predictions(list[Predicted]):
    """Predictions in the order of their images; prints as a table, cut after twenty."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Predicted: ...

    @overload
    def __getitem__(self, index: slice, /) -> Predictions: ...

    def __getitem__(self, index: SupportsIndex | slice, /) -> Predicted | Predictions:
        # A list's slice would be a plain list, and print whole.
        found = super().__getitem__(index)
        return Predictions(found) if isinstance(found, list) else found

    def __repr__(self) -> str:
        below = more(len(self), MOST_SHOWN, "images")
        return "\n".join(filter(None, [describe(self[:MOST_SHOWN]), below]))

    def _repr_html_(self) -> str:
        rows = [
            [
                _image(item, _IN_A_LIST),
                item.source,
                item.label,
                html_bar(item.score) if item.score is not None else "",
                number(item.score, True),
            ]
            for item in self[:MOST_SHOWN]
        ]
        shown = html_table(rows, ["", "image", "label", "score", ""], right=[4])
        return html_page("", shown, more(len(self), MOST_SHOWN, "images"))


def describe(found: Sequence[Predicted], top: int = 1) -> str:
    """Predictions as a table for people.

    Args:
        found: the predictions.
        top: classes to show of each.

    Example:
        >>> item = Predicted("a.png", "cat", 0.7, {"dog": 0.1, "cat": 0.7, "cow": 0.2})
        >>> print(describe([item], 2))
        IMAGE  LABEL  SCORE
        a.png  cat    70.0%
               cow    20.0%
        >>> print(describe([Predicted("a.png", "48.7", None, {"age": 48.7})]))
        IMAGE  age
        a.png  48.7
        >>> print(describe([Predicted("a.png", "48.7, 1.8", None, {"age": 48.7, "height": 1.8})]))
        IMAGE   age  height
        a.png  48.7     1.8
    """
    rows: list[list[str]] = []
    for item in found:
        rows.append([item.source, item.label, number(item.score, True)])
        if top > 1:
            best = [
                ["", label, number(v, item.shares)]
                for label, v in item.top(top).items()
                if v or not item.shares
            ]
            # Where the answer is the best class, it is not said twice.
            rows += best[1:] if best and best[0][1] == item.label else best
    # Values have no score, and one value alone is called by its column
    if rows and not any(row[2] for row in rows):
        called = {tuple(item.scores) for item in found}
        (names,) = called if len(called) == 1 else [()]
        values = [[number(value, False) for value in item.scores.values()] for item in found]
        if len(names) > 1 and all(i.label == ", ".join(v) for i, v in zip(found, values, strict=True)):
            sources = [item.source for item in found]
            rows = [[source, *of] for source, of in zip(sources, values, strict=True)]
            return table(rows, ["IMAGE", *names], right=range(1, len(names) + 1))
        return table([row[:2] for row in rows], ["IMAGE", names[0] if len(names) == 1 else "LABEL"])
    return table(rows, ["IMAGE", "LABEL", "SCORE"], right=[2])


def number(value: float | None, share: bool) -> str:
    """A share in per cent, a value as it is, nothing for None.

    Example:
        >>> number(0.25, True), number(3.14159, False), number(None, True)
        ('25.0%', '3.142', '')
    """
    return "" if value is None else f"{value:.1%}" if share else f"{value:.4g}"


def _image(item: Predicted, side: int) -> Markup | str:
    """The image made small, under its mask if there is one; nothing where its file is gone."""
    pixels = item.thumbnail
    if item.image is not None:
        pixels = item.image.detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    elif pixels is None and Path(item.source).is_file():
        # A file may have changed since; the table is shown without its image.
        with suppress(ZooError):
            pixels = decode(Path(item.source))
    if pixels is None:
        return ""
    # Always of this size, so that marks look alike; a list shows it smaller.
    small = fitted(pixels, THUMBNAIL)
    if item.marks is not None:
        small = marked(small, item.marks)
    file = io.BytesIO()
    Image.fromarray(small).save(file, format="PNG")
    return html_image(file.getvalue(), item.source, pixels=side)
