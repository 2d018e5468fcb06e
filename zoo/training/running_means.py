"""Means of what the steps of an epoch return."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.spec.errors import TrainingError

_AT_ONCE = "nothing was learnt yet, so look at the loss, the targets and the range of the precision"


class RunningMeans:
    """Means an image of what the steps return; stops a run whose loss is no longer a number.

    Args:
        epoch: its number, for the message.
        steps: of the epoch.
        every: steps between two looks at the loss.
        state: from `state_dict`, to go on from there.
    """

    def __init__(
        self, epoch: int, steps: int, *, every: int = 1, state: Mapping[str, Any] | None = None
    ) -> None:
        self.epoch, self.steps, self.every = epoch, steps, every
        self._seen: dict[str, list[Tensor]] = {}
        self._images: dict[str, list[int]] = {}
        if state is not None:
            self._seen = {name: list(values) for name, values in state["seen"].items()}
            counted = state["images"] if "images" in state else state["pictures"]  # as 0.1 wrote it
            self._images = {name: list(counts) for name, counts in counted.items()}
        self._waiting: list[Tensor] = []
        self._done = max((len(values) for values in self._seen.values()), default=0)

    def add(self, values: Mapping[str, Tensor], images: int) -> None:
        """Adds the values of one step.

        Raises:
            TrainingError: the first value of a step is not finite.
        """
        for name, value in values.items():
            self._seen.setdefault(name, []).append(value)
            self._images.setdefault(name, []).append(images)
        # The loss stands first; one look at several makes an accelerator wait once
        self._waiting += list(values.values())[:1]
        if len(self._waiting) >= self.every:
            self._look()

    def values(self, add: Callable[[Tensor], Tensor] = lambda values: values) -> dict[str, float]:
        """The means by name.

        Args:
            add: sums a tensor over all processes.
        """
        self._look()
        means = {}
        for name, values in self._seen.items():
            counts = torch.tensor(self._images[name], dtype=torch.float64)
            total = (torch.stack(values).to("cpu", torch.float64) * counts).sum()
            # Sums: parts of processes may differ in size, and a mean of means would not count images alike
            both = add(torch.stack([total, counts.sum()]))
            means[name] = float(both[0] / both[1])
        return means

    def state_dict(self) -> dict[str, Any]:
        """State from which the means go on."""
        self._look()
        return {
            "seen": {name: torch.stack(values) for name, values in self._seen.items()},
            "images": self._images,
        }

    def _look(self) -> None:
        waiting = self._waiting
        values = torch.stack(waiting).tolist() if len(waiting) > 1 else [w.item() for w in waiting]
        for value in values:
            self._done += 1
            if not math.isfinite(value):
                where = f"epoch {self.epoch}, step {self._done} of {self.steps}"
                raise TrainingError(
                    f"the loss is no longer a number in {where}",
                    expected="a finite loss",
                    got=str(value),
                    hint=_AT_ONCE if self.epoch == self._done == 1 else "lower lr, e.g. to a tenth",
                )
        self._waiting = []
