"""The task contract: how many outputs, how targets look, how an output is read, which metrics fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
