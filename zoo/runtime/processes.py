"""Several processes and mixed precision, through Hugging Face Accelerate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.execution import Execution
from zoo.registry.environment import processes
from zoo.registry.extras import require
from zoo.runtime.devices import RandomStates, sent
from zoo.runtime.team.board import wait_seconds
from zoo.spec.errors import OptionError, listing, near, quote
from zoo.spec.hints.spoken import argument

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS = ("fp32", "bf16", "fp16")
FULL: Precision = "fp32"
_SENT_AS = {torch.bfloat16: torch.float32, torch.float16: torch.float32, torch.bool: torch.uint8}
"""Types that not every backend sends, and those which hold the same values."""


class Accelerated(Execution):
    """Steps shared by the processes of a launch, in a precision.

    Args:
        accelerator: Accelerate's.
        steps: batches an epoch.
        fused: whether optimizers may use fused kernels.
    """

    def __init__(self, accelerator: Accelerator, steps: int, *, fused: bool = True) -> None:
        super().__init__(steps, fused=fused)
        self.accelerator = accelerator
        self.processes, self.process = accelerator.num_processes, accelerator.process_index
        self._announced: int | None = None
        self._common: RandomStates | None = None
        self._wrapped: list[nn.Module] = []
        self._loose: dict[int, list[nn.Parameter]] = {}

    def announce(self, images: int) -> None:
        """Takes note of the number of images in all processes' parts of the next batch."""
        self._announced = images

    def begin(self, images: int) -> None:
        """A step begins, of as many images as were announced."""
        self.images = images if self._announced is None else self._announced

    @contextmanager
    def apart(self, seeded: Callable[[int], None]) -> Iterator[None]:
        """Each process draws from a state of its own inside; `drawn` goes on from the one in common."""
        if self.processes == 1:
            yield
            return
        device = self.accelerator.device
        self._common = RandomStates.now(device)
        try:
            seeded(self.process)
            yield
        finally:
            self._common.restore(device)
            self._common = None

    def drawn(self, draw: Callable[[int], Tensor], count: int) -> Tensor:
        """Random numbers for the images of a step, from the state that all processes have in common."""
        if self._common is None:
            return super().drawn(draw, count)
        device = self.accelerator.device
        own = RandomStates.now(device)
        self._common.restore(device)
        total = self._announced or 0
        try:
            if count == len(range(self.process, total, self.processes)):
                # Of the batch as a whole, whose last image may have no counterpart in the other processes
                return draw(total)[self.process :: self.processes]
            return super().drawn(draw, count)
        finally:
            self._common = RandomStates.now(device)
            own.restore(device)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, with its gradients shared where there are several processes."""
        if self.processes == 1:
            return network
        # It lies on its device already
        wrapped: nn.Module = self.accelerator.prepare_model(network, device_placement=False)
        self._wrapped.append(wrapped)
        return wrapped

    def close(self) -> None:
        """Gives the networks their own forward back, and lets another precision follow in this process."""
        from accelerate.state import AcceleratorState, GradientState

        for wrapped in self._wrapped:
            self.accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)
        self._wrapped.clear()
        self.accelerator.free_memory()
        AcceleratorState._reset_state()
        GradientState._reset_state()

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """The optimizer, which leaves a step out whose half-precision gradients overflowed."""
        wrapped: torch.optim.Optimizer = self.accelerator.prepare_optimizer(optimizer, device_placement=False)
        return wrapped

    def precision(self) -> AbstractContextManager[Any]:
        """Accelerate's autocast."""
        context: AbstractContextManager[Any] = self.accelerator.autocast()
        return context

    def partial(self, network: nn.Module) -> AbstractContextManager[Any]:
        """Shares no gradients inside."""
        context: AbstractContextManager[Any] = self.accelerator.no_sync(network)
        return context

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        clip_norm: float | None = None,
        parameters: Iterable[nn.Parameter] = (),
    ) -> None:
        """Moves the parameters, those alike in all processes that no wrapped network has."""
        if self.processes > 1:
            for parameter in self._outside(optimizer):
                # Every process has to take part, or the others wait for it
                own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = self.accelerator.reduce(own, "mean")
        super().step(optimizer, clip_norm, parameters)

    def _outside(self, optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
        """What wrapping does not share the gradients of, such as the parameters that a loss owns."""
        if id(optimizer) not in self._loose:
            inside = {id(p) for network in self._wrapped for p in network.parameters()}
            owned = [p for group in optimizer.param_groups for p in group["params"]]
            self._loose[id(optimizer)] = [p for p in owned if id(p) not in inside]
        return self._loose[id(optimizer)]

    def _backward(self, loss: Tensor) -> None:
        self.accelerator.backward(loss)

    def _clip(self, parameters: list[nn.Parameter], norm: float) -> None:
        self.accelerator.clip_grad_norm_(parameters, norm)

    def gather_rows(self, values: Tensor) -> tuple[Tensor, int]:
        """Rows of all processes, without gradients, and the place of the first of this one's."""
        if self.processes == 1:
            return super().gather_rows(values)
        sizes = self._sizes(values)
        return self._rows(values, sizes), sum(sizes[: self.process])

    def gather(self, output: Tensor, batch: Batch) -> tuple[Tensor, Batch]:
        """Output, targets and indices of all processes."""
        # Figures are computed in full precision, whatever the forward was in
        if self.processes == 1:
            return output.float(), batch
        own = {key: value for key, value in batch.items() if key in ("target", "index")}
        # Once a step: each asking waits for all processes
        sizes = self._sizes(output)
        return self._rows(output.float(), sizes), {key: self._rows(v, sizes) for key, v in own.items()}

    def _sizes(self, values: Tensor) -> list[int]:
        """Rows of each process."""
        found: list[int] = self.accelerator.gather(torch.tensor([len(values)], device=values.device)).tolist()
        return found

    def _rows(self, values: Tensor, sizes: list[int]) -> Tensor:
        sent_as = values.detach().to(_SENT_AS.get(values.dtype, values.dtype)).contiguous()
        # Gathering takes parts of one length; what is added here is cut off below
        padded = self.accelerator.pad_across_processes(sent_as, dim=0)
        parts = self.accelerator.gather(padded).chunk(self.processes)
        rows = torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])
        return rows.to(values.dtype)

    def add(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.processes == 1:
            return values
        total: Tensor = self.accelerator.reduce(sent(values, self.accelerator.device), "sum")
        return total

    def state_dict(self) -> dict[str, Any]:
        """The scale of half-precision gradients."""
        scaler = self.accelerator.scaler
        return {"scaler": scaler.state_dict()} if scaler is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])


def accelerator_for(precision: str, device: torch.device) -> Accelerator | None:
    """Accelerate's object where several processes or another precision need it; None for one plain process.

    Raises:
        OptionError: the precision is unknown, or this device lacks it.
        MissingPackageError: Accelerate is not installed.
    """
    if precision not in PRECISIONS:
        raise OptionError(
            "precision", expected=listing(PRECISIONS), got=quote(precision), hint=near(precision, PRECISIONS)
        )
    if precision == FULL and processes()[1] == 1:
        return None
    if precision == "fp16" and device.type == "cpu":
        hint = f"say {argument('precision', 'bf16')}"
        raise OptionError("precision on the CPU", expected="fp32 or bf16", got="fp16", hint=hint)
    require("accelerate", "several processes" if precision == FULL else f"precision {precision}")
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    # No process waits for another for ever
    waiting = InitProcessGroupKwargs(timeout=timedelta(seconds=wait_seconds()))
    mixed = "no" if precision == FULL else precision
    return Accelerator(cpu=device.type == "cpu", mixed_precision=mixed, kwargs_handlers=[waiting])
