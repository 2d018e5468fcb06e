"""Steps for the code that a network runs between its modules."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from zoo.interfaces import State


@dataclass(frozen=True)
class Wire:
    """Wiring of a module: the tensors of a state that it takes, and those that it leaves for later.

    Attributes:
        takes: places in the incoming state, one a positional argument.
        named: places in the incoming state, by keyword.
        keeps: places in the incoming state that go on, in front of the module's output.
    """

    takes: tuple[int, ...]
    named: tuple[tuple[str, int], ...]
    keeps: tuple[int, ...]


@dataclass(frozen=True)
class Rest:
    """The part of a network that is left when modules are passed over.

    Attributes:
        passed: dotted names of the modules that do nothing here.
        dropped: children of the network that are not needed at all.
        gather: of the modules passed over, the one whose arguments all go on, in the order of `order`.
        order: its arguments, an integer for a positional one.
    """

    passed: tuple[str, ...]
    dropped: tuple[str, ...]
    gather: str | None = None
    order: tuple[int | str, ...] = ()


class Wired(nn.Module):
    """A module that takes some of the tensors that are passed along, and keeps some for later steps.

    Args:
        module: called with them.
        wire: which.
    """

    def __init__(self, module: nn.Module, wire: Wire) -> None:
        super().__init__()
        self.module, self.wire = module, wire

    def forward(self, state: State) -> State:
        """The kept tensors and the output as a tuple, or the output alone."""
        values = state if isinstance(state, tuple) else (state,)
        named = {key: values[i] for key, i in self.wire.named}
        output = self.module(*(values[i] for i in self.wire.takes), **named)
        kept = tuple(values[i] for i in self.wire.keeps)
        return (*kept, output) if kept else cast(State, output)


class Remainder(nn.Module):
    """The part of `forward_features` around its other modules: embeddings, reshaping, a norm.

    Args:
        model: the network; a copy is kept that shares its modules and holds nothing of those passed over.
        rest: which modules are passed over.
    """

    def __init__(self, model: nn.Module, rest: Rest) -> None:
        super().__init__()
        changes: dict[str, nn.Module | None] = dict.fromkeys(rest.dropped)
        for path in rest.passed:
            changes[path] = Gather(rest.order) if path == rest.gather else Pass()
        # timm's own code runs on, between stand-ins that hand on what they are given
        self.model = without(model, changes)

    def forward(self, x: Tensor) -> State:
        """Runs the network's own code."""
        return cast(State, self.model.forward_features(x))  # type: ignore[operator]


class Pass(nn.Module):
    """Returns its first argument."""

    def forward(self, x: Any, *_: Any, **__: Any) -> Any:
        """The first argument."""
        return x


class Gather(nn.Module):
    """Returns several of its arguments as a tuple.

    Args:
        order: which, an integer for a positional one.
    """

    def __init__(self, order: tuple[int | str, ...]) -> None:
        super().__init__()
        self.order = order

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The arguments, or the one argument."""
        found = tuple(args[key] if isinstance(key, int) else kwargs[key] for key in self.order)
        return found[0] if len(found) == 1 else found


def without(model: nn.Module, changes: Mapping[str, nn.Module | None]) -> nn.Module:
    """A copy of a network that shares its modules and tensors, with some left out or replaced.

    Args:
        model: stays as it is.
        changes: what stands in the copy instead of a module, by dotted name; None for nothing, which may
            also be said of a tensor.
    """
    # Shallow: tensors and modules are the network's own, and so are moved and trained with it
    twin = copy.copy(model)
    for name, value in vars(model).items():
        if isinstance(value, dict | set):
            twin.__dict__[name] = copy.copy(value)  # hooks and the like are each one's own
    below: dict[str, dict[str, nn.Module | None]] = {}
    for path, stand_in in changes.items():
        child, _, rest = path.partition(".")
        if rest:
            below.setdefault(child, {})[rest] = stand_in
        elif stand_in is not None:
            twin._modules[child] = stand_in
        else:
            for table in (twin._modules, twin._parameters, twin._buffers):
                table.pop(child, None)
    for child, inner in below.items():
        # What is replaced or left out as a whole needs no changes inside
        if child not in changes:
            twin._modules[child] = without(model.get_submodule(child), inner)
    return twin
