"""Tensors of a file by the names of a network, whatever was put around the network when they were saved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zoo.interfaces.backbone import Backbone
from zoo.spec.errors import WeightsError, ZooError, listing
from zoo.weights.tensor_files import Tensors

COMPILED = "_orig_mod"
"""Word that `torch.compile` puts into the names, wherever a part was compiled."""
_MOST = 4
_AROUND = ("state_dict", "module", "model", "net", "network", "backbone", "encoder")


class Matched(NamedTuple):
    """Tensors of a file by the names of a network.

    Args:
        body: of the backbone, or of the whole network.
        head: of the published classifier.
        aside: the file's names of tensors that stand beside the network.
    """

    body: Tensors
    head: Tensors
    aside: tuple[str, ...]


def converted(backbone: Backbone, state: Mapping[str, Tensor], kept: Collection[str] = ()) -> Matched:
    """A file's tensors as the backbone's and its original head's; whether they fit is for `assign` to say.

    Takes files in four manners: a model saved by zoo (`backbone.*`), a complete one that has the backbone as
    a part, a bare backbone's state dict, or the published network's own names; each of them also behind what
    all its names begin with, such as `module.` of a network for several devices.

    Args:
        backbone: the whole of it.
        state: the file's tensors.
        kept: names of its tensors that are wanted, where not all; a file may have just these.

    Raises:
        WeightsError: the file holds the network twice, with other values.
    """
    own = set(backbone.state_dict())
    wanted = {*kept} or own
    best: Matched | None = None
    failed: Exception | None = None
    for view in views(state):
        try:
            body, head, used = _converted(backbone, view, wanted)
        except (ZooError, KeyError, RuntimeError, ValueError, IndexError) as error:
            failed = failed or error  # of the names as they are: others are a try
            continue
        found = Matched(body, head, tuple(used.rest))
        if wanted <= body.keys():
            _check_single(used)
            return found
        # The first of those with most in common: what lacks or is too much is for `assign` to name
        if best is None or len(own & found.body.keys()) > len(own & best.body.keys()):
            best = found
    if failed is not None and (best is None or not own & best.body.keys()):
        raise failed
    assert best is not None  # noqa: S101 - each view gives a result or an error
    return best


def aligned(model: nn.Module, state: Mapping[str, Tensor]) -> Matched:
    """A file's tensors by the names of a whole model, without what all their names begin with.

    Raises:
        WeightsError: the file holds the model twice, with other values.
    """
    own = set(model.state_dict())
    view = max(views(state), key=lambda found: len(own & found.state.keys()))
    if own <= view.state.keys():
        _check_single(view)
    return Matched(dict(view.state), {}, tuple(view.rest))


class View(NamedTuple):
    """Tensors of a file that may be a network's.

    Args:
        state: by the names that they have in it.
        rest: the others of the file.
        name: what the names of `state` begin with in the file, where there are others.
    """

    state: Mapping[str, Tensor]
    rest: Mapping[str, Tensor]
    name: str = ""


def views(state: Mapping[str, Tensor]) -> Iterator[View]:
    """A state as it is, without each beginning that all its names share, and its parts by usual names.

    Example:
        >>> [list(view.state) for view in views({"module.model.fc.bias": 1, "module.model.conv.bias": 2})][-1]
        ['fc.bias', 'conv.bias']
        >>> [*views({"net.fc.bias": 1, "loss.weight": 2})][-1]
        View(state={'fc.bias': 1}, rest={'loss.weight': 2}, name='net')
    """
    yield View(state, {})
    state = {".".join(p for p in k.split(".") if p != COMPILED): v for k, v in state.items()}
    yield View(state, {})
    while len(firsts := {k.partition(".")[0] for k in state}) == 1 and all("." in k for k in state):
        (first,) = firsts
        state = {k.removeprefix(f"{first}."): v for k, v in state.items()}
        yield View(state, {})
    # Beside the network, a trainer's file has the weights of its loss and the like
    for word in _AROUND:
        if (part := _part(View(state, {}), word)).state:
            yield part


def _converted(backbone: Backbone, view: View, wanted: set[str]) -> tuple[Tensors, Tensors, View]:
    """The backbone's tensors, those of its head, and where they were found."""
    state, own = view.state, set(backbone.state_dict())
    forms = own, wanted
    inside = _part(view, "backbone")
    # Some in common will do: what lacks or is too much is for `assign` to name
    if inside.state and set(inside.state) & own:
        head = {k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")}
        heads = f"{inside.name.removesuffix('backbone')}head."
        rest = {k: v for k, v in inside.rest.items() if not k.startswith(heads)}
        return backbone.adapt_input(dict(inside.state)), head, inside._replace(rest=rest)
    if set(state) in forms:
        return backbone.adapt_input(dict(state)), {}, view
    for name in dict.fromkeys(k.partition(".")[0] for k in state):  # a complete model saved by zoo
        if set((inside := _part(view, name)).state) in forms:
            return backbone.adapt_input(dict(inside.state)), {}, inside
    mapped = backbone.convert(state)
    head = {k.removeprefix("head."): v for k, v in mapped.items() if k.startswith("head.")}
    body = {k: v for k, v in mapped.items() if not k.startswith("head.")}
    return backbone.adapt_input(body), head, view


def _part(view: View, name: str) -> View:
    """What lies in a view under a name."""
    inside = {k.removeprefix(f"{name}."): v for k, v in view.state.items() if k.startswith(f"{name}.")}
    before = f"{view.name}." if view.name else ""
    rest = {f"{before}{k}": v for k, v in view.state.items() if not k.startswith(f"{name}.")}
    return View(inside, {**view.rest, **rest}, f"{before}{name}")


def _check_single(used: View) -> None:
    """Raises WeightsError where the rest holds the same network with other values: which one is meant?"""
    first = next(iter(used.state), "")
    places = [k.removesuffix(f".{first}") for k in used.rest if k.endswith(f".{first}")]
    others = [place for place in places if _is_other(used.state, used.rest, place)]
    if others:
        raise WeightsError(
            "weights: the file holds the network more than once",
            expected="one network",
            got=listing([used.name, *others], _MOST),
            hint=f"save the tensors of one alone: {{k: v for k, v in state.items() if '{used.name}.' in k}}",
        )


def _is_other(state: Mapping[str, Tensor], rest: Mapping[str, Tensor], place: str) -> bool:
    """Whether a place has tensors of all these names and shapes, and not the same ones."""
    theirs = [(tensor, rest.get(f"{place}.{name}")) for name, tensor in state.items()]
    if not all(other is not None and other.shape == tensor.shape for tensor, other in theirs):
        return False
    return not all(torch.equal(tensor, other) for tensor, other in theirs if other is not None)
