"""Plan of a network of timm as a chain of steps, proven by the identity of what passes between them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from zoo_timm.steps import Remainder, Rest, Wire, Wired, without
from zoo_timm.trace import CANNOT, Call, Stamp, record


class NoChainError(Exception):
    """The network's modules do not form a chain; the text is the reason."""


@dataclass(frozen=True)
class Step:
    """One step of the chain, as data.

    Attributes:
        name: dotted name of the module, or what a remainder is called.
        path: dotted name of the module; empty for a remainder.
        wire: which tensors it takes, where several are passed along.
        rest: what a remainder consists of.
        repeated: the module has run before, so that this step needs a copy.
    """

    name: str
    path: str = ""
    wire: Wire | None = None
    rest: Rest | None = None
    repeated: bool = False

    def make(self, model: nn.Module) -> nn.Module:
        """The step's module, which shares the network's."""
        if self.rest is not None:
            return Remainder(model, self.rest)
        module = model.get_submodule(self.path)
        if self.wire is not None:
            return Wired(module, self.wire)
        # No tensor is doubled: `_distinct` refuses a module with tensors that runs twice
        return copy.deepcopy(module) if self.repeated else module


@dataclass(frozen=True)
class Plan:
    """A network as steps in a row; running them one after another is `forward_features`.

    Attributes:
        steps: in order.
        gone: what `forward_head` does not need of the network.
    """

    steps: tuple[Step, ...]
    gone: tuple[str, ...]

    def modules(self, model: nn.Module) -> dict[str, nn.Module]:
        """The steps' modules by name; a name is the module's own in the network with `_` for its dots."""
        return {step.name.replace(".", "_"): step.make(model) for step in self.steps}

    def head(self, model: nn.Module) -> nn.Module:
        """The network with nothing but what `forward_head` needs."""
        return without(model, dict.fromkeys(self.gone))


def read_plan(model: nn.Module, channels: int, size: tuple[int, int]) -> Plan:
    """Splits a network into steps.

    A module is opened into those that it calls where each is given exactly what the one before returned, and
    nothing happens in between: in inference and in training, and for images of another size where the
    network takes them. Code of `forward_features` between the modules stays timm's own (`Remainder`).

    Args:
        model: a network of timm on the meta device, whose modules do not work in place.
        channels: of the images.
        size: height and width of images that it takes.

    Raises:
        NoChainError: its modules do not form a chain.
    """
    again = _openings(_record_training(model, channels, size))
    try:
        features, head = record(model, _images(channels, size), training=False)
    except CANNOT as error:
        raise NoChainError(f"it does not run on {size[0]}x{size[1]}: {error}") from error
    if head is None:
        raise NoChainError("forward_head does not take what forward_features returns")
    opened = {path for path, inner in _openings(features).items() if again.get(path) == inner}
    steps = _distinct(model, _assemble(model, features, head, opened))
    return Plan(steps, _gone(model, features, head, steps))


def _record_training(model: nn.Module, channels: int, size: tuple[int, int]) -> Call:
    """Record of a forward in training, on images of another size if possible."""
    try:
        return record(model, _images(channels, (size[0] + 37, size[1] + 37)), training=True)[0]
    except CANNOT:
        pass
    try:
        return record(model, _images(channels, size), training=True)[0]
    except CANNOT as error:
        raise NoChainError(f"it does not run in training: {error}") from error


def _images(channels: int, size: tuple[int, int]) -> Tensor:
    # Two images: in training, batch norm refuses a single value a channel
    return torch.empty(2, channels, *size, device="meta")


# -- opening modules -----------------------------------------------------------------------------------


def _openings(root: Call) -> dict[str, tuple[str, ...]]:
    """The modules that are nothing but a row of those that they call."""
    seen: dict[str, tuple[str, ...] | None] = {}
    for call in root.everything():
        if call is not root:
            inner = tuple(c.path for c in call.calls) if _is_row(call) else None
            # Called twice, a module has to be such a row each time
            seen[call.path] = inner if seen.get(call.path, inner) == inner else None
    return {path: inner for path, inner in seen.items() if inner is not None}


def _is_row(call: Call) -> bool:
    # One with parameters of its own does more than call others
    if not call.calls or not _is_plain(call) or any(True for _ in call.module.parameters(recurse=False)):
        return False
    state = call.taken[0]
    for inner in call.calls:
        # The very tensor that the one before returned, and not written to since
        if not _is_plain(inner) or inner.taken[0] != state:
            return False
        state = inner.given
    return state == call.given


def _is_plain(call: Call) -> bool:
    return len(call.inputs) == 1 and not call.named and isinstance(call.inputs[0], Tensor)


def _leaves(call: Call, opened: set[str]) -> Iterator[Step]:
    if call.path in opened:
        for inner in call.calls:
            yield from _leaves(inner, opened)
    else:
        yield Step(_checked(call).path, call.path)


def _checked(call: Call) -> Call:
    if call.overwrites:
        raise NoChainError(f"{call.path} changes its input in place")
    if not isinstance(call.output, Tensor):
        raise NoChainError(f"{call.path} returns a {type(call.output).__name__}")
    return call


# -- putting the steps in a row ------------------------------------------------------------------------


