"""Several labels an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from zoo.interfaces.tasks.base import Prediction, Task, names_for

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


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
