"""A vector an image, by which images are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from zoo.interfaces.tasks.base import Prediction, Task

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


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
