"""Borrowed state, which a verb gives back: random states, devices, training modes."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.blocks.shape_run import trace_shapes
from zoo.interfaces.draws import drawing, forked, mix
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError, TrainingError, quote


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


@dataclass(slots=True)
class _Loan:
    """A model on loan: where it is, what for, and which threads have it, each as often as it borrowed."""

    device: torch.device
    inference: bool
    threads: list[int] = field(default_factory=list)
    back: ExitStack = field(default_factory=ExitStack)


_loans: WeakKeyDictionary[nn.Module, list[_Loan]] = WeakKeyDictionary()
"""Of each model the loan of the first borrower, and above it those that its own thread took inside."""
_lock = threading.RLock()


@contextmanager
def borrowed(model: nn.Module, device: torch.device, *, inference: bool = False) -> Iterator[None]:
    """A model or a loss on a device; afterwards back where it was, each module in its mode.

    Several threads may have it for inference at a time: the first brings it there, the last gives it back.

    Args:
        model: to borrow.
        device: to use it on.
        inference: whether to put it in inference mode; else it is for the borrower's thread alone.

    Raises:
        TrainingError: another thread trains the model, or has it on another device.
    """
    thread = threading.get_ident()
    with _lock:
        loan = _joined(model, device, inference, thread)
    try:
        yield
    finally:
        with _lock:
            loan.threads.remove(thread)
            if not loan.threads:
                _loans[model].remove(loan)
                loan.back.close()


def _joined(model: nn.Module, device: torch.device, inference: bool, thread: int) -> _Loan:
    """The loan that is there where it is of the same kind, else a new one, above those of the same thread."""
    loans = _loans.setdefault(model, [])
    top = loans[-1] if loans else None
    joined = top is not None and top.inference and inference and _same(top.device, device)
    if top is not None and any(t != thread for loan in loans for t in loan.threads):
        # What one thread took inside of another loan ends before that does
        joined = joined and len(loans) == 1
        if not joined:
            raise _taken(loans, device, inference)
    if not joined or top is None:
        loans.append(top := _lend(model, device, inference))
    top.threads.append(thread)
    return top


def _lend(model: nn.Module, device: torch.device, inference: bool) -> _Loan:
    loan = _Loan(device, inference)
    # A loss may have buffers alone: the weights of its classes
    tensors = chain(model.parameters(), model.buffers())
    home = next((tensor.device for tensor in tensors), torch.device("cpu"))
    loan.back.enter_context(kept_modes(model))
    # Before the modes are put back
    loan.back.callback(model.to, home)
    try:
        model.to(device)
    except BaseException:
        loan.back.close()
        raise
    if inference:
        model.eval()
    return loan


def _taken(loans: list[_Loan], device: torch.device, inference: bool) -> TrainingError:
    """The error for a model that other threads use in another way."""
    own_copy = "zoo.Predictor(model) answers from a copy of its own"
    used = loans[-1].device
    if inference and all(loan.inference for loan in loans) and not _same(used, device):
        expected, hint = f"{used}, where another thread has it", f"wait for it, or {own_copy}"
        return TrainingError("device of the model", expected=expected, got=str(device), hint=hint)
    got = "one that another thread trains" if not loans[0].inference else "one that another thread uses"
    hint = f"wait for it, or beforehand {own_copy}" if inference else "wait for it, or copy.deepcopy(model)"
    return TrainingError("model", expected="one that no other thread has", got=got, hint=hint)


def _same(one: torch.device, other: torch.device) -> bool:
    """Whether two names are of one device: `cuda` is the current one of several."""
    return one == other or torch.empty(0, device=one).device == torch.empty(0, device=other).device


@contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Restores the caller's random states in the end, whatever is drawn inside.

    All threads share these states: what another one has drawn meanwhile, it draws once more. So this is for
    what seeds them, as training does; what draws nothing leaves them alone.
    """
    with drawing:
        before = RandomStates.now(device)
    try:
        yield
    finally:
        with drawing:
            before.restore(device)


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


_IMAGES = 4
"""Axes of a batch of images."""


def norms_of_one_number(model: Model) -> list[str]:
    """Paths of the normalisations that would see one number a channel of a batch of one image.

    A network that the model itself does not call, such as a discriminator, is tried on what it makes.

    Args:
        model: in training mode, which says what is live.
    """
    kinds = nn.modules.batchnorm._BatchNorm  # torch's only common base
    live = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, kinds) and module.training
    }
    seen: list[str] = []
    called: set[str] = set()
    made: list[torch.Size] = []

    def note(name: str, x: Tensor) -> None:
        called.add(name)
        if math.prod(x.shape[2:]) == 1:
            seen.append(name)

    hooks = [
        module.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
        for name, module in live.items()
    ]
    try:
        if live:
            hooks.append(model.register_forward_hook(lambda _, inputs, output: made.append(_shape(output))))
            with forked():
                example = model.example_input(1)
            trace_shapes(model, [tuple(example.shape[1:])])
        for network in _not_called(model, [name for name in live if name not in called]):
            shape = next((s for s in made if len(s) == _IMAGES and s[1] == network.input_spec.channels), None)
            size = shape[2:] if shape is not None else network.input_spec.size
            trace_shapes(network, [(network.input_spec.channels, *size)])
    finally:
        for hook in hooks:
            hook.remove()
    return [name for name in live if name in seen]


def _not_called(model: Model, names: Sequence[str]) -> Iterator[Model]:
    """Networks that are models themselves, and have a module of these names in them."""
    for path, network in model.named_children():
        if isinstance(network, Model) and any(name.startswith(f"{path}.") for name in names):
            yield network


def _shape(output: Any) -> torch.Size:
    return output.shape if isinstance(output, Tensor) else torch.Size()


def has_live_batch_norm(model: nn.Module) -> bool:
    """Whether a normalisation would take its statistics from the batch, in the present mode."""
    kinds = nn.modules.batchnorm._BatchNorm  # torch's only common base
    return any(isinstance(module, kinds) and module.training for module in model.modules())
