"""The confusion matrix: what is taken for what, and the figures by class that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zoo.spec.display import FEW_ROWS, MOST_ROWS, Table, more


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


def per_class(
    truths: Tensor, answers: Tensor, labels: Sequence[str]
) -> tuple[dict[str, Any], list[list[int]]]:
    """Precision, recall, F1 and number of images by label, and the confusion matrix.

    Args:
        truths: N class indices.
        answers: N class indices.
        labels: names by index.

    Example:
        >>> per_class(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), ["a", "b"])[1]
        [[1, 1], [0, 1]]
    """
    count = len(labels)
    # A number for each cell of the K x K table
    confusion = torch.bincount(truths * count + answers, minlength=count * count).view(count, count)
    rows = rows_by_class(labels, confusion.diagonal(), confusion.sum(dim=0), confusion.sum(dim=1))
    return rows, confusion.tolist()


def rows_by_class(labels: Sequence[str], hits: Tensor, answered: Tensor, true: Tensor) -> dict[str, Any]:
    """Precision, recall, F1 and number of images by label; 0 where undefined.

    Args:
        labels: K names.
        hits: K numbers of right answers.
        answered: K numbers of answers.
        true: K numbers of images.

    Example:
        >>> rows = rows_by_class(["a"], *torch.tensor([[1], [2], [4]]))
        >>> rows["a"]["precision"], rows["a"]["recall"], rows["a"]["images"]
        (0.5, 0.25, 4)
    """
    hits = hits.double()
    # Where nothing was answered, or nothing is true, there are no hits: 0 / 1.
    precision, recall = hits / answered.clamp(min=1), hits / true.clamp(min=1)
    # 2PR / (P + R), in counts: P and R may be undefined.
    f1 = 2 * hits / (answered + true).clamp(min=1)
    return {
        label: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "images": int(true[i]),
        }
        for i, label in enumerate(labels)
    }


def by_class(
    labels: Sequence[str], per_class: Mapping[str, Mapping[str, float]], confusion: Sequence[Sequence[int]]
) -> tuple[Table | Confusion, ...]:
    """Tables of figures by class, and of what is taken for what.

    Args:
        labels: names of the classes.
        per_class: figures by class.
        confusion: K x K counts; rows are the truth.
    """
    return class_table(per_class), Confusion(labels, confusion)


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
