"""A class for each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks.analysis import Analysis, Findings, Names
from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.confusion import class_table
from zoo.interfaces.tasks.data_checks import check_labels
from zoo.interfaces.tasks.descriptions import Mistake, Overlay, Overlays, worst_table
from zoo.interfaces.tasks.mixing import mean_softmax
from zoo.interfaces.tasks.prediction import Prediction, names_for
from zoo.interfaces.tasks.target_counts import ignored_index
from zoo.spec.errors import DataError, OptionError, ShapeError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.dataset import Dataset

IGNORED = 255
"""Class index of pixels that do not count."""


class Segmentation(Task):
    """A class for each pixel: N x K x H x W logits, N x H x W class indices; index 255 is not counted.

    Of 256 classes it is one, and each pixel counts.
    """

    name = "segmentation"
    form = "masks"
    needs: Literal["target", "mask", "image"] = "mask"
    answers = "mask"
    ignored = IGNORED

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless there is a mask for each image, of the model's classes."""
        if not data.masks:
            hint = 'a folder with images/ and masks/, pairs (image, mask), or a table with mask="its column"'
            raise DataError(f"{where}: data", expected="a mask for each image", got="none", hint=hint)
        check_labels(data, len(data.labels), outputs, labels, where)

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """Figures by class over all pixels, and the images of the lowest IoU."""
        return MaskAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random logits and class indices of 8 x 8 pixels."""
        return torch.randn(count, classes, 8, 8), torch.randint(0, classes, (count, 8, 8))

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
        """Class indices, with 255 for what does not count, whatever index a subclass has for it."""
        indices = y.long()
        ignored = ignored_index(self, outputs)
        if ignored in (None, IGNORED):
            return indices
        return torch.where(indices == ignored, IGNORED, indices)

    def probabilities(self, output: Tensor) -> Tensor:
        return output.softmax(dim=1)

    def averaged(self, outputs: Tensor) -> Tensor:
        return mean_softmax(outputs)

    def scored(self, output: Tensor) -> Tensor:
        return output.argmax(dim=1)

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """One prediction an image: the classes that are there, the share of each, and the mask."""
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

        ignored = ignored_index(self, outputs)
        # A collection sorts what it is given at once, and the first metric is the one that a run shows.
        found = MetricCollection(
            {"iou": MulticlassJaccardIndex(outputs, average="macro", ignore_index=ignored)}
        )
        found.add_metrics(
            {
                # Over the pixels of all images, a class' Dice coefficient and its F1 are one formula.
                "dice": MulticlassF1Score(outputs, average="macro", ignore_index=ignored),
                "accuracy": MulticlassAccuracy(outputs, average="micro", ignore_index=ignored),
            }
        )
        return found


class MaskAnalysis(Analysis):
    """Error analysis of masks; of the worst images answer and truth are kept."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._confusion = torch.zeros(len(labels), len(labels), dtype=torch.int64)
        self._lowest: list[tuple[float, int, Tensor, Tensor, Tensor]] = []

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x K x H x W logits and N x H x W class indices."""
        answer = output.argmax(dim=1)
        classes = len(self.labels)
        tables = confusions(target, answer, classes, ignored_index(self.task, classes)).cpu()
        self._confusion += tables.sum(0)
        overlaps = image_ious(tables)
        found = zip(overlaps.tolist(), index.tolist(), answer, target, tables, strict=True)
        # As bytes, in which class indices of masks fit; int64 takes eight times as much.
        kept = [
            (iou, i, mask.byte().cpu(), truth.byte().cpu(), table)
            for iou, i, mask, truth, table in found
            if iou < 1
        ]
        # Of images that are equally bad, the first ones.
        self._lowest = sorted([*self._lowest, *kept], key=lambda item: item[:2])[: self.most]

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """IoU, Dice, precision, recall and true pixels by class, 0 where undefined, and the lowest IoUs."""
        rows = self._rows()
        worst = tuple(
            Mistake(
                i, names(i), self._there(table.sum(0)), iou, self._there(table.sum(1)),
                Overlay(mask), Overlay(truth),
            )
            for iou, i, mask, truth, table in self._lowest
        )  # fmt: skip
        drawings = {"worst": Overlays(worst, self.labels, "lowest IoU", score="IoU")} if worst else {}
        tables = (class_table(rows), *([worst_table(worst, "IOU")] if worst else []))
        return Findings(labels=self.labels, per_class=rows, worst=worst, tables=tables, drawings=drawings)

    def _rows(self) -> dict[str, dict[str, float]]:
        hits, true = self._confusion.diagonal().double(), self._confusion.sum(1)
        answered = self._confusion.sum(0)
        # Intersection over union is hits / (both - hits), since hits are in both twice.
        both = (true + answered).double()
        figures = {
            "iou": hits / (both - hits).clamp(min=1),
            "dice": 2 * hits / both.clamp(min=1),
            "precision": hits / answered.clamp(min=1),
            "recall": hits / true.clamp(min=1),
        }
        return {
            label: {name: float(values[i]) for name, values in figures.items()} | {"pixels": int(true[i])}
            for i, label in enumerate(self.labels)
        }

    def _there(self, pixels: Tensor) -> str:
        return ", ".join(label for label, count in zip(self.labels, pixels.tolist(), strict=True) if count)


def confusions(truths: Tensor, answers: Tensor, classes: int, ignored: int | None = IGNORED) -> Tensor:
    """Pixels of each image by true and answered class, N x K x K.

    Args:
        truths: N x H x W class indices.
        answers: N x H x W class indices.
        classes: K.
        ignored: index that is not counted; None where each is.

    Example:
        >>> confusions(torch.tensor([[[0, 1, 1, 255]]]), torch.tensor([[[0, 0, 1, 1]]]), 2).tolist()
        [[[1, 0], [1, 1]]]
    """
    # A number for each cell of N tables, so that one count fills all of them.
    image = torch.arange(len(truths), device=truths.device).view(-1, 1, 1)
    cells = (image * classes + truths) * classes + answers
    counted = cells if ignored is None else cells[truths != ignored]
    return counted.bincount(minlength=len(truths) * classes**2).view(-1, classes, classes)


def image_ious(tables: Tensor) -> Tensor:
    """Mean IoU of each image over the classes that are in truth or answer; 1 where no pixel counts.

    Args:
        tables: N x K x K pixels by true and answered class.

    Example:
        >>> image_ious(torch.tensor([[[1, 0], [1, 1]]])).tolist()
        [0.5]
    """
    hits = tables.diagonal(dim1=1, dim2=2).double()
    # N x K.
    union = tables.sum(1) + tables.sum(2) - hits
    # The mean is over the classes that there are, not over K.
    there = (union > 0).sum(1)
    return torch.where(there > 0, (hits / union.clamp(min=1)).sum(1) / there.clamp(min=1), 1.0)
