"""What `evaluate` gives back: a dictionary that people can read too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo.spec.display import Table, html_page, more

_MOST_CLASSES = 20
"""Classes up to which every one is shown."""
_MOST_COLUMNS = 12
"""The same of a confusion matrix in text."""
_MOST_MISTAKES = 5


class Evaluated(dict[str, Any]):
    """Figures of a split by name; `print` it. Otherwise a dictionary like any other, ready for JSON.

    Example:
        >>> Evaluated({"split": "test", "pictures": 30, "loss": 0.25})
        test split, 30 pictures
        loss  0.2500
    """

    def __repr__(self) -> str:
        return describe(self)

    def _repr_html_(self) -> str:
        numbers = Table(["FIGURE", "VALUE"], _numbers(self), right=[1])
        return html_page(_headline(self), *(part.html() for part in (numbers, *_tables(self, _MOST_CLASSES))))


def describe(figures: Mapping[str, Any]) -> str:
    """The figures as tables for people.

    Example:
        >>> print(describe({"split": "test", "pictures": 30, "loss": 0.25}))
        test split, 30 pictures
        loss  0.2500
    """
    numbers = _numbers(figures)
    width = max((len(name) for name, _ in numbers), default=0)
    lines = [_headline(figures), *(f"{name:<{width}}  {value}" for name, value in numbers)]
    for part in _tables(figures, _MOST_COLUMNS):
        lines += ["", part.text()]
    return "\n".join(lines)


def _headline(figures: Mapping[str, Any]) -> str:
    line = f"{figures.get('split', 'no')} split, {figures.get('pictures', 0)} pictures"
    return f"{line}, {figures['samples']} generated" if "samples" in figures else line


def _numbers(figures: Mapping[str, Any]) -> list[list[str]]:
    return [[name, f"{value:.4f}"] for name, value in figures.items() if isinstance(value, float)]


def _tables(figures: Mapping[str, Any], columns: int) -> Iterator[Table]:
    """What there is besides numbers; a confusion matrix up to so many columns."""
    if "classes" in figures:
        shares = sorted(figures["classes"].items(), key=lambda item: -item[1])
        shares = [*figures["classes"].items()] if len(shares) <= _MOST_CLASSES else shares[:_MOST_CLASSES]
        rows = [[label, f"{share:.1%}"] for label, share in shares]
        below = more(len(figures["classes"]), len(rows), "classes")
        yield Table(["TAKEN FOR", "SHARE"], rows, right=[1], below=below)
    if figures.get("rates"):
        rows = [
            [f"{row['false_accepts']:.1%}", f"{row['threshold']:.3f}", f"{row['true_accepts']:.1%}"]
            for row in figures["rates"]
        ]
        yield Table(["FALSE ACCEPTS", "THRESHOLD", "TRUE ACCEPTS"], rows, right=[0, 1, 2])
    if figures.get("per_class"):
        yield _classes(figures["per_class"])
    if "confusion" in figures:
        yield from _confusion(figures["confusion"], figures.get("labels", []), columns)
    if figures.get("worst"):
        yield _worst(figures)


def _classes(per_class: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each class; of very many classes those with the lowest figures."""
    names = [*next(iter(per_class.values()))]
    chosen, below = [*per_class.items()], ""
    if len(chosen) > _MOST_CLASSES:
        by = "f1" if "f1" in names else names[0]
        measured = [item for item in chosen if item[1].get("pictures", 1)]  # of no image is no figure
        chosen = sorted(measured, key=lambda item: item[1][by])[:_MOST_MISTAKES]
        below = f"the lowest {by}, {more(len(per_class), len(chosen), 'classes')}"
    rows = [
        [label, *(f"{v:.3f}" if isinstance(v, float) else f"{v:,}" for v in row.values())]
        for label, row in chosen
    ]
    return Table(["CLASS", *map(str.upper, names)], rows, range(1, len(names) + 1), below)


def _confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], columns: int) -> Iterator[Table]:
    """The matrix, or of more classes than columns the commonest mistakes."""
    if len(labels) <= columns:
        totals = [max(sum(row), 1) for row in matrix]
        shades = [[n / total for n in row] for row, total in zip(matrix, totals, strict=True)]
        rows = [[label, *row] for label, row in zip(labels, matrix, strict=True)]
        yield Table(["TRUTH \\ ANSWER", *labels], rows, range(1, len(labels) + 1), shades=shades)
        return
    wrong = [(n, i, k) for i, row in enumerate(matrix) for k, n in enumerate(row) if n and i != k]
    if wrong:
        wrong.sort(key=lambda item: -item[0])
        rows = [[labels[i], labels[k], str(n)] for n, i, k in wrong[:_MOST_MISTAKES]]
        yield Table(["COMMONEST MISTAKES", "ANSWER", "PICTURES"], rows, right=[2])


def _worst(figures: Mapping[str, Any]) -> Table:
    worst = figures["worst"][:_MOST_MISTAKES]
    if "psnr" in figures:  # the answer is an image
        return Table(["WORST PICTURES", "PSNR"], [[item["name"], item["label"]] for item in worst], [1])
    rows = [
        [item["name"], item["label"], "" if item["score"] is None else f"{item['score']:.1%}", item["truth"]]
        for item in worst
    ]
    score = "IOU" if "iou" in figures else "SCORE"
    return Table(["WORST MISTAKES", "ANSWER", score, "TRUTH"], rows, right=[2])
