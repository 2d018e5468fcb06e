"""What a model answered to each picture beside what is true: tables by class, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zoo.interfaces.tasks import Binary, Embedding, Multiclass, Multilabel, Ordinal, Regression, Task


@dataclass(frozen=True, slots=True)
class Mistake:
    """One picture that a model is wrong about.

    Args:
        index: of the picture in its data set.
        name: of the picture.
        label: what the model says: a class, labels joined by a comma, or values.
        score: probability of the label in [0, 1]; None for values; of a mask its IoU.
        truth: what is right, in the same words.
        mask: H x W class indices, where that is the answer.
    """

    index: int
    name: str
    label: str
    score: float | None
    truth: str
    mask: Tensor | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without index and mask."""
        return {"name": self.name, "label": self.label, "score": self.score, "truth": self.truth}


class Answers:
    """Collects outputs and targets, picture by picture.

    Args:
        task: how outputs are read.
        labels: names of the classes or values.
    """

    def __init__(self, task: Task, labels: Sequence[str]) -> None:
        self.task, self.labels = task, list(labels)
        self._columns: dict[str, list[Tensor]] = {}

    @property
    def understood(self) -> bool:
        """Whether tables and mistakes can be had for the task."""
        return isinstance(self.task, Binary | Multiclass | Ordinal | Multilabel | Regression)

    def add(self, output: Tensor, target: Tensor, index: Tensor) -> None:
        """Takes in a batch.

        Args:
            output: N x outputs.
            target: N class indices, N x outputs indicators or values.
            index: N numbers of pictures.
        """
        found: dict[str, Tensor]
        if isinstance(self.task, Embedding):
            found = {"answer": output.float(), "truth": target}
        elif not self.understood:
            return
        elif isinstance(self.task, Binary | Multiclass | Ordinal):
            table = self.task.probabilities(output.float())
            found = {
                "answer": table.argmax(dim=1),
                "score": table.amax(dim=1),
                "belief": table.gather(1, target.view(-1, 1)).squeeze(1),  # in what is true
                "truth": target,
            }
        else:
            likely = self.task.probabilities(output.float())
            answer = output.float() if likely is None else likely
            found = {"answer": answer, "truth": target.reshape(answer.shape).float()}
        for name, values in {**found, "index": index}.items():
            self._columns.setdefault(name, []).append(values.detach().cpu())

    def column(self, name: str) -> Tensor:
        """`answer`, `truth` or `index` of all pictures: class indices, probabilities, values, vectors."""
        return torch.cat(self._columns[name])

    def tables(self) -> dict[str, Any]:
        """`labels` and `per_class`; where a picture has one class, `confusion` too; nothing for values."""
        if not self.understood or isinstance(self.task, Regression):
            return {}
        truth, answer = self.column("truth"), self.column("answer")
        if isinstance(self.task, Multilabel):
            chosen, right = answer >= 0.5, truth >= 0.5
            rows = _rows(self.labels, (chosen & right).sum(0), chosen.sum(0), right.sum(0))
            return {"labels": self.labels, "per_class": rows}
        return per_class(truth, answer, self.labels)

    def worst(self, most: int, names: Callable[[int], str]) -> list[Mistake]:
        """The pictures that the model is most surely wrong about; of values, the largest errors.

        Args:
            most: how many at most.
            names: gives the name of a picture by its number.
        """
        if not self.understood:
            return []
        truth, answer = self.column("truth"), self.column("answer")
        if isinstance(self.task, Multilabel):
            belief = torch.where(truth >= 0.5, answer, 1 - answer)
            wrong, badness = (belief < 0.5).any(dim=1), -belief.clamp(min=1e-12).log().mean(dim=1)
        elif isinstance(self.task, Regression):
            spread = truth.std(dim=0, correction=0).clamp(min=1e-12)
            badness = ((answer - truth).abs() / spread).amax(dim=1)
            wrong = torch.ones_like(badness, dtype=torch.bool)
        else:
            wrong, badness = answer != truth, -self.column("belief")
        order = torch.argsort(badness, descending=True, stable=True)
        return [self._mistake(i, names) for i in order[wrong[order]][:most].tolist()]

    def _mistake(self, i: int, names: Callable[[int], str]) -> Mistake:
        index = int(self.column("index")[i])
        truth, answer = self.column("truth")[i], self.column("answer")[i]
        if isinstance(self.task, Multilabel):
            chosen = answer >= 0.5
            score = float(torch.where(chosen, answer, 1 - answer).min())
            return Mistake(index, names(index), self._several(chosen), score, self._several(truth >= 0.5))
        if isinstance(self.task, Regression):
            said, right = (", ".join(f"{v:.4g}" for v in row.tolist()) for row in (answer, truth))
            return Mistake(index, names(index), said, None, right)
        score = float(self.column("score")[i])
        return Mistake(index, names(index), self.labels[int(answer)], score, self.labels[int(truth)])

    def _several(self, chosen: Tensor) -> str:
        return ", ".join(self.labels[k] for k in chosen.nonzero().flatten().tolist()) or "none"


def per_class(truths: Tensor, answers: Tensor, labels: list[str]) -> dict[str, Any]:
    """Confusion matrix, and precision, recall, F1 and pictures by label.

    Args:
        truths: N class indices.
        answers: N class indices.
        labels: names by index.

    Example:
        >>> per_class(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), ["a", "b"])["confusion"]
        [[1, 1], [0, 1]]
    """
    count = len(labels)
    confusion = torch.bincount(truths * count + answers, minlength=count * count).view(count, count)
    rows = _rows(labels, confusion.diagonal(), confusion.sum(dim=0), confusion.sum(dim=1))
    return {"labels": labels, "confusion": confusion.tolist(), "per_class": rows}


def _rows(labels: Sequence[str], hits: Tensor, answered: Tensor, true: Tensor) -> dict[str, Any]:
    """Figures by label from the numbers of right answers, answers and pictures of each."""
    hits = hits.double()
    precision, recall = hits / answered.clamp(min=1), hits / true.clamp(min=1)
    f1 = 2 * hits / (answered + true).clamp(min=1)
    return {
        label: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "pictures": int(true[i]),
        }
        for i, label in enumerate(labels)
    }
