"""The task contract: all that differs by what a model is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.geometry.places import Size
from zoo.interfaces.tasks.analysis import Analysis
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.data_checks import check_there
from zoo.interfaces.tasks.descriptions import Overlay
from zoo.interfaces.tasks.mixing import MixedTargets
from zoo.interfaces.tasks.prediction import Prediction, names_for
from zoo.interfaces.tasks.target_reading import TargetReading
from zoo.spec.errors import OptionError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.tasks.target_counts import TargetCounts


class Task(TargetReading, MixedTargets):
    """The purpose of a head or model. A plugin may subclass it for a task of its own.

    Attributes:
        name: the task's word in declarations.
        needs: what data must have: `target`, `mask`, or nothing but images.
        named: whether the classes of the data, or their values, are what the outputs are called.
        ordered: whether the order of the classes means something, as that of grades does.
        spatial: whether targets are places in the image, which move with its pixels; `collate` then returns
            a `zoo.interfaces.geometry.places.SpatialTensor`.
        generates: whether images are made of nothing, so that no image has one right answer: they are
            sampled, not predicted, and measured by another model.
        compares: whether two images are compared by the angle between their outputs.
        answers: what a prediction is besides words: nothing, a mask or an image, which are written as files.
        form: of `scored` and of raw targets, for metrics by name: `binary` (N probabilities of the second
            class, N indices), `multiclass` (N x K probabilities, N indices), `multilabel` and `values`
            (N x K each), `vectors` (N x D, N indices), `masks` (N x H x W indices each), `images`
            (N x C x H x W in [0, 1] each), or a word of the task's own.
        ignored: index in masks that is not counted; None where there is none.
        units: of the values of targets, such as `px`; empty where there are none.
        card: words for the model card.
    """

    name: str
    needs: Literal["target", "mask", "image"] = "target"
    named: bool = True
    ordered: bool = False
    spatial: bool = False
    generates: bool = False
    compares: bool = False
    answers: Literal["words", "mask", "image"] = "words"
    form: str = ""
    ignored: int | None = None
    units: str = ""
    card: CardWords = CardWords()

    @property
    def read_with_images(self) -> bool:
        """Whether targets are had with images alone: masks, places, images, what `examples` makes."""
        return self.spatial or self.needs != "target" or type(self).examples is not Task.examples

    # -- targets ---------------------------------------------------------------------------------------

    def examples(self, batch: Batch) -> Batch:
        """A batch with the `target` that the task's loss and metrics take; see `Model.examples`."""
        return batch

    def target(self, y: Tensor, outputs: int) -> Tensor:
        """Raw targets (class indices, indicator rows or values) as the default loss takes them."""
        return y

    def for_loss(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Output and target as a loss compares them; themselves, unless the task knows their scale.

        Args:
            output: as the model returns it.
            target: as `target` gives it.
        """
        return output, target

    def settle(self, targets: Sequence[Any]) -> None:
        """Takes from the targets of a new run's training images what is kept with the model: their scale."""

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor | None:
        """Outputs that are the same for all images, a row each; None where there are none.

        Each figure is compared with that of the row which is best by it on the training images: the mean
        has the least squared error, the median the least absolute one.

        Args:
            targets: of the training images.
            outputs: length of the output vector.
        """
        return None

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless a model can learn from, or be measured on, the targets of data.

        Args:
            data: with one sample or more.
            outputs: length of the model's output vector.
            labels: of the model; empty where they are not known.
            where: who asks, for messages.
        """
        if self.needs == "target":
            check_there(data, where, "target")

    def check_start(self, data: Dataset, where: str) -> None:
        """Raises DataError where no training should begin with such data; one that began goes on."""

    def remarks(self, targets: Sequence[Any]) -> Iterator[str]:
        """Remarks on the targets of a validation split, for a user to know before a training.

        Args:
            targets: as a data set gives them.
        """
        return iter(())

    # -- outputs ---------------------------------------------------------------------------------------

    def outputs(self, classes: int | None) -> int:
        """Length of the output vector for a number of classes."""
        if classes is None:
            expected = "classes=<number or labels>"
            raise OptionError(f"task {self.name} needs classes", expected=expected, got="none")
        return classes

    def classes(self, outputs: int) -> int:
        """The reverse of `outputs`."""
        return outputs

    def for_outputs(self, outputs: int) -> Task:
        """The task of a network that is not ours, with so many outputs, on data of this task."""
        return self

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

    def placed(self, found: Prediction, matrix: Tensor, size: Size, own: Size) -> Prediction:
        """A prediction in the pixels of the image as it was given; as it is where it tells no places.

        Args:
            found: in the pixels of the image that the model was given.
            matrix: 3 x 3, from that image to its source, as `zoo.interfaces.geometry.warp` says.
            size: of that image.
            own: of its source.
        """
        return found

    # -- figures ---------------------------------------------------------------------------------------

    def metrics(self, outputs: int) -> MetricCollection:
        """Metrics from torchmetrics, fed with `scored(output)` and raw targets."""
        from torchmetrics import MetricCollection

        return MetricCollection(errors_of_values())

    def metrics_apart(self, outputs: int) -> Mapping[str, Any]:
        """Metrics that give a figure for each of several outputs with names, in place of those of `metrics`.

        Each takes what those take and gives as many figures as there are outputs; there are none where a
        figure over all of them means something.
        """
        return {}

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """Reasons why figures of `metrics` are not defined for these targets, by name; None where they are.

        Args:
            seen: of one image or more.
        """
        return {}

    def scored(self, output: Tensor) -> Tensor:
        """The output in the form that the metrics take."""
        probabilities = self.probabilities(output)
        return output if probabilities is None else probabilities

    def ranked(self, output: Tensor) -> Tensor:
        """The output for figures of ranks: numbers in [0, 1] that rise with those of `scored`.

        Probabilities near 0 and 1 are rounded to one number, and the order of sure answers is lost.
        """
        return self.scored(output)

    @property
    def higher_is_better(self) -> bool:
        """Whether the first metric grows as a model gets better."""
        return True

    def errors(self, output: Tensor, target: Tensor) -> Tensor | None:
        """Error of each of N outputs, N values of 0 or more in `units`; None where that is not said."""
        return None

    def overlay(self, output: Tensor, target: Tensor | None = None) -> Overlay | None:
        """One output, or one target where it is given, as marks over its image; None where there are none."""
        return None

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """The analysis that collects outputs and targets for tables and images of mistakes.

        Args:
            labels: names of the classes or values.
            most: mistakes to keep.
        """
        return Analysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random output, and raw targets that fit it, for contract tests.

        Args:
            classes: number of classes or values.
            count: of rows.
        """
        return torch.randn(count, self.outputs(classes)), torch.randn(count, classes)


def errors_of_values(outputs: int = 1) -> dict[str, Any]:
    """Mean absolute and root mean squared error, from torchmetrics.

    Args:
        outputs: how many figures each gives; one is over all values.
    """
    from torchmetrics import MeanAbsoluteError, MeanSquaredError

    squared = MeanSquaredError(squared=False, num_outputs=outputs)
    return {"mae": MeanAbsoluteError(num_outputs=outputs), "rmse": squared}
