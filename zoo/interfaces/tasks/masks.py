"""A class for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks.base import Prediction, Task, names_for
from zoo.spec.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


class Segmentation(Task):
    """A class for each pixel: N x K x H x W logits, N x H x W class indices; index 255 is not counted."""

    name = "segmentation"
    needs: Literal["target", "mask", "picture"] = "mask"
    ignored = 255

    def outputs(self, classes: int | None) -> int:
        count = super().outputs(classes)
        if count < 2:
            hint = "the background is a class too"
            raise OptionError(f"task {self.name}", expected="at least 2 classes", got=str(count), hint=hint)
        return count

    def examples(self, batch: Batch) -> Batch:
        if "mask" not in batch:
            raise ShapeError("batch", expected="a mask", got="none", hint="give data with masks")
        return {**batch, "target": batch["mask"]}

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.long()

    def probabilities(self, output: Tensor) -> Tensor:
        return output.softmax(dim=1)

    def scored(self, output: Tensor) -> Tensor:
        return output.argmax(dim=1)

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """For each picture the classes that are there, the share of each, and the mask."""
        names = names_for(labels, output.shape[1])
        found = []
        for mask in output.detach().argmax(dim=1).cpu():
            shares = mask.flatten().bincount(minlength=len(names)).double() / mask.numel()
            order = [i for i in shares.argsort(descending=True, stable=True).tolist() if shares[i] > 0]
            label = ", ".join(names[i] for i in order)
            scores = dict(zip(names, shares.tolist(), strict=True))
            found.append(Prediction(label, None, scores, mask=mask))
        return found

    def metrics(self, outputs: int) -> MetricCollection:
        """Mean over classes of intersection over union and of Dice, and the share of right pixels."""
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassJaccardIndex

        ignored = self.ignored if self.ignored >= outputs else None
        # A collection sorts what it is given at once, and the first metric is the one that a run shows.
        found = MetricCollection(
            {"iou": MulticlassJaccardIndex(outputs, average="macro", ignore_index=ignored)}
        )
        found.add_metrics(
            {
                # Over the pixels of all pictures, a class' Dice coefficient and its F1 are one formula.
                "dice": MulticlassF1Score(outputs, average="macro", ignore_index=ignored),
                "accuracy": MulticlassAccuracy(outputs, average="micro", ignore_index=ignored),
            }
        )
        return found
