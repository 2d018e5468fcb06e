"""Losses of a batch as a whole, whose images lie in several processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.execution import Execution
from zoo.spec.errors import TrainingError


class WholeBatch:
    """Stands in a part of a batch, and lets a loss see those of all processes.

    Each process computes the loss of the whole batch; gradients reach its own outputs alone, in the size in
    which the mean of the processes, weighted by images, is the gradient of one process.

    Args:
        execution: with the other processes.
        images: of the batch, over all processes, for one of the part.

    Attributes:
        applied: whether `zoo.interfaces.compute` was called.
    """

    def __init__(self, execution: Execution, images: float) -> None:
        self._execution, self._images, self.applied = execution, images, False

    def computed(self, loss: nn.Module, output: Any, target: Any) -> Tensor | dict[str, Tensor]:
        """The loss of what all processes have."""
        self.applied = True
        found: Tensor | dict[str, Tensor] = loss(self._of_all(output), self._of_all(target))
        return found

    def apply(self, values: Any) -> Any:
        """Raises TrainingError: of the values of a part no loss of the whole can be made."""
        problem = "a loss of the batch as a whole, in several processes"
        hint = "call it by zoo.interfaces.compute(loss, outputs, target, batch) in the trainer"
        raise TrainingError(problem, expected="to see all of the batch", got="a part", hint=hint)

    def _of_all(self, values: Any) -> Any:
        if isinstance(values, Mapping):
            return {name: self._of_all(value) for name, value in values.items()}
        if not isinstance(values, Tensor) or not values.ndim:
            return values
        everyone, start = self._execution.gather_rows(values)
        if not values.requires_grad:
            return everyone
        # The value is unchanged. Only outputs are scaled: what the loss owns has the same gradient everywhere
        own = values.detach() + (values - values.detach()) * self._images
        return torch.cat([everyone[:start], own, everyone[start + len(values) :]])
