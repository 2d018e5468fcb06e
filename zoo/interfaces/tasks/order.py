"""One of several ordered classes an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.classes import Classes
from zoo.interfaces.tasks.logits import EPSILON, in_order, settled, widened
from zoo.interfaces.tasks.mixing import likeliest, mean_logit, one_hot
from zoo.spec.errors import OptionError

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.tasks.target_counts import TargetCounts


class Ordinal(Classes):
    """One of K ordered classes from K - 1 logits, the k-th for "above class k" (Frank and Hall, 2001).

    The probability of "above" is made to fall with k, so that no class gets a negative probability.
    """

    name = "ordinal"
    form = "multiclass"
    ordered = True

    def outputs(self, classes: int | None) -> int:
        count = super().outputs(classes)
        if count < 2:
            raise OptionError(f"task {self.name}", expected="at least 2 classes", got=str(count))
        return count - 1

    def classes(self, outputs: int) -> int:
        return outputs + 1

    def target(self, y: Tensor, outputs: int) -> Tensor:
        if y.is_floating_point() and y.ndim == 2:
            # Shares of the classes of mixed images: what is above class k is not at or below it
            return 1 - y.cumsum(dim=1)[:, :outputs]
        # Of four classes, class 2 is 1 1 0
        return (y.reshape(-1, 1) > torch.arange(outputs, device=y.device)).float()

    def mixable(self, y: Tensor, outputs: int) -> Tensor:
        """The share of each class, N x outputs + 1."""
        return one_hot(y, outputs + 1)

    def hard(self, y: Tensor) -> Tensor:
        return likeliest(y)

    def averaged(self, outputs: Tensor) -> Tensor:
        return mean_logit(outputs)

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor:
        """The logits of the shares above each class."""
        above = torch.tensor(targets).reshape(-1, 1) > torch.arange(outputs)
        return above.float().mean(dim=0).logit(EPSILON)

    def probabilities(self, output: Tensor) -> Tensor:
        above = output.sigmoid().cummin(dim=1).values
        # P(class k) = P(above k - 1) - P(above k): 1 stands before the first and 0 after the last
        ones = torch.ones_like(above[:, :1])
        return torch.cat([ones, above], dim=1) - torch.cat([above, torch.zeros_like(ones)], dim=1)

    def ranked(self, output: Tensor) -> Tensor:
        if type(self).probabilities is not Ordinal.probabilities or type(self).scored is not Task.scored:
            return self.scored(output)
        above = widened(output).cummin(dim=1).values
        ends = above.new_full((len(above), 1), math.inf)
        low, high = torch.cat([ends, above], dim=1), torch.cat([above, -ends], dim=1)
        # P(above k - 1) - P(above k), and 1 less that, without a difference of two numbers near 1
        surely = F.logsigmoid(low) + F.logsigmoid(-high) + torch.log1p(-(high - low).exp())
        return in_order(settled(surely - torch.logaddexp(F.logsigmoid(-low), F.logsigmoid(high))))

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassCohenKappa

        classes = outputs + 1
        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro"),
                "quadratic_kappa": MulticlassCohenKappa(classes, weights="quadratic"),
            }
        )

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """Agreement beyond chance needs more than one class."""
        return {"quadratic_kappa": seen.lacks_second_class()}
