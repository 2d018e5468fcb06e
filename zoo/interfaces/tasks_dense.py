"""Tasks whose answer is a picture: a class for each pixel, a restored picture, a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks import Prediction, Task, names_for
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


class Reconstruction(Task):
    """The picture itself, or what it was before it was spoilt: N x C x H x W in [0, 1]."""

    name = "reconstruction"
    needs: Literal["target", "mask", "picture"] = "picture"
    named = False

    def examples(self, batch: Batch) -> Batch:
        return {**batch, "target": batch["image"]}

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The pictures, with values outside [0, 1] cut off."""
        pictures = output.detach().float().clamp(0, 1).cpu()
        return [Prediction(f"{p.shape[2]}x{p.shape[1]} pixels", None, {}, picture=p) for p in pictures]

    def scored(self, output: Tensor) -> Tensor:
        return output.clamp(0, 1)

    def metrics(self, outputs: int) -> MetricCollection:
        """Peak signal-to-noise ratio in dB, its mean over pictures, and mean absolute error."""
        from torchmetrics import MeanAbsoluteError, MetricCollection
        from torchmetrics.image import PeakSignalNoiseRatio

        ratio = PeakSignalNoiseRatio(data_range=1.0, reduction="elementwise_mean", dim=(1, 2, 3))
        return MetricCollection({"psnr": ratio, "mae": MeanAbsoluteError()})


class Generation(Task):
    """New pictures like those of the data: N x C x H x W in [0, 1]; no picture has one right answer."""

    name = "generation"
    needs: Literal["target", "mask", "picture"] = "picture"
    named = False

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The pictures."""
        return Reconstruction().read(output, labels)

    def scored(self, output: Tensor) -> Tensor:
        return output.clamp(0, 1)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection

        return MetricCollection({})
