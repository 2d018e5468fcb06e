"""Tasks: how many outputs, how targets look, how an output is read, which metrics fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.spec.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one picture.

    Args:
        label: name of the class, several names joined by a comma, or the value as text.
        score: probability of the label in [0, 1]; None where the task has none.
        scores: probability by class, value by target, or nothing.
        mask: H x W class indices, where each pixel has a class.
        picture: C x H x W in [0, 1], where the answer is a picture.
    """

    label: str
    score: float | None
    scores: dict[str, float]
    mask: Tensor | None = None
    picture: Tensor | None = None


class Task:
    """What a head or model is for. A plugin may subclass it for a task of its own.

    Attributes:
        name: the task's word in declarations.
        needs: what data must have: `target`, `mask`, or nothing but pictures.
        named: whether the classes of the data, or their values, are what the outputs are called.
    """

    name: str
    needs: Literal["target", "mask", "picture"] = "target"
    named: bool = True

    def examples(self, batch: Batch) -> Batch:
        """A batch with the `target` that the task's loss and metrics take; see `Model.examples`."""
        return batch

    def outputs(self, classes: int | None) -> int:
        """Length of the output vector for a number of classes."""
        if classes is None:
            raise OptionError(
                f"task {self.name} needs classes", expected="classes=<number or labels>", got="none"
            )
        return classes

    def classes(self, outputs: int) -> int:
        """The reverse of `outputs`."""
        return outputs

    def target(self, y: Tensor, outputs: int) -> Tensor:
        """Raw targets (class indices, indicator rows or values) as the default loss takes them."""
        return y

    def probabilities(self, output: Tensor) -> Tensor | None:
        """N x classes probabilities of N x outputs logits; None where the task has none."""
        return None

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """One prediction a row of N x outputs."""
        names = names_for(labels, output.shape[1])
        rows = output.detach().float().tolist()
        return [
            Prediction(", ".join(f"{v:.4g}" for v in row), None, dict(zip(names, row, strict=True)))
            for row in rows
        ]

    def metrics(self, outputs: int) -> MetricCollection:
        """Metrics from torchmetrics, fed with `scored(output)` and raw targets."""
        from torchmetrics import MeanAbsoluteError, MeanSquaredError, MetricCollection

        return MetricCollection({"mae": MeanAbsoluteError(), "rmse": MeanSquaredError(squared=False)})

    def scored(self, output: Tensor) -> Tensor:
        """The output in the form that the metrics take."""
        probabilities = self.probabilities(output)
        return output if probabilities is None else probabilities

    @property
    def higher_is_better(self) -> bool:
        """Whether the first metric grows as a model gets better."""
        return True


def names_for(labels: Sequence[str], count: int) -> list[str]:
    """The labels, or their numbers where they are not known.

    Raises:
        ShapeError: there are labels, but not as many as outputs.
    """
    if labels and len(labels) != count:
        raise ShapeError("labels", expected=f"{count} names", got=str(len(labels)))
    return list(labels) or [str(i) for i in range(count)]


class _Classes(Task):
    """Tasks whose answer is one class."""

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        table = self.probabilities(output.detach().float())
        assert table is not None  # noqa: S101 - every subclass has probabilities
        names = names_for(labels, table.shape[1])
        best = table.argmax(dim=1).tolist()
        return [
            Prediction(names[i], row[i], dict(zip(names, row, strict=True)))
            for i, row in zip(best, table.tolist(), strict=True)
        ]


class Binary(_Classes):
    """Two classes from one logit; the logit speaks for the second."""

    name = "binary"

    def outputs(self, classes: int | None) -> int:
        if classes not in (None, 2):
            raise OptionError(f"task {self.name}", expected="2 classes", got=str(classes))
        return 1

    def classes(self, outputs: int) -> int:
        return 2

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float().reshape(-1, 1)

    def probabilities(self, output: Tensor) -> Tensor:
        positive = output.sigmoid()
        return torch.cat([1 - positive, positive], dim=1)

    def scored(self, output: Tensor) -> Tensor:
        return output.sigmoid().squeeze(1)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import BinaryAccuracy, BinaryAUROC, BinaryF1Score

        return MetricCollection({"accuracy": BinaryAccuracy(), "f1": BinaryF1Score(), "auroc": BinaryAUROC()})


class Multiclass(_Classes):
    """One of K classes from K logits."""

    name = "multiclass"

    def probabilities(self, output: Tensor) -> Tensor:
        return output.softmax(dim=1)

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.long()

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(outputs, average="micro"),
                "balanced_accuracy": MulticlassAccuracy(outputs, average="macro"),
                "f1": MulticlassF1Score(outputs, average="macro"),
            }
        )


class Ordinal(_Classes):
    """One of K ordered classes from K - 1 logits, the k-th for "above class k" (Frank and Hall, 2001).

    The probability of "above" is made to fall with k, so that no class gets a negative probability.
    """

    name = "ordinal"

    def outputs(self, classes: int | None) -> int:
        count = super().outputs(classes)
        if count < 2:
            raise OptionError(f"task {self.name}", expected="at least 2 classes", got=str(count))
        return count - 1

    def classes(self, outputs: int) -> int:
        return outputs + 1

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return (y.reshape(-1, 1) > torch.arange(outputs, device=y.device)).float()

    def probabilities(self, output: Tensor) -> Tensor:
        above = output.sigmoid().cummin(dim=1).values
        ones = torch.ones_like(above[:, :1])
        return torch.cat([ones, above], dim=1) - torch.cat([above, torch.zeros_like(ones)], dim=1)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassCohenKappa

        classes = outputs + 1
        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro"),
                "quadratic_kappa": MulticlassCohenKappa(classes, weights="quadratic"),
            }
        )


class Multilabel(Task):
    """Any of K labels from K logits."""

    name = "multilabel"

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float()

    def probabilities(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        table = self.probabilities(output.detach().float())
        names = names_for(labels, table.shape[1])
        found = []
        for row in table.tolist():
            chosen = [i for i, p in enumerate(row) if p >= 0.5]
            score = min((row[i] for i in chosen), default=1 - max(row))
            found.append(
                Prediction(
                    ", ".join(names[i] for i in chosen) or "none", score, dict(zip(names, row, strict=True))
                )
            )
        return found

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MultilabelAccuracy, MultilabelF1Score

        return MetricCollection({"accuracy": MultilabelAccuracy(outputs), "f1": MultilabelF1Score(outputs)})


class Regression(Task):
    """One or more real values."""

    name = "regression"

    def outputs(self, classes: int | None) -> int:
        return classes or 1

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float().reshape(-1, outputs)

    @property
    def higher_is_better(self) -> bool:
        return False


class Embedding(Task):
    """A vector whose angle to another says how alike two pictures are; targets are class indices."""

    name = "embedding"
    named = False

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.long()

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The vectors; the classes of the training are no names for their values."""
        vectors = super().read(output)
        return [Prediction(f"vector of {output.shape[1]}", None, found.scores) for found in vectors]

    def metrics(self, outputs: int) -> MetricCollection:
        """Of all pairs: area under the ROC curve, equal error rate, and the cosine where that is."""
        from torchmetrics import MetricCollection

        from zoo.interfaces.verification import EqualErrorRate, EqualErrorThreshold, VerificationAUC

        return MetricCollection(
            {"auc": VerificationAUC(), "eer": EqualErrorRate(), "threshold": EqualErrorThreshold()},
            compute_groups=False,
        )
