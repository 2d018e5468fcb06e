"""Averaged weights of a network, beside those that are trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

N = TypeVar("N", bound=nn.Module)


class Average(Generic[N]):
    """The exponential moving average of a network's weights and running statistics.

    The network itself holds the average, so that what is measured, drawn and saved is that; a copy is
    trained. The decay rises to its full value over the first steps, since the average of few is better off
    without the random weights that it began with.

    Args:
        held: the network.
        decay: share of the old average in the new one, in (0, 1); None averages nothing, and trains the
            network itself.

    Attributes:
        trained: the network to optimise.

    Example:
        >>> import torch
        >>> net = nn.Linear(1, 1)
        >>> average = Average(net, 0.5)
        >>> _ = nn.init.ones_(average.trained.weight), nn.init.zeros_(net.weight)
        >>> average.move()
        >>> round(net.weight.item(), 3)
        0.9
    """

    def __init__(self, held: N, decay: float | None) -> None:
        self.held, self.decay, self._moves = held, decay, 0
        self.trained = held if decay is None else copy.deepcopy(held)

    def move(self) -> None:
        """Moves the average, after each step of the optimizer; buffers that are no numbers are copied."""
        if self.decay is None:
            return
        decay = min(self.decay, (1 + self._moves) / (10 + self._moves))
        self._moves += 1
        held, trained = (
            {**dict(net.named_parameters()), **dict(net.named_buffers())} for net in (self.held, self.trained)
        )
        moving = [name for name, tensor in held.items() if tensor.is_floating_point()]
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            average([held[n] for n in moving], [trained[n] for n in moving], self._moves)
            for name in held.keys() - set(moving):
                held[name].copy_(trained[name])

    def state_dict(self) -> dict[str, Any]:
        """State that a resumed run needs besides the network: empty where nothing is averaged."""
        return {} if self.decay is None else {"trained": self.trained.state_dict(), "moves": self._moves}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        if self.decay is not None:
            self.trained.load_state_dict(state["trained"])
            self._moves = state["moves"]
