"""Borrowed state, which a verb gives back: random states, devices, training modes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.draws import mix
from zoo.interfaces.model import Model
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
def borrowed(model: Model, device: torch.device) -> Iterator[None]:
    """The model on a device; afterwards back where it was, each module in its mode."""
    home = next((p.device for p in model.parameters()), torch.device("cpu"))
    with kept_modes(model):
        model.to(device)
        try:
            yield
        finally:
            model.to(home)


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


def seed_step(seed: int, epoch: int, step: int, device: torch.device) -> None:
    """All global random states as a function of (seed, epoch, step), so that any step can be resumed at."""
    value, kind = mix("step", seed, epoch, step), device.type
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
    return {name: value.to(device) for name, value in batch.items()}


def has_live_batch_norm(model: nn.Module) -> bool:
    """Whether a normalisation would take its statistics from the batch, in the present mode."""
    kinds = nn.modules.batchnorm._BatchNorm  # torch's only common base
    return any(isinstance(module, kinds) and module.training for module in model.modules())
