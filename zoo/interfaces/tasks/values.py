"""Real values an image."""

from __future__ import annotations

from torch import Tensor

from zoo.interfaces.tasks.base import Task


class Regression(Task):
    """One or more real values."""

    name = "regression"

    def outputs(self, classes: int | None) -> int:
        return classes or 1

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float().reshape(-1, outputs)

    @property
    def higher_is_better(self) -> bool:
        return False
