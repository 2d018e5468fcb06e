"""Images as answers: restored ones, new ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks.analysis import Analysis, Findings, Names
from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.descriptions import ImageGrid, Mistake, error_table
from zoo.interfaces.tasks.prediction import Prediction

if TYPE_CHECKING:
    from torchmetrics import Metric, MetricCollection

_MOST_DRAWN = 12

LEAST_ERROR = 1e-10
"""Mean squared error that an exact image counts with, 100 dB: its own ratio would make any mean infinite."""


class Reconstruction(Task):
    """The image itself, or what it was before it was spoilt: N x C x H x W in [0, 1]."""

    name = "reconstruction"
    form = "images"
    needs: Literal["target", "mask", "image"] = "image"
    named = False
    answers = "image"

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """The images that are furthest off, beside the true ones."""
        return ImageAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random images of 32 x 32 pixels, and others."""
        return torch.rand(count, 3, 32, 32), torch.rand(count, 3, 32, 32)

    def examples(self, batch: Batch) -> Batch:
        return {**batch, "target": batch["image"]}

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The images, with values outside [0, 1] cut off."""
        images = output.detach().float().clamp(0, 1).cpu()
        return [Prediction(f"{p.shape[2]}x{p.shape[1]} pixels", None, {}, image=p) for p in images]

    def scored(self, output: Tensor) -> Tensor:
        return output.clamp(0, 1)

    def metrics(self, outputs: int) -> MetricCollection:
        """Peak signal-to-noise ratio in dB, its mean over images, and mean absolute error.

        The ratio of an exact image has no bound: it counts with 100 dB.
        """
        from torchmetrics import MeanAbsoluteError, MetricCollection

        return MetricCollection({"psnr": _ratio(), "mae": MeanAbsoluteError()})


class Generation(Task):
    """New images like those of the data: N x C x H x W in [0, 1]; no image has one right answer."""

    name = "generation"
    form = "images"
    needs: Literal["target", "mask", "image"] = "image"
    named = False
    generates = True
    answers = "image"
    card = CardWords(
        pipeline="unconditional-image-generation",
        usage='zoo.sample(model, 16, seed=0, out="samples.png")',
    )

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random images of 32 x 32 pixels, and others."""
        return Reconstruction().example(classes, count)

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """One prediction an image, which is the output."""
        return Reconstruction().read(output, labels)

    def scored(self, output: Tensor) -> Tensor:
        return output.clamp(0, 1)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection

        return MetricCollection({})


class ImageAnalysis(Analysis):
    """Error analysis of restored images; of the worst original and answer are kept."""

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x C x H x W images, and the true ones in [0, 1]."""
        scored = self.task.scored(output.float())
        errors = (scored - target).square().flatten(1).mean(dim=1).cpu().double()
        # No more of a batch can be among the worst, so that no others are copied from the device.
        order = errors.argsort(descending=True, stable=True)[: self.most].tolist()
        # Negative, so that sorting puts the largest error first.
        found = [(-float(errors[i]), int(index[i]), target[i].cpu(), scored[i].cpu()) for i in order]
        # Of images that are equally bad, the first ones.
        self._worst = sorted([*self._worst, *found], key=lambda item: item[:2])[: self.most]

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """The images with the lowest peak signal-to-noise ratio, which is what is said of them."""
        worst = tuple(
            Mistake(i, names(i), f"{decibels(-error):.2f} dB", None, "") for error, i, _, _ in self._worst
        )
        return Findings(worst=worst, tables=(error_table(worst, "PSNR"),), drawings={"worst": self._grid()})

    def _grid(self) -> ImageGrid:
        """The worst ones, before and after; smaller ones on white."""
        shown = self._worst[:_MOST_DRAWN]
        height, width = (max(target.shape[axis] for _, _, target, _ in shown) for axis in (1, 2))

        def column(images: list[Tensor]) -> Tensor:
            # Left, right, above, below.
            rooms = [(0, width - p.shape[2], 0, height - p.shape[1]) for p in images]
            return torch.stack([F.pad(p, room, value=1.0) for p, room in zip(images, rooms, strict=True)])

        originals, restored = [item[2] for item in shown], [item[3] for item in shown]
        return ImageGrid({"original": column(originals), "restored": column(restored)}, title="worst")


def decibels(error: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error of values in [0, 1].

    Example:
        >>> decibels(0.01), decibels(0.0)
        (20.0, 100.0)
    """
    return -10 * math.log10(max(error, LEAST_ERROR))


def _ratio() -> Metric:
    """The mean over images of the peak signal-to-noise ratio; of all pixels together it would be another."""
    from torchmetrics.functional.image.psnr import _psnr_compute
    from torchmetrics.image import PeakSignalNoiseRatio

    class Ratio(PeakSignalNoiseRatio):
        def compute(self) -> Tensor:
            seen: Any = self
            total, errors = (
                torch.cat([torch.as_tensor(value).flatten() for value in values])
                for values in (seen.total, seen.sum_squared_error)
            )
            errors = torch.maximum(errors, total * LEAST_ERROR)
            return _psnr_compute(errors, total, seen.data_range, reduction=seen.reduction)

    return Ratio(data_range=1.0, reduction="elementwise_mean", dim=(1, 2, 3))
