"""Figures of folds: those of each, their mean and spread, as a table and drawn."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.reports.files import write_figure
from zoo.reports.style import BLUE, GRAY, GRID, new_figure, open_frame, set_title
from zoo.spec.display import Table, counted, html_image, html_page
from zoo.spec.hints.next_steps import how_to_resume

FIGURE_FILE = "folds.png"
_MOST_COLUMNS = 5
_FEW = 30
"""Test images of a fold: of fewer a single one moves a share by more than three hundredths."""
_MOST_PANELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One fold of cross-validation: a run, measured once on images that it did not see.

    Args:
        number: from 1.
        folder: of the run, with its model.
        metrics: on the test images of the fold, of the best epoch.
        validation: of that epoch, on the validation images.
        images: number by split.
    """

    number: int
    folder: Path
    metrics: Mapping[str, float]
    validation: Mapping[str, float]
    images: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; the folder by its last part."""
        plain = {"metrics": dict(self.metrics), "validation": dict(self.validation)}
        return {"number": self.number, "folder": self.folder.name, **plain, "images": dict(self.images)}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Folds:
    """Folds of cross-validation; `print` them.

    Args:
        folder: holds a run for each fold, `folds.json` and `folds.png`.
        folds: that are trained and measured.
        count: of all.
        objects: parts that have to be given again where they go on.
        interrupted: whether the user stopped them; they can be resumed.

    Example:
        >>> one, two = ({"accuracy": value} for value in (0.8, 0.9))
        >>> known = {"validation": {}, "images": {"train": 6, "val": 2, "test": 8}}
        >>> folds = [Fold(number=n, folder=Path("f"), metrics=m, **known) for n, m in ((1, one), (2, two))]
        >>> found = Folds(folder=Path("runs/f"), folds=tuple(folds), count=2)
        >>> found
        2 folds, the images of each measured once by the run on the others
        FOLD    TRAIN  VAL  TEST  accuracy
        1           6    2     8    0.8000
        2           6    2     8    0.9000
        mean                        0.8500
        spread                      0.0707
        (spread: standard deviation over the folds)
        (a fold has 8 test images: one of them moves a share by 0.12)
        saved in runs/f
        >>> round(found.mean["accuracy"], 2), round(found.spread["accuracy"], 4)
        (0.85, 0.0707)
    """

    folder: Path
    folds: tuple[Fold, ...]
    count: int
    objects: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each figure that all folds define."""
        return {name: statistics.fmean(values) for name, values in self._values().items()}

    @property
    def spread(self) -> dict[str, float]:
        """Standard deviation over the folds (of a sample: divided by one less than their number)."""
        return {name: statistics.stdev(v) for name, v in self._values().items() if len(v) > 1}

    @property
    def left_out(self) -> dict[str, tuple[int, ...]]:
        """Figures that some folds define alone, with the numbers of those that do not."""
        names = dict.fromkeys(name for fold in self.folds for name in fold.metrics)
        lacking = {name: tuple(f.number for f in self.folds if name not in f.metrics) for name in names}
        return {name: numbers for name, numbers in lacking.items() if numbers}

    def _values(self) -> dict[str, list[float]]:
        first = self.folds[0].metrics if self.folds else {}
        shared = [name for name in first if all(name in fold.metrics for fold in self.folds)]
        return {name: [fold.metrics[name] for fold in self.folds] for name in shared}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        folds = [fold.to_dict() for fold in self.folds]
        return {
            "folder": str(self.folder), "count": self.count, "folds": folds, "mean": self.mean,
            "spread": self.spread, "left_out": {k: list(v) for k, v in self.left_out.items()},
            "interrupted": self.interrupted,
        }  # fmt: skip

    def __repr__(self) -> str:
        table = [self._table().text(), *self._below()] if self.folds else []
        return "\n".join([self._headline(), *table, *self._notes(), f"saved in {self.folder}"])

    def _repr_html_(self) -> str:
        parts: list[object] = [self._table().html(), *self._below()] if self.folds else []
        with suppress(OSError):  # nothing is drawn without matplotlib, and the folder may have moved
            parts.append(html_image((self.folder / FIGURE_FILE).read_bytes(), "figures of the folds"))
        return html_page(self._headline(), *parts, *self._notes(), f"saved in {self.folder}")

    def _headline(self) -> str:
        if len(self.folds) < self.count:
            return f"interrupted after {len(self.folds)} of {counted(self.count, 'fold')}"
        # Of folds in time the later ones learn from more images, of others all are of one size together
        if len({sum(fold.images.values()) for fold in self.folds}) > 1:
            return f"{counted(self.count, 'fold')} in time, each measured by the run on what came before it"
        return f"{counted(self.count, 'fold')}, the images of each measured once by the run on the others"

    def _table(self) -> Table:
        names = [*self._values()][:_MOST_COLUMNS]
        sides = ("train", "val", "test")
        rows: list[list[object]] = [
            [fold.number, *(fold.images[side] for side in sides), *(f"{fold.metrics[n]:.4f}" for n in names)]
            for fold in self.folds
        ]
        for word, figures in (("mean", self.mean), ("spread", self.spread)):
            if figures:
                rows.append([word, "", "", "", *(f"{figures[name]:.4f}" for name in names)])
        header = ["FOLD", *(side.upper() for side in sides), *names]
        return Table(header, rows, right=range(1, len(header)))

    def _below(self) -> list[str]:
        lines = ["(spread: standard deviation over the folds)"] if self.spread else []
        fewest = min((fold.images["test"] for fold in self.folds), default=_FEW)
        if fewest < _FEW:
            of = counted(fewest, "test image")
            lines.append(f"(a fold has {of}: one of them moves a share by {1 / max(fewest, 1):.2f})")
        if more := [*self._values()][_MOST_COLUMNS:]:
            lines.append(f"and {counted(len(more), 'figure')} more in folds.json")
        return [
            *lines,
            *(f"{n}: not defined in fold {', '.join(map(str, v))}" for n, v in self.left_out.items()),
        ]

    def _notes(self) -> list[str]:
        go_on = how_to_resume(self.folder, {"objects": self.objects})
        return [f"go on: {go_on}"] if self.interrupted else []


def draw_folds(folds: Folds, path: Path) -> Path:
    """Draws a point for each fold, their mean, and a band of their spread; loss and the first metrics."""
    names = [name for name in folds.mean if not name.startswith("loss_")][:_MOST_PANELS]
    figure = new_figure(3.6 * len(names), 3.4)
    axes: Sequence[Any] = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        numbers = [fold.number for fold in folds.folds]
        mean, spread = folds.mean[name], folds.spread.get(name, 0.0)
        axis.axhspan(mean - spread, mean + spread, color=GRID, zorder=0)
        axis.axhline(mean, color=GRAY, linewidth=1.2)
        axis.plot(numbers, [fold.metrics[name] for fold in folds.folds], "o", color=BLUE, markersize=6)
        axis.set_title(f"{name}  {mean:.3f} ± {spread:.3f}", fontsize=10, loc="left")
        axis.set_xlabel("fold")
        axis.set_xticks(numbers)
        axis.margins(x=0.15)
        open_frame(axis)
    set_title(figure, f"{folds.folder.name}: mean and standard deviation over {counted(folds.count, 'fold')}")
    return write_figure(figure, path)
