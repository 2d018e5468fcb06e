"""Logged parts of a step's loss, added up over the parts of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

Parts = Tensor | dict[str, Tensor]
"""What a loss gives: a scalar, or named ones."""


def losses_by_name(loss: Tensor, parts: Parts, name: str = "loss") -> dict[str, Tensor]:
    """Values to log of a loss: the scalar that is minimised, and its named parts as `loss_<part>`.

    Args:
        loss: the scalar.
        parts: what it is the sum of; itself where it has no parts.
        name: of the scalar.

    Example:
        >>> import torch
        >>> sorted(losses_by_name(torch.tensor(3.0), {"kl": torch.tensor(1.0), "mse": torch.tensor(2.0)}))
        ['loss', 'loss_kl', 'loss_mse']
    """
    named = {f"loss_{part}": value for part, value in parts.items()} if isinstance(parts, dict) else {}
    return {name: loss, **named}


def add_up(logged: dict[str, Tensor], values: Mapping[str, Tensor], share: float = 1.0) -> None:
    """Adds a part's values, without gradients, to those of the whole batch.

    Args:
        logged: sums so far, changed in place.
        values: means over the part.
        share: of the batch's images that the part has.
    """
    for name, value in values.items():
        own = value.detach() if share == 1 else value.detach() * share
        logged[name] = logged[name] + own if name in logged else own
