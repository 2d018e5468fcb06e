"""The core's metrics of values and images, left out where they are not defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from zoo.builtin.metrics import NamedMetric
from zoo.interfaces import TargetCounts, Task

if TYPE_CHECKING:
    import torchmetrics


class MAE(NamedMetric):
    """Mean absolute error, in the unit of the values."""

    name, forms = "mae", ("values", "images")
    higher_is_better = False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import MeanAbsoluteError

        return MeanAbsoluteError()


class RMSE(NamedMetric):
    """Root of the mean squared error, in the unit of the values."""

    name, forms = "rmse", ("values", "images")
    higher_is_better = False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import MeanSquaredError

        return MeanSquaredError(squared=False)


class _Varying(NamedMetric):
    """A figure that compares with how much the values differ."""

    forms: ClassVar[tuple[str, ...]] = ("values",)

    def missing(self, seen: TargetCounts) -> str | None:
        """Two images with different values have to be there."""
        return seen.lacks_variation()

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        return _columns(self.of)

    @staticmethod
    def of(answers: Tensor, values: Tensor) -> Tensor:
        """The figure of N answers and N values, in double precision."""
        raise NotImplementedError


class R2(_Varying):
    """Share of the values' variance that the answers explain, at most 1; the mean over several values."""

    name = "r2"

    @staticmethod
    def of(answers: Tensor, values: Tensor) -> Tensor:
        """One minus squared errors over squared deviations."""
        return 1 - (answers - values).square().sum() / (values - values.mean()).square().sum()


class Pearson(_Varying):
    """Correlation of answers and values (Pearson, 1895), from -1 to 1; the mean over several values."""

    name = "pearson"

    @staticmethod
    def of(answers: Tensor, values: Tensor) -> Tensor:
        """torchmetrics'; undefined where all answers are one."""
        from torchmetrics.functional import pearson_corrcoef

        return pearson_corrcoef(answers, values) if _varies(answers) else answers.new_tensor(float("nan"))


class Spearman(_Varying):
    """Correlation of ranks (Spearman, 1904), from -1 to 1; the mean over several values."""

    name = "spearman"

    @staticmethod
    def of(answers: Tensor, values: Tensor) -> Tensor:
        """torchmetrics'; undefined where all answers are one."""
        from torchmetrics.functional import spearman_corrcoef

        return spearman_corrcoef(answers, values) if _varies(answers) else answers.new_tensor(float("nan"))


def _varies(answers: Tensor) -> bool:
    return bool(answers.min() < answers.max())


def _columns(figure: Callable[[Tensor, Tensor], Tensor]) -> torchmetrics.Metric:
    """The mean over columns of a figure of all answers at once; sums over batches would lose digits."""
    import torchmetrics
    from torchmetrics.utilities import dim_zero_cat

    class Columns(torchmetrics.Metric):
        full_state_update = False
        higher_is_better = True

        def __init__(self) -> None:
            # What several processes have found is gathered before.
            super().__init__(sync_on_compute=False)
            self.add_state("answers", default=[], dist_reduce_fx="cat")
            self.add_state("values", default=[], dist_reduce_fx="cat")

        def update(self, answers: Tensor, values: Tensor) -> None:
            self.answers.append(answers.detach())  # type: ignore[operator, union-attr]
            self.values.append(values.detach().reshape(answers.shape))  # type: ignore[operator, union-attr]

        def compute(self) -> Tensor:
            answers, values = (dim_zero_cat(rows).cpu().double() for rows in (self.answers, self.values))  # type: ignore[arg-type]
            pairs = zip(answers.flatten(1).T, values.flatten(1).T, strict=True)
            return torch.stack([figure(said, true) for said, true in pairs]).mean()

    return Columns()
