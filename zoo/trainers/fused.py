"""Fused steps of Adam without the bookkeeping of torch's `step`, which takes longer than the kernel.

State and parameters, which torch looks up at each step, are looked up once here; the kernel and its numbers
are the same. All that is unusual is left to torch: the first step, parameters without gradients, hooks.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

FUSED_STEPS = frozenset({"adam", "adamw"})
"""Optimizers whose steps can be taken here."""

_STATE = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")


class FusedSteps:
    """Takes the steps of one of torch's optimizers.

    Args:
        optimizer: whose steps are taken; its state and rates stay in it.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self._seen: Any = None
        self._sizes: list[int] = []
        self._groups: list[tuple[dict[str, Any], list[nn.Parameter], list[list[Tensor]]]] = []

    def step(self) -> None:
        """Moves the parameters by their gradients."""
        sizes = [len(group["params"]) for group in self.optimizer.param_groups]
        if self.optimizer.state is not self._seen or sizes != self._sizes:  # loaded, or added to
            self._groups, self._sizes = self._look_up(), sizes
        gradients = [[p.grad for p in params] for _, params, _ in self._groups]
        if not gradients or _hooked(self.optimizer) or any(g is None for own in gradients for g in own):
            self.optimizer.step()
            return
        with torch.no_grad():
            for (group, params, state), own in zip(self._groups, gradients, strict=True):
                means, squares, largest, steps = state
                beta1, beta2 = group["betas"]
                adam(
                    params, own, means, squares, largest, steps, fused=True, amsgrad=group["amsgrad"],  # type: ignore[arg-type]
                    decoupled_weight_decay=group["decoupled_weight_decay"], beta1=beta1, beta2=beta2,
                    lr=group["lr"], weight_decay=group["weight_decay"], eps=group["eps"],
                    maximize=group["maximize"],
                )  # fmt: skip

    def _look_up(self) -> list[tuple[dict[str, Any], list[nn.Parameter], list[list[Tensor]]]]:
        """Groups with parameters and state; nothing where some of that is still to be made."""
        state, groups = self.optimizer.state, self.optimizer.param_groups
        if not all(group["fused"] and all(state.get(p) for p in group["params"]) for group in groups):
            return []
        self._seen = state
        return [
            (
                group,
                group["params"],
                [[state[p][name] for p in group["params"] if name in state[p]] for name in _STATE],
            )
            for group in groups
        ]

    def zero_grad(self, set_to_none: Literal[True] = True) -> None:
        """Drops the gradients."""
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


def _hooked(optimizer: torch.optim.Optimizer) -> bool:
    """Whether somebody waits for the calls of torch's own `step`: by hooks, or by one put in its place."""
    hooks = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    return "step" in vars(optimizer) or any(getattr(optimizer, name, None) for name in hooks)
