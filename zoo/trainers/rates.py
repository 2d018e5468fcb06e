"""Learning rates by part of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from zoo.spec.errors import OptionError, listing, near, quote

Rate = float | Mapping[str, float]
"""One learning rate, or one by part."""


def from_rates(optimizer: Mapping[str, Any], rates: Mapping[str, Any]) -> dict[str, Any]:
    """State of an optimizer and its rates that version 0.1 saved, as `Optimizer.load_state_dict` takes it."""
    groups = optimizer["param_groups"]
    moving = rates.get("moving")
    full = (
        [group.get("initial_lr", group["lr"]) for group in groups] if moving is None else moving["base_lrs"]
    )
    steps = 0 if moving is None else moving["last_epoch"]
    return {"optimizer": optimizer, "full": full, "steps": steps, "plateau": rates.get("plateau")}


def rates_by_part(parts: Mapping[str, Sequence[nn.Parameter]], lr: Rate) -> dict[str, float]:
    """The full learning rate of each part that has something to train.

    Args:
        parts: trained parameters by name of the part.
        lr: one rate, or one by part.

    Raises:
        OptionError: the table names a part that there is not, or lacks one that is trained.

    Example:
        >>> import torch
        >>> rates_by_part({"backbone": [], "head": [nn.Parameter(torch.ones(1))]}, {"head": 1e-3})
        {'head': 0.001}
    """
    trained, parts = parts, {name: params for name, params in parts.items() if params}
    if not isinstance(lr, Mapping):
        return dict.fromkeys(parts, lr)
    for name in lr:
        if name not in trained:
            hint = near(name, [*trained])
            raise OptionError("lr: unknown part", expected=listing(trained), got=quote(name), hint=hint)
    for name in parts:
        if name not in lr:
            hint = f"add {name} to the table, or freeze it"
            raise OptionError("lr", expected=f"a rate for {name}", got=listing(lr), hint=hint)
    return {name: lr[name] for name in parts}


def parts_of_equal_rate(rates: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Parts of equal rate, in the order of the first of each."""
    by_rate: dict[float, list[str]] = {}
    for name, rate in rates.items():
        by_rate.setdefault(rate, []).append(name)
    return [tuple(names) for names in by_rate.values()]
