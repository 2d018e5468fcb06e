"""Result of an evaluation: typed figures that people can read too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from zoo.interfaces.tasks.analysis import Findings
from zoo.interfaces.tasks.confusion import Confusion
from zoo.interfaces.tasks.descriptions import Mistake
from zoo.spec.display import MOST_ROWS, Table, counted, html_page
from zoo.spec.errors import listing

_MOST_COLUMNS = 12
"""Columns of a confusion matrix in text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The data that an evaluation was made on.

    Args:
        data: as a recipe calls them; None for an object.
        split: `train`, `val`, `test` or `all`.
        count: number of images.
        hash: digest of which image is in which split; see `zoo.data.splits.Splits`.
        options: what else the figures depend on, as plain data: `seed` of the split, `size` of the images as
            the model was given them, and whether they were cropped to it.
        classes: of the model, those that the data have; empty where they have all of them, or none are told.
        looks: how often the model was measured on this test split, this time included; one that was chosen by
            earlier looks is better there than on images that nobody has looked at.
    """

    data: str | Mapping[str, Any] | None
    split: str
    count: int
    hash: str
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    looks: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        classes = {"classes": list(self.classes)} if self.classes else {}
        told = {"options": dict(self.options), "looks": self.looks}
        return {**self.kept, "split": self.split, **told, **classes}

    @property
    def kept(self) -> dict[str, Any]:
        """Data, count and hash, as a model keeps them beside its figures; see `Model.measured`."""
        data = dict(self.data) if isinstance(self.data, Mapping) else self.data
        return {"data": data, "count": self.count, "hash": self.hash}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evaluation:
    """Figures of a model on a split of data; `print` it.

    Args:
        on: what was measured on.
        metrics: loss and metrics by name.
        left_out: why figures that were asked for are not defined for these data, by name.
        constant: metrics of the best answer that is the same for all images, chosen on the training images.
        labels: names of the classes, where figures are told by class.
        per_class: figures by class or label, with the number of its images or pixels.
        confusion: where an image has one class, K x K counts; rows are the truth, columns the answer.
        worst: the images that the model is most wrong about, the worst first.
        more: further tables of the task, by name, as plain data.
        tables: what is shown besides the metrics.

    Example:
        >>> on = Measured(data=None, split="test", count=30, hash="")
        >>> found = Evaluation(on=on, metrics={"loss": 0.25})
        >>> found
        test split, 30 images
        loss  0.2500
        >>> found.metrics["loss"], found.to_dict()["images"]
        (0.25, 30)
    """

    on: Measured
    metrics: Mapping[str, float]
    left_out: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, float] = field(default_factory=dict)
    labels: Sequence[str] = ()
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] | None = None
    worst: tuple[Mistake, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[Table | Confusion, ...] = field(default=(), compare=False)

    @classmethod
    def of(
        cls,
        on: Measured,
        metrics: Mapping[str, float],
        found: Findings,
        left_out: Mapping[str, str] = MappingProxyType({}),
        constant: Mapping[str, float] = MappingProxyType({}),
    ) -> Evaluation:
        """Figures, with what a task's error analysis found.

        Args:
            on: what was measured on.
            metrics: loss and metrics by name.
            found: its metrics are among these already.
            left_out: why figures that were asked for are not defined, by name.
            constant: metrics of the answer that is the same for all images.
        """
        on = replace(on, classes=_some(found))
        return cls(
            on=on, metrics=metrics, left_out=left_out, constant=constant, labels=found.labels,
            per_class=found.per_class, confusion=found.confusion, worst=found.worst, more=found.more,
            tables=found.tables,
        )  # fmt: skip

    def __getitem__(self, name: str) -> Any:
        """Says where a figure is: an evaluation is no dictionary.

        Raises:
            TypeError: always.
        """
        # Else Python would say that it is not subscriptable, and not where the figure is
        raise TypeError(f"an Evaluation is no dictionary: say .metrics[{name!r}], or .to_dict()[{name!r}]")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: what `metrics.json` holds; parts that the task has not are left out."""
        parts = {
            "labels": list(self.labels),
            "confusion": None if self.confusion is None else [list(row) for row in self.confusion],
            "per_class": {label: dict(row) for label, row in self.per_class.items()},
            "left_out": dict(self.left_out),
            "constant": dict(self.constant),
        }
        return {
            "split": self.on.split,
            "images": self.on.count,
            **self.metrics,
            **{name: value for name, value in parts.items() if value},
            "worst": [mistake.to_dict() for mistake in self.worst],
            **self.more,
            "on": self.on.to_dict(),
        }

    def __repr__(self) -> str:
        width = max(map(len, ("", *self.metrics, *self.left_out)))
        lines = [self.headline, *(f"{name:<{width}}  {value}" for name, value in self._numbers())]
        lines += filter(None, [self._beside()])
        for part in self._tables(_MOST_COLUMNS):
            lines += ["", part.text()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        numbers = Table(["FIGURE", "VALUE"], self._numbers(), right=[1])
        beside = [text] if (text := self._beside()) else []
        return html_page(
            self.headline, numbers.html(), *beside, *(part.html() for part in self._tables(MOST_ROWS))
        )

    @property
    def headline(self) -> str:
        """Split and number of images, in words."""
        line = f"{self.on.split} split, {counted(self.on.count, 'image')}"
        if some := self.on.classes:
            of = counted(len(self.labels), "class", "classes")
            line += f" of {len(some)} of {of} ({listing(map(str, some), 6)})"
        line += f", look {self.on.looks} at it" * (self.on.looks > 1)
        return f"{line}, {self.more['samples']} generated" if "samples" in self.more else line

    def _beside(self) -> str:
        """The figures that a model must beat; empty where there are none."""
        figures = "  ".join(f"{name} {value:.4f}" for name, value in self.constant.items())
        return f"the same answer to every image: {figures}" if figures else ""

    def _numbers(self) -> list[list[str]]:
        numbers = [[name, f"{value:.4f}"] for name, value in self.metrics.items()]
        return [*numbers, *([name, f"left out: {reason}"] for name, reason in self.left_out.items())]

    def _tables(self, columns: int) -> Iterator[Table]:
        """Tables besides the numbers; of a confusion matrix with more columns, the commonest mistakes."""
        for part in self.tables:
            # A terminal has room for fewer columns than a page
            yield from part.tables(columns) if isinstance(part, Confusion) else (part,)


def _some(found: Findings) -> tuple[str, ...]:
    """The classes that the data have; nothing where they have all of them."""
    counts = {label: row.get("images", row.get("pixels", 1)) for label, row in found.per_class.items()}
    return tuple(label for label, count in counts.items() if count) if 0 in counts.values() else ()
