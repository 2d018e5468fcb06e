"""Balanced accuracy: the mean recall of the classes that there are."""

from __future__ import annotations

from typing import cast

from torch import Tensor
from torchmetrics.classification import MulticlassStatScores


class BalancedAccuracy(MulticlassStatScores):
    """Mean over classes of the share of their images that are found.

    A class without images has no such share; torchmetrics' macro average takes it for 0 where some image was
    taken for it, and leaves it out where none was.

    Args:
        classes: K.

    Example:
        >>> import torch
        >>> metric = BalancedAccuracy(3)
        >>> metric.update(torch.tensor([0, 2, 1]), torch.tensor([0, 0, 1]))
        >>> float(metric.compute())
        0.75
    """

    is_differentiable = False
    higher_is_better = True

    def __init__(self, classes: int) -> None:
        super().__init__(num_classes=classes, average=None)

    def compute(self) -> Tensor:
        """The mean, in [0, 1]."""
        tp, fn = cast("Tensor", self.tp), cast("Tensor", self.fn)
        hits, true = tp.float(), (tp + fn).float()
        there = (true > 0).float()
        # Summed as torchmetrics sums its macro average, to the last digit
        return (there * (hits / true.clamp(min=1)) / there.sum()).sum()
