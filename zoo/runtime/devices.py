"""Borrowed state, which a verb gives back: random states, devices, training modes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.draws import mix
from zoo.spec.errors import OptionError, quote


def choose_device(device: str | torch.device | None) -> torch.device:
    """The device asked for; where none is, an accelerator if there is one, else the CPU.

    Raises:
        OptionError: torch does not know it, or this machine lacks it.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        # A name that torch knows may be of a device that is not here
        torch.empty((), device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason, hint = str(error).splitlines()[0], None
        if "device type at start of device string" in reason:  # torch names fifteen, most of them nobody's
            reason, hint = "an unknown one", 'say "cpu", "cuda", "cuda:1", "mps", or leave it out'
        raise OptionError(
            f"device {quote(str(device))}", expected="a device of this machine", got=reason, hint=hint
        ) from None
    return chosen


@contextmanager
def borrowed(module: nn.Module, device: torch.device) -> Iterator[None]:
    """A model or a loss on a device; afterwards back where it was, each module in its mode."""
    # A loss may have buffers alone: the weights of its classes
    tensors = chain(module.parameters(), module.buffers())
    home = next((tensor.device for tensor in tensors), torch.device("cpu"))
    with kept_modes(module):
        module.to(device)
        try:
            yield
        finally:
            module.to(home)


@contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Restores the caller's random states in the end, whatever is drawn inside."""
    python, legacy = random.getstate(), np.random.get_state()
    cuda = [device] if device.type == "cuda" else []
    mps = torch.mps.get_rng_state() if device.type == "mps" else None
    # Of the CPU too
    with torch.random.fork_rng(devices=cuda):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
            if mps is not None:
                torch.mps.set_rng_state(mps)


@dataclass(frozen=True, slots=True)
class RandomStates:
    """The global random states: of Python, of NumPy, and of torch on the CPU and on a device.

    Args:
        python: of `random`.
        legacy: of `numpy.random`.
        cpu: of torch on the CPU.
        accelerator: of torch on the device; None where that is the CPU.
    """

    python: Any
    legacy: Any
    cpu: Tensor
    accelerator: Tensor | None

    @classmethod
    def now(cls, device: torch.device) -> RandomStates:
        """The present ones."""
        kind = device.type
        accelerator = (
            torch.cuda.get_rng_state(device)
            if kind == "cuda"
            else torch.mps.get_rng_state()
            if kind == "mps"
            else None
        )
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), accelerator)

    def restore(self, device: torch.device) -> None:
        """Puts them back; `device` as `now` took it."""
        random.setstate(self.python)
        np.random.set_state(self.legacy)
        torch.set_rng_state(self.cpu)
        if self.accelerator is not None and device.type == "cuda":
            torch.cuda.set_rng_state(self.accelerator, device)
        elif self.accelerator is not None:
            torch.mps.set_rng_state(self.accelerator)


def seed_step(seed: int, epoch: int, step: int, device: torch.device, process: int | None = None) -> None:
    """All global random states as a function of (seed, epoch, step), so that any step can be resumed at.

    Args:
        seed: of the run.
        epoch: number of the epoch.
        step: number of the step in it.
        device: that is drawn on, beside the CPU.
        process: whose own the states are; None for those that all processes have in common.
    """
    own = () if process is None else (process,)
    value, kind = mix("step", seed, epoch, step, *own), device.type
    random.seed(value)
    np.random.seed(value % 2**32)  # NumPy takes 32 bits
    # Not `torch.manual_seed`, which goes over all kinds of devices
    torch.default_generator.manual_seed(value)
    if kind == "cuda":
        torch.cuda.manual_seed(value)
    elif kind == "mps":
        torch.mps.manual_seed(value)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on a device."""
    return {name: sent(value, device) for name, value in batch.items()}


def sent(values: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device, in single precision where the device knows no double."""
    if device.type == "mps" and values.dtype == torch.float64:
        values = values.to(torch.float32)
    return values.to(device)


def has_live_batch_norm(model: nn.Module) -> bool:
    """Whether a normalisation would take its statistics from the batch, in the present mode."""
    kinds = nn.modules.batchnorm._BatchNorm  # torch's only common base
    return any(isinstance(module, kinds) and module.training for module in model.modules())
