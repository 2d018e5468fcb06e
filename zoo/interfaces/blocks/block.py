"""A block: the unit of freezing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from torch import Tensor, nn

State = Tensor | tuple[Tensor, ...]
"""What passes from block to block."""

_watchers: list[Callable[[Block], None]] = []


@contextmanager
def watched(tell: Callable[[Block], None]) -> Iterator[None]:
    """Calls `tell` with each block, of any model, right after it was frozen or unfrozen inside."""
    _watchers.append(tell)
    try:
        yield
    finally:
        _watchers.remove(tell)


class Block(nn.Sequential):
    """Named steps in a row, frozen and unfrozen as one.

    A frozen block has no gradients and stays in inference mode (normalisation, dropout, drop-path) whatever
    `.train()` says. The flag lives here, so that copying, wrapping and re-loading keep it.

    Args:
        **steps: modules in order, by name; the names are the block's taps. A step takes what the one before
            returns, a tensor or a declared tuple, and must not change its input in place.

    Example:
        >>> block = Block(conv1=nn.Conv2d(3, 8, 3), relu1=nn.ReLU())
        >>> block = block.freeze()
        >>> block.train().training, block.conv1.weight.requires_grad
        (False, False)
    """

    def __init__(self, **steps: nn.Module) -> None:
        super().__init__(OrderedDict(steps))
        self.frozen = False
        self._trainable_before: list[str] = []
        self._modes_before: dict[str, bool] = {}

    def freeze(self) -> Self:
        """Freezes the block: no gradients, inference mode, until `unfreeze`; returns it, as `eval()` does."""
        if self.frozen:
            return self
        self._modes_before = {name: module.training for name, module in self.named_modules()}
        self._trainable_before = [name for name, p in self.named_parameters() if p.requires_grad]
        for parameter in self.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None  # a gradient from before would let an optimizer move it once more
        self.eval()
        self.frozen = True
        self._tell()
        return self

    def unfreeze(self, training: bool = True) -> Self:
        """Restores exactly what was trainable, and each module's mode, before `freeze`; returns the block.

        Args:
            training: the mode of the model that holds the block.
        """
        if not self.frozen:
            return self
        self.frozen = False
        trainable = set(self._trainable_before)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in trainable)
        self.train(training)
        if training and self._modes_before.get(""):
            for name, module in self.named_modules():
                module.training = self._modes_before.get(name, training)
        self._tell()
        return self

    @property
    def before(self) -> dict[str, Any]:
        """State that unfreezing restores, as plain data: trainable parameters, and each module's mode."""
        return {"trainable": list(self._trainable_before), "modes": dict(self._modes_before)}

    @before.setter
    def before(self, state: Mapping[str, Any]) -> None:
        self._trainable_before, self._modes_before = list(state["trainable"]), dict(state["modes"])

    def _tell(self) -> None:
        for tell in tuple(_watchers):
            tell(self)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode, unless the block is frozen."""
        return super().train(mode and not self.frozen)
