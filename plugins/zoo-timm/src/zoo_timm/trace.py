"""Recording of a forward: which module was called inside which, with what, and what came out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

CANNOT = (
    *(RuntimeError, AssertionError, ValueError, LookupError, TypeError),
    *(AttributeError, ArithmeticError, StopIteration),
)
"""What networks raise for images that they cannot take."""

Stamp = tuple[Any, ...]
"""Tells which object it was, and in which state: equal stamps mean that nothing changed it in between."""


def stamp(value: Any) -> Stamp:
    """The identity of a value, and for tensors how often they were written to."""
    if isinstance(value, Tensor):
        # torch counts up `_version` with each write in place
        return (id(value), value._version)
    if isinstance(value, tuple | list):
        # Also what is in it, which may be replaced while the list stays the same
        return (id(value), *(stamp(v) for v in value))
    return (id(value),)


@dataclass(eq=False)
class Call:
    """One call of a module, and the calls that its forward made in turn.

    Attributes:
        path: dotted name of the module in the network.
        inputs: positional arguments.
        named: keyword arguments that are not the defaults.
        output: what it returned.
        taken: stamps of all arguments, as they were when it was called.
        given: stamp of the output, as it was when it returned.
        overwrites: it changed one of its inputs in place.
    """

    path: str
    module: nn.Module
    inputs: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    taken: tuple[Stamp, ...] = ()
    given: Stamp = ()
    calls: list[Call] = field(default_factory=list)
    overwrites: bool = False

    @property
    def arguments(self) -> list[Any]:
        """The positional arguments, then the named ones."""
        return [*self.inputs, *self.named.values()]

    def everything(self) -> Iterator[Call]:
        """The call and all calls inside it."""
        yield self
        for call in self.calls:
            yield from call.everything()


def record(model: nn.Module, x: Tensor, *, training: bool) -> tuple[Call, Call | None]:
    """Runs `forward_features`, then `forward_head`, and records every module call.

    Args:
        model: a network of timm on the meta device.
        x: N x C x H x W on the meta device.
        training: the mode to run in, and to leave the model in.

    Returns:
        The record of the features, and of the classifier, which is None where it does not run.
    """
    model.train(training)
    features, head = Call("", model), Call("", model)
    stack: list[Call] = []

    def run(call: Call, method: Any, given: Any) -> None:
        call.inputs, call.taken = (given,), (stamp(given),)
        # In place, since the hooks hold this very list
        stack[:] = [call]
        call.output = method(given)
        call.given = stamp(call.output)

    with torch.no_grad(), _hooks(model, stack):
        run(features, model.forward_features, x)
        try:
            run(head, model.forward_head, features.output)
        # The classifier takes something else; `read_plan` refuses such a network and says so
        except CANNOT:
            return features, None
    return features, head


@contextmanager
def _hooks(model: nn.Module, stack: list[Call]) -> Iterator[None]:
    def before(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call = Call(path, module, args, _uncommon(module, kwargs))
            call.taken = tuple(map(stamp, call.arguments))
            stack[-1].calls.append(call)
            stack.append(call)

        return hook

    def after(module: nn.Module, args: Any, output: Any) -> None:
        call = stack.pop()
        call.output, call.given = output, stamp(output)
        call.overwrites = call.taken != tuple(map(stamp, call.arguments))

    handles = []
    for path, module in model.named_modules():
        if path:
            handles.append(module.register_forward_pre_hook(before(path), with_kwargs=True, prepend=True))
            handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _uncommon(module: nn.Module, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments that differ from the defaults of the module's forward."""
    if not kwargs:
        return {}
    # timm's forwards hand defaults on by name, such as attn_mask=None
    defaults = {k: p.default for k, p in inspect.signature(module.forward).parameters.items()}
    return {k: v for k, v in kwargs.items() if k not in defaults or v is not defaults[k]}
