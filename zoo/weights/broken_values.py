"""Warnings of weights that are no numbers, in their file or once they have the network's type."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from zoo.interfaces.blocks.weight_values import broken, overflowed, told
from zoo.spec.display import counted
from zoo.spec.errors import warn

_WHY = "the training that made them went astray, or the file is damaged"


def warn_broken(state: Mapping[str, Tensor], parameters: Collection[str], text: str) -> None:
    """Says which weights are no numbers: a model with one of them answers nothing.

    Args:
        state: tensors by name.
        parameters: names of those that are parameters.
        text: how messages call them.
    """
    if names := broken(state, parameters):
        found = f"{len(names)} of {counted(len(state), 'tensor')} have nan or infinite values ({told(names)})"
        warn(f"weights {text}: {found}: {_WHY}")


def warn_overflow(state: Mapping[str, Tensor], typed: Mapping[str, Tensor], text: str) -> None:
    """Says which weights become infinite in the network's type of number.

    Args:
        state: tensors by name, as their file has them.
        typed: the same in the type of the network's own.
        text: how messages call them.
    """
    if names := overflowed(state, typed):
        own, given = (str(of[names[0]].dtype).removeprefix("torch.") for of in (typed, state))
        found = (
            f"{len(names)} of {counted(len(state), 'tensor')} have values too large for {own} ({told(names)})"
        )
        warn(f"weights {text}: {found}, which were {given} and become infinite: {_WHY}")
