"""Scale of values: the unit of the data, and the standardised values that a loss compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Mean and standard deviation of values to be learnt, of each output by itself.

    A network's numbers are put into the unit of the data by it, so that answers and exports are in that unit
    too, while losses compare standardised values: with years in the tens and prices in the millions the same
    learning rate fits. As long as nothing is known it changes nothing.

    Args:
        outputs: number of values.

    Example:
        >>> scale = Standardise(1)
        >>> scale.settle([10.0, 30.0])
        >>> scale(torch.tensor([[0.0], [1.0]])).tolist(), scale.standardised(torch.tensor([[30.0]])).tolist()
        ([[20.0], [30.0]], [[1.0]])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("std", torch.zeros(outputs))  # 0 where it is not known yet

    @property
    def absent(self) -> Mapping[str, Tensor]:
        """Buffers of files that were written before there were any: nothing was standardised then."""
        return {"mean": torch.zeros_like(self.mean, device="cpu"), "std": torch.ones(len(self.std))}

    def settle(self, targets: Sequence[Any]) -> None:
        """Takes mean and standard deviation of targets, unless they are known: a unit stays as it was learnt.

        Args:
            targets: values, or rows of them.
        """
        if bool(self.std.any()):
            return
        values = torch.tensor(targets, dtype=torch.float64).reshape(len(targets), -1)
        std = values.std(dim=0, correction=0)
        # What does not vary is only moved
        std = torch.where(std > 0, std, torch.ones_like(std))
        self.mean.copy_(values.mean(dim=0))
        self.std.copy_(std)

    def forward(self, x: Tensor) -> Tensor:
        """N x outputs in the unit of the data, in float32: prices leave the range of half precision."""
        return x.float() * self._spread() + self.mean.float()

    def standardised(self, values: Tensor) -> Tensor:
        """The reverse: N x outputs values as a loss compares them."""
        return (values.float() - self.mean.float()) / self._spread()

    def _spread(self) -> Tensor:
        std = self.std.float()
        return torch.where(std > 0, std, torch.ones_like(std))
