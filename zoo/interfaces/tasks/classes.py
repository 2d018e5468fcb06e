"""One class an image: binary, multiclass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zoo.interfaces.tasks.base import Prediction, Task, names_for
from zoo.spec.errors import OptionError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


class Classes(Task):
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


class Binary(Classes):
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


class Multiclass(Classes):
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