def _assemble(model: nn.Module, root: Call, head: Call, opened: set[str]) -> Iterator[Step]:
    """The network's own modules in order, and one remainder for its code between or before them."""
    calls, start = root.calls, root.taken[0]
    gaps = _gaps(calls, start, root.given)
    if not gaps:
        yield from _wire(calls, [start], root.given, opened)
        return
    first, last = gaps[0], gaps[-1]
    # Children that the classifier alone needs, which a remainder does not keep
    alone = tuple(sorted({_child(c.path) for c in head.calls} - {_child(c.path) for c in calls}))
    before, after = calls[:first], calls[first:]
    # One gap, with plain modules on either side: a step of its own; tokens in front mean an embedding
    between = len(gaps) == 1 and before and not getattr(model, "num_prefix_tokens", 0)
    if between and all(map(_is_plain, after[:1])):
        yield from _wire(before, [start], before[-1].given, opened)
        yield Step("reshape" if after else "finish", rest=Rest(tuple(c.path for c in calls), alone))
        yield from _wire(after, [after[0].taken[0]] if after else [], root.given, opened)
        return
    _check_prefix(calls, last)
    after = calls[last:]
    keys: list[int | str] = [*range(len(after[0].inputs)), *after[0].named]
    order = (*keys[1:], keys[0])  # the map goes last
    passed = tuple(c.path for c in after)
    yield Step("embed", rest=Rest(passed, alone, gather=after[0].path, order=order))
    yield from _wire(after, [*after[0].taken[1:], after[0].taken[0]], root.given, opened)


def _child(path: str) -> str:
    return path.partition(".")[0]


def _gaps(calls: Sequence[Call], start: Stamp, end: Stamp) -> list[int]:
    """Where code of the network's own stands between modules: before which call, or after the last."""
    known = {start}
    gaps = []
    for i, call in enumerate(calls):
        # Given what no module returned: code of the network's own stands before this call
        if not known.issuperset(call.taken):
            gaps.append(i)
            # What was before the gap cannot be reached past it
            known = set(call.taken)
        known.add(call.given)
    return gaps if calls and end == calls[-1].given else [*gaps, len(calls)]


def _check_prefix(calls: Sequence[Call], last: int) -> None:
    def layers(part: Sequence[Call]) -> int:
        return sum(
            any(True for _ in c.module.parameters(recurse=False)) for k in part for c in k.everything()
        )

    if last == len(calls):
        name = calls[-1].path if calls else "a module"
        raise NoChainError(f"what {name} returns is changed before forward_features returns it")
    # An embedding is small; with most layers inside a remainder there would be no blocks to freeze
    if layers(calls[:last]) > layers(calls[last:]) / 2:
        raise NoChainError(f"{calls[last].path} is not given what {calls[last - 1].path} returns")
    for value in calls[last].arguments:
        if not isinstance(value, Tensor):
            raise NoChainError(f"{calls[last].path} is given a {type(value).__name__}")


def _wire(calls: Sequence[Call], state: list[Stamp], end: Stamp, opened: set[str]) -> Iterator[Step]:
    """Calls as steps; tensors that a later call needs are passed along in front of the map."""
    for i, call in enumerate(calls):
        if not call.taken or not set(state).issuperset(call.taken):
            raise NoChainError(f"{call.path} is given something that no module before it returns")
        # A tensor is passed along for as long as a call still needs it
        later = {v for c in calls[i + 1 :] for v in c.taken} | {end}
        kept = [s for s in state if s in later and s != call.given]
        if len(state) == 1 and not kept and _is_plain(call):
            yield from _leaves(call, opened)
        else:
            places = [state.index(s) for s in call.taken]
            number = len(call.inputs)
            wire = Wire(
                takes=tuple(places[:number]),
                named=tuple(zip(call.named, places[number:], strict=True)),
                keeps=tuple(state.index(s) for s in kept),
            )
            yield Step(call.path, _checked(call).path, wire)
        state = [*kept, call.given]


def _distinct(model: nn.Module, steps: Iterator[Step]) -> tuple[Step, ...]:
    """The steps with a copy of each module that runs again, which has no tensors; no parameter is in two."""
    found: list[Step] = []
    times: Counter[str] = Counter()
    for step in steps:
        times[step.path] += 1
        if times[step.path] > 1 and model.get_submodule(step.path).state_dict():
            raise NoChainError(f"{step.path} runs {times[step.path]} times")
        again = times[step.path] > 1
        found.append(replace(step, name=f"{step.name}.{times[step.path]}", repeated=True) if again else step)
    # A parameter in two steps would be frozen with one and trained with the other
    owners = Counter(p for step in found for p in set(step.make(model).parameters()))
    if any(count > 1 for count in owners.values()):
        raise NoChainError("two of its modules share parameters")
    if len({step.name.replace(".", "_") for step in found}) != len(found):
        raise NoChainError("two of its modules have the same name")
    return tuple(found)


def _gone(model: nn.Module, features: Call, head: Call, steps: Sequence[Step]) -> tuple[str, ...]:
    """The modules and parameters of the steps, by dotted name."""
    needed = {call.path for call in head.everything()}
    gone = {call.path for call in features.everything()} - needed
    # The remainder has the network's own parameters, such as position embeddings; the head goes without
    if any(step.rest for step in steps):
        own = (*model.named_parameters(recurse=False), *model.named_buffers(recurse=False))
        gone |= {name for name, _ in own}
        tops = {_child(path) for path in needed}
        gone |= {name for name, child in model.named_children() if name not in tops and _has_tensors(child)}
    gone |= {_child(path) for path in gone} - {_child(path) for path in needed}
    return tuple(sorted(gone - {""}))


def _has_tensors(module: nn.Module) -> bool:
    return any(True for _ in (*module.parameters(), *module.buffers()))
