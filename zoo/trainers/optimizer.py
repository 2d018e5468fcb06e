"""Optimizers, rates by part and schedules by name, for every trainer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from zoo.spec.errors import OptionError, listing, near, quote
from zoo.spec.schedule import Plateau, Schedule

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}

Rate = float | Mapping[str, float]
Group = dict[str, Any]


def groups(parts: Mapping[str, Iterable[nn.Parameter]], lr: Rate) -> list[Group]:
    """One parameter group for each part that has something to train, with its learning rate.

    Args:
        parts: parameters by name of the part; those without gradients are left out.
        lr: one rate, or one by part.

    Raises:
        OptionError: the table names a part that there is not, or lacks one that is trained.

    Example:
        >>> net = nn.ModuleDict({"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
        >>> rates = {"backbone": 1e-5, "head": 1e-3}
        >>> [(g["name"], g["lr"]) for g in groups({k: m.parameters() for k, m in net.items()}, rates)]
        [('backbone', 1e-05), ('head', 0.001)]
    """
    trained = {name: [p for p in given if p.requires_grad] for name, given in parts.items()}
    if not isinstance(lr, Mapping):
        return [{"name": name, "params": params, "lr": lr} for name, params in trained.items() if params]
    for name in lr:
        if name not in trained:
            hint = near(name, [*trained])
            raise OptionError("lr: unknown part", expected=listing(trained), got=quote(name), hint=hint)
    found = []
    for name, params in trained.items():
        if params and name not in lr:
            hint = f"add {name} to the table, or freeze it"
            raise OptionError("lr", expected=f"a rate for {name}", got=listing(lr), hint=hint)
        if params:
            found.append({"name": name, "params": params, "lr": lr[name]})
    return found


class Rates:
    """The learning rates of an optimizer while it trains.

    Args:
        optimizer: whose groups' rates are the full ones now.
        schedule: says what they are multiplied with.
        epochs: of the run.
        steps: optimizer steps an epoch, on average.
        higher_is_better: how a plateau schedule reads the watched value.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        *,
        epochs: int,
        steps: float,
        higher_is_better: bool = False,
    ) -> None:
        self.optimizer = optimizer
        self._moving: LambdaLR | None = None
        self._plateau: ReduceLROnPlateau | None = None
        if schedule.moves:
            self._moving = LambdaLR(optimizer, lambda step: schedule.factor(step / steps, epochs))
        elif isinstance(schedule, Plateau):
            self._plateau = ReduceLROnPlateau(
                optimizer,
                mode="max" if higher_is_better else "min",
                factor=schedule.by,
                patience=schedule.patience,
                min_lr=schedule.least,
            )

    def step(self) -> None:
        """After each step of the optimizer."""
        if self._moving is not None:
            self._moving.step()

    def end_epoch(self, watched: float) -> None:
        """After each epoch, with the value that the run watches."""
        if self._plateau is not None:
            self._plateau.step(watched)

    @property
    def values(self) -> dict[str, float]:
        """The present rate by part."""
        return {g.get("name", str(i)): float(g["lr"]) for i, g in enumerate(self.optimizer.param_groups)}

    def state_dict(self) -> dict[str, Any]:
        """What goes on where it was, besides the optimizer's own state."""
        both = {"moving": self._moving, "plateau": self._plateau}
        return {name: part.state_dict() for name, part in both.items() if part is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        if self._moving is not None:
            self._moving.load_state_dict(dict(state["moving"]))
            # The saved rates are those of a run that may have had other epochs.
            base, factors = self._moving.base_lrs, self._moving.lr_lambdas
            for group, full, factor in zip(self.optimizer.param_groups, base, factors, strict=True):
                group["lr"] = full * factor(self._moving.last_epoch)
        if self._plateau is not None:
            self._plateau.load_state_dict(dict(state["plateau"]))


def trainable(networks: Sequence[nn.Module]) -> list[nn.Parameter]:
    """The parameters with gradients, each once."""
    return list({id(p): p for n in networks for p in n.parameters() if p.requires_grad}.values())
