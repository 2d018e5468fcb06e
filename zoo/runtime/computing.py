"""Device, precision and processes of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from zoo.interfaces.execution import Execution
from zoo.registry.environment import processes
from zoo.runtime.devices import choose_device
from zoo.runtime.processes import Accelerated, accelerator_for

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True, slots=True)
class Computing:
    """Device, precision and processes of a run.

    Args:
        device: to compute on.
        accelerator: that carries steps out, where plain torch does not do.
        precision: of the forward pass.
    """

    device: torch.device
    accelerator: Accelerator | None
    precision: str

    @classmethod
    def on(cls, device: str | torch.device | None, precision: str) -> Computing:
        """Chooses the device where none is given, and Accelerate where plain torch does not do."""
        chosen = choose_device(device)
        accelerator = accelerator_for(precision, chosen)
        return cls(chosen if accelerator is None else accelerator.device, accelerator, precision)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return processes()[0] == 0

    def execution(self, steps: int, *, fused: bool) -> Execution:
        """The execution of steps, see `zoo.interfaces.Execution`."""
        if self.accelerator is None:
            return Execution(steps, fused=fused)
        return Accelerated(self.accelerator, steps, fused=fused)
