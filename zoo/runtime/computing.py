"""Device, precision and processes of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.interfaces.blocks.number_types import HALVES, mixed_types
from zoo.interfaces.execution import Execution
from zoo.registry.environment import processes
from zoo.runtime.devices import choose_device
from zoo.runtime.processes import Accelerated, accelerator_for
from zoo.spec.errors import TrainingError, listing
from zoo.spec.hints.spoken import argument

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


def check_precision(model: nn.Module, asked: object = None) -> None:
    """Raises TrainingError where steps would be lost in the rounding of half precision weights.

    Args:
        model: or a torch module.
        asked: as it was given, perhaps by its folder.
    """
    kinds = {p.dtype for p in model.parameters()} & {*HALVES}
    if kinds:
        kind = listing(sorted(str(kind).removeprefix("torch.") for kind in kinds))
        got = mixed_types(model) or kind
        by_name = isinstance(asked, str | os.PathLike)
        place = str(asked)
        load = f"zoo.pull({place!r})" if place.startswith("hf://") else f"zoo.load({place!r})"
        say = f"zoo.fit({load}.float(), ...) widens them" if by_name else "model.float() widens them"
        hint = f"{say}, {argument('precision', 'bf16')} computes in half precision all the same"
        raise TrainingError("fit", expected="weights in float32", got=got, hint=hint)
