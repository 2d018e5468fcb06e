"""Images as answers: restored ones, new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks.base import Prediction, Task

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


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
