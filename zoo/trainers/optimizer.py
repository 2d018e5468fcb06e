"""An optimizer of named parts: its rates, their schedule, clipping, kernels and state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from zoo.interfaces.execution import Execution
from zoo.spec.errors import OptionError, TrainingError, listing, quote, reason, warn
from zoo.spec.trainers.any_optimizer import read_optimizer
from zoo.spec.trainers.optimizers import OptimizerOptions
from zoo.spec.trainers.schedule import Plateau, Schedule, read_schedule
from zoo.trainers.fused import FUSED_STEPS, FusedSteps
from zoo.trainers.rates import Rate, parts_of_equal_rate, rates_by_part

FUSED_DEVICES = frozenset({"cpu", "cuda"})
"""Where torch's fused kernels are known to give what its others do."""

_FUSED: Mapping[str, frozenset[str]] = {
    "adam": FUSED_DEVICES,
    "adamw": FUSED_DEVICES,
    "sgd": FUSED_DEVICES,
    "adagrad": frozenset({"cpu"}),
}


class Optimizer:
    """One of torch's optimizers over named parts of a model, with all that moves its rates.

    Parts of equal rate are one parameter group, which is faster; rates are still told by part. Where torch
    has a fused kernel for optimizer, device and type, and `execution.fused` allows it, that takes the step.

    Args:
        parts: parameters by name of the part; those without gradients are left out.
        lr: one learning rate, or one by part.
        spec: optimizer by name, a table with its own options, or validated ones.
        schedule: what the rates are multiplied with, by name, a table, or an object.
        epochs: of the run.
        steps: of the optimizer an epoch, on average; the execution's where None.
        clip_norm: gradients with a larger norm, all together, are scaled down to it; None leaves them.
        higher_is_better: how a plateau schedule reads the watched value.
        execution: through which the step is taken; one plain process where None.

    Raises:
        OptionError: the rates name a part that there is not, or lack one that is trained, or the optimizer
            does not take a parameter.
        TrainingError: nothing is trained.

    Example:
        >>> net = nn.ModuleDict({"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
        >>> parts = {name: list(part.parameters()) for name, part in net.items()}
        >>> optimizer = Optimizer(parts, lr={"backbone": 1e-5, "head": 1e-3}, spec="adam")
        >>> net["head"](net["backbone"](torch.ones(1, 2))).sum().backward()
        >>> optimizer.step()
        >>> optimizer.values
        {'backbone': 1e-05, 'head': 0.001}
    """

    def __init__(
        self,
        parts: Mapping[str, Iterable[nn.Parameter]],
        *,
        lr: Rate,
        spec: OptimizerOptions | str | Mapping[str, Any] = "adam",
        schedule: Schedule | str | Mapping[str, Any] = "constant",
        epochs: int = 1,
        steps: float | None = None,
        clip_norm: float | None = None,
        higher_is_better: bool = False,
        execution: Execution | None = None,
    ) -> None:
        self.execution = execution or Execution()
        self.spec, self.schedule, self.epochs = read_optimizer(spec), read_schedule(schedule), epochs
        self.steps, self.clip_norm = self.execution.steps if steps is None else steps, clip_norm
        trained = {name: [p for p in given if p.requires_grad] for name, given in parts.items()}
        self.parts = {name: params for name, params in trained.items() if params}
        self.parameters = [p for params in self.parts.values() for p in params]
        if not self.parameters:
            hint = "unfreeze some of it; model.frozen lists the blocks"
            expected = "something to train"
            raise TrainingError(listing(trained), expected=expected, got="all frozen", hint=hint)
        # With the parts that are frozen whole: a rate for one of them is no mistake.
        rates = rates_by_part(trained, lr)
        # Without fused kernels as version 0.1 had them, one a part, so that its states fit.
        self.groups = parts_of_equal_rate(rates) if self.execution.fused else [(name,) for name in rates]
        self._full = [rates[names[0]] for names in self.groups]
        self.fused = self.execution.fused and _can_fuse(self.spec.name, self.parameters)
        self.torch = self._make()
        self._wrapped: Any = self.execution.wrap_optimizer(self.torch)
        # A wrapper of Accelerate, and a step of another kind, call `step` of torch themselves.
        plain = self._wrapped is self.torch and type(self.execution).step is Execution.step
        if plain and self.spec.name in FUSED_STEPS:
            self._wrapped = FusedSteps(self.torch)
        self._done = 0
        self._plateau = self._make_plateau(higher_is_better)
        self._move()

    def _make(self) -> torch.optim.Optimizer:
        groups = [
            {"params": [p for name in names for p in self.parts[name]], "lr": rate}
            for names, rate in zip(self.groups, self._full, strict=True)
        ]
        odd = next((p for p in self.parameters if self.spec.matrices_only and p.ndim != 2), None)
        if odd is not None:
            where, got = f"optimizer {self.spec.name}", f"one of {odd.ndim} dimensions"
            hint = 'say optimizer="adamw"'
            raise OptionError(where, expected="parameters that are all matrices", got=got, hint=hint)
        made = getattr(torch.optim, self.spec.torch_name)
        fused = {"fused": True} if self.fused else {}
        try:
            found: torch.optim.Optimizer = made(groups, **self.spec.values, **fused)
        except ValueError as error:  # options that do not go together
            got = reason(error)
            raise OptionError(f"optimizer {self.spec.name}", expected="options that fit", got=got) from error
        return found

    def _make_plateau(self, higher: bool) -> ReduceLROnPlateau | None:
        how = self.schedule
        if not isinstance(how, Plateau):
            return None
        better = {} if how.min_delta is None else {"threshold": how.min_delta, "threshold_mode": "abs"}
        return _Plateau(
            self.torch, mode="max" if higher else "min", factor=how.by, patience=how.patience,
            cooldown=how.cooldown, min_lr=how.min_lr, **better,  # type: ignore[arg-type]
        )  # fmt: skip

    def step(self) -> None:
        """Clips, moves the parameters, drops the gradients, and lets the schedule go on."""
        self.execution.step(self._wrapped, self.clip_norm, self.parameters)
        if self.schedule.moves:
            self._done += 1
            self._move()

    def add(self, name: str, parameters: Iterable[nn.Parameter], lr: float) -> None:
        """Trains a further part from now on, such as blocks that were just unfrozen.

        A trainer that does so has to do it again before `load_state_dict`.

        Args:
            name: of the part, a new one.
            parameters: all are taken; those without gradients at a step are left alone in it.
            lr: its full rate, which the schedule goes on to move.

        Raises:
            OptionError: there is a part of that name.
            TrainingError: there are no parameters, or one is trained already.
        """
        if name in self.parts:
            raise OptionError(f"optimizer {self.spec.name}", expected="a new part", got=quote(name))
        params, own = [*parameters], {id(p) for p in self.parameters}
        if not params or any(id(p) in own for p in params):
            got = "one that is trained already" if params else "none"
            raise TrainingError(f"part {name}", expected="parameters to train from now on", got=got)
        self.parts[name] = params
        self.parameters += params
        self.groups.append((name,))
        self._full.append(lr)
        fused = {"fused": True} if self.fused else {}
        self.torch.add_param_group({"params": params, "lr": lr, **fused})
        self._move()

    def zero_grad(self) -> None:
        """Drops the gradients, e.g. those of a first pass; `step` does it after each step."""
        for parameter in self.parameters:
            parameter.grad = None

    def end_epoch(self, watched: float) -> None:
        """Takes note of an epoch's end, with the value that the run watches."""
        if self._plateau is not None:
            self._plateau.step(watched)

    def _move(self) -> None:
        """Sets the rates for the present step."""
        if self.schedule.moves:
            # Epochs behind, with fractions.
            factor = self.schedule.factor(self._done / self.steps, self.epochs)
            for group, full in zip(self.torch.param_groups, self._full, strict=True):
                group["lr"] = full * factor

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Torch's groups, each of the parts of one rate."""
        return self.torch.param_groups

    @property
    def values(self) -> dict[str, float]:
        """The present rate by part."""
        present = {
            name: float(group["lr"])
            for names, group in zip(self.groups, self.torch.param_groups, strict=True)
            for name in names
        }
        return {name: present[name] for name in self.parts}

    def state_dict(self) -> dict[str, Any]:
        """All that goes on where it was."""
        return {
            "optimizer": self.torch.state_dict(),
            "full": [*self._full],
            "steps": self._done,
            "plateau": self._plateau.state_dict() if self._plateau is not None else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`; steps go on by the kernels that they were taken by before.

        Warns where this device lacks those.
        """
        settings = {key for group in self.torch.param_groups for key in group}
        self.torch.load_state_dict(dict(state["optimizer"]))
        # torch takes a group without one, and misses it in a step
        if any(lost := settings.difference(group) for group in self.torch.param_groups):
            raise ValueError(f"an optimizer without {listing(sorted(lost))}")
        before = bool(self.torch.param_groups[0].get("fused"))
        if before and not self.fused and not _can_fuse(self.spec.name, self.parameters):
            device = self.parameters[0].device.type
            warn(
                f"the run was begun with fused kernels of {self.spec.name}, which {device} lacks; it may end "
                "otherwise than unbroken"
            )
            before = False
        self._use(before)
        self._full, self._done = [float(rate) for rate in state["full"]], int(state["steps"])
        self._move()
        if self._plateau is not None and state["plateau"] is not None:
            self._plateau.load_state_dict(dict(state["plateau"]))

    def _use(self, fused: bool) -> None:
        """Takes steps by fused kernels, or not, from now on."""
        self.fused = fused
        for group in self.torch.param_groups:
            if "fused" in group:
                group["fused"] = True if fused else None
        # Torch's gradient scaler hands a fused kernel its scale, and unscales for the others itself.
        self.torch._step_supports_amp_scaling = fused  # type: ignore[attr-defined]


class _Plateau(ReduceLROnPlateau):
    """Torch's, whose share of the best value counts in the wrong direction below 0."""

    def _is_better(self, a: float, best: float) -> bool:
        """Whether a value is better than the best one, by more than the threshold."""
        # Infinite is the best of no epoch yet.
        if self.threshold_mode != "rel" or best >= 0 or best in (float("inf"), -float("inf")):
            return bool(super()._is_better(a, best))  # type: ignore[no-untyped-call]
        least = self.threshold * -best
        return bool(a < best - least if self.mode == "min" else a > best + least)


def _can_fuse(name: str, parameters: Sequence[nn.Parameter]) -> bool:
    """Whether torch has a fused kernel of the optimizer for all of the parameters."""
    devices = _FUSED.get(name, frozenset())
    return all(p.is_floating_point() and p.device.type in devices for p in parameters)


def trainable(networks: Sequence[nn.Module]) -> list[nn.Parameter]:
    """The parameters with gradients, each once."""
    return list({id(p): p for n in networks for p in n.parameters() if p.requires_grad}.values())
