"""Fused steps of Adam without the bookkeeping of torch's `step`, which takes longer than the kernel.

State and parameters, which torch looks up and sorts by device and type at each step, are looked up once here;
the kernel and its numbers are the same. All that is unusual is left to torch: the first step, parameters
without gradients or of several types, rates that are tensors, the scale of a gradient scaler, hooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import optimizer as torchs

FUSED_STEPS = frozenset({"adam", "adamw"})
"""Optimizers whose steps can be taken here."""

_NUMBERS = ("lr", "weight_decay", "eps")
"""Options that the kernel takes as they stand in a group, where they are numbers of Python's."""

_REAL = (float, int)

_STATE = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")
"""What torch keeps of each parameter, in the order of the kernel."""

_ONE = torch.ones((), device="cpu")
"""Added to the counts of steps: a number would be made a tensor each time."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A parameter group of torch's, and the state of its parameters in their order.

    Args:
        options: the group itself, whose rates may change at any time.
        params: its parameters.
        means: of the gradients.
        squares: means of their squares.
        largest: of those so far; empty without `amsgrad`.
        steps: taken, one number a parameter.
        counts: all of `steps`, whose memory they share, so that they go up at once.
    """

    options: dict[str, Any]
    params: list[nn.Parameter]
    means: list[Tensor]
    squares: list[Tensor]
    largest: list[Tensor]
    steps: list[Tensor]
    counts: Tensor

    @classmethod
    def of(cls, options: dict[str, Any], state: Mapping[Tensor, dict[str, Any]]) -> _Group | None:
        """A group with its state, whose steps come to lie side by side; None where torch has to sort it."""
        params = options["params"]
        own = [state[p] for p in params]
        counted = [values["step"] for values in own]
        # Torch sorts groups by device and type; with one kind there is nothing to sort.
        kinds = {(p.device, p.dtype, s.device, s.dtype) for p, s in zip(params, counted, strict=True)}
        if len(kinds) != 1:
            return None
        counts = torch.stack(counted)
        for values, step in zip(own, counts.unbind(), strict=True):
            values["step"] = step
        means, squares, largest, steps = ([v[name] for v in own if name in v] for name in _STATE)
        return cls(options, params, means, squares, largest, steps, counts)

    def gradients(self) -> list[Tensor] | None:
        """Gradients of the parameters; None where the kernel takes them, or the options, not as they are."""
        options, (beta1, beta2) = self.options, self.options["betas"]
        # Torch takes tensors as well, and reads them itself.
        if type(beta1) is not float or type(beta2) is not float:
            return None
        for name in _NUMBERS:
            if type(options[name]) not in _REAL:
                return None
        # Releases of torch that do not say which decay is meant have it by the optimizer's class.
        if "decoupled_weight_decay" not in options or options["amsgrad"] is not bool(self.largest):
            return None
        found = []
        for parameter in self.params:
            if (gradient := parameter.grad) is None:
                return None
            found.append(gradient)
        return found

    def move(self, gradients: list[Tensor]) -> None:
        """Moves the parameters, as torch's `_fused_adam` does those of one device and type."""
        options = self.options
        beta1, beta2 = options["betas"]
        self.counts.add_(_ONE)
        kernel = torch._fused_adamw_ if options["decoupled_weight_decay"] else torch._fused_adam_
        kernel(
            self.params, gradients, self.means, self.squares, self.largest, self.steps,  # type: ignore[arg-type]
            amsgrad=options["amsgrad"], lr=options["lr"], beta1=beta1, beta2=beta2,
            weight_decay=options["weight_decay"], eps=options["eps"], maximize=options["maximize"],
            grad_scale=None, found_inf=None,
        )  # fmt: skip


class FusedSteps:
    """Takes the steps of one of torch's optimizers.

    Args:
        optimizer: whose steps are taken; its state and rates stay in it.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self._seen: Any = None
        self._groups: list[_Group] = []

    def step(self) -> None:
        """Moves the parameters by their gradients."""
        optimizer, groups = self.optimizer, self._groups
        if (
            optimizer.state is not self._seen  # it was loaded
            or len(optimizer.param_groups) != len(groups)
            or any(len(group.params) != len(group.steps) for group in groups)  # one got parameters
        ):
            self._groups = groups = self._look_up()
        gradients = [group.gradients() for group in groups]
        if not groups or None in gradients or _watched(optimizer):
            optimizer.step()
            return
        with torch.no_grad():
            for group, own in zip(groups, gradients, strict=True):
                group.move(own)  # type: ignore[arg-type]

    def _look_up(self) -> list[_Group]:
        """Groups with their state; nothing where some of it is still to be made, or is for torch to sort."""
        state, groups = self.optimizer.state, self.optimizer.param_groups
        # Before the first step no parameter has a state: torch makes it.
        if not all(group["fused"] and all(state.get(p) for p in group["params"]) for group in groups):
            return []
        self._seen = state
        found = [_Group.of(group, state) for group in groups]
        return [group for group in found if group is not None] if None not in found else []

    def zero_grad(self, set_to_none: Literal[True] = True) -> None:
        """Drops the gradients."""
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


def _watched(optimizer: torch.optim.Optimizer) -> bool:
    """Whether torch's own `step` has to be called: it has hooks, a scale, or one put in its place."""
    own = vars(optimizer)
    return bool(
        "step" in own
        or own.get("grad_scale") is not None
        or own.get("found_inf") is not None
        or own.get("_optimizer_step_pre_hooks")
        or own.get("_optimizer_step_post_hooks")
        or torchs._global_optimizer_pre_hooks
        or torchs._global_optimizer_post_hooks
    )
