"""Execution of a trainer's steps: in one plain process, or by several and in another precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch


class Execution:
    """One process in full precision: torch is called directly. The engine hands in another where needed.

    A trainer runs its networks through `wrap`, its losses through `backward` and its optimizers through
    `step`; then several processes and mixed precision are no concern of its own.

    Args:
        steps: batches an epoch.
        fused: whether optimizers may take steps by torch's fused kernels, where there are any; their results
            differ from those of the others in the last digits, so that a run stays with what it began with.

    Attributes:
        processes: how many share a step.
        process: number of this one, from 0.
        images: of the present step, those of all processes.
    """

    processes = 1
    process = 0

    def __init__(self, steps: int = 1, *, fused: bool = True) -> None:
        self.steps, self.fused = steps, fused
        self.images = 0

    def announce(self, images: int) -> None:
        """The engine says how many images the next step has, over all processes."""

    def begin(self, images: int) -> None:
        """A trainer's step begins, with so many images in this process."""
        self.images = images

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network to call in training, whose gradients all processes share."""
        return network

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """The optimizer to step."""
        return optimizer

    def precision(self) -> AbstractContextManager[Any]:
        """Forwards inside run in the precision asked for."""
        return nullcontext()

    def partial(self, network: nn.Module) -> AbstractContextManager[Any]:
        """Gradients of backwards inside are added up in this process and not shared yet."""
        return nullcontext()

    def backward(self, loss: Tensor, images: int) -> None:
        """Adds the gradients of a loss that is a mean over `images` of the batch that has begun."""
        # Processes average gradients: weighted so, each image of the step counts alike
        scale = images * self.processes / self.images
        self._backward(loss if scale == 1 else loss * scale)

    def _backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        clip_norm: float | None = None,
        parameters: Iterable[nn.Parameter] = (),
    ) -> None:
        """Moves the optimizer's parameters and drops the gradients.

        Args:
            optimizer: from `wrap_optimizer`.
            clip_norm: largest norm of the gradients of `parameters` together, scaled to it where larger.
            parameters: what to clip.
        """
        if clip_norm is not None:
            self._clip(list(parameters), clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _clip(self, parameters: list[nn.Parameter], norm: float) -> None:
        torch.nn.utils.clip_grad_norm_(parameters, norm)

    def apart(self, seeded: Callable[[int], None]) -> AbstractContextManager[Any]:
        """Context of a step, in which dropout and the like draw other numbers in each process.

        Outside, and for `drawn`, all processes have the same random state. One process keeps the state that
        it has. The engine puts each step into it.

        Args:
            seeded: sets all random states for the process of a number, from 0.
        """
        return nullcontext()

    def drawn(self, draw: Callable[[int], Tensor], count: int) -> Tensor:
        """Random numbers for the images of a step, other ones in each process.

        Here all processes have the same random state, and each would draw the same: each draws for all, and
        takes its own. Where it has as many images as the others, one process would draw the same for them.

        Args:
            draw: makes rows of random numbers, as many as it is told.
            count: images in this process.

        Returns:
            `count` rows.

        Example:
            >>> import torch
            >>> Execution().drawn(lambda rows: torch.rand(rows, 2), 3).shape
            torch.Size([3, 2])
        """
        return draw(count * self.processes)[self.process :: self.processes]

    def gather_rows(self, values: Tensor) -> tuple[Tensor, int]:
        """Rows of all processes, in the processes' order, and the place of the first of this one's.

        Args:
            values: N x ..., other N in each process; what comes back has no gradients.

        Example:
            >>> Execution().gather_rows(torch.arange(3))
            (tensor([0, 1, 2]), 0)
        """
        return values.detach(), 0

    def gather(self, output: Tensor, batch: Batch) -> tuple[Tensor, Batch]:
        """Output and batch of all processes, to be measured."""
        return output, batch

    def add(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        return values

    def close(self) -> None:
        """Ends the execution, after the last step; gives networks back what `wrap` has changed."""

    def state_dict(self) -> dict[str, Any]:
        """State that a resumed run needs."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
