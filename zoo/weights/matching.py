"""Tensors of a file by the names of a network, whatever was put around the network when they were saved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from zoo.interfaces.backbone import Backbone
from zoo.spec.errors import ZooError
from zoo.weights.tensor_files import Tensors

COMPILED = "_orig_mod"
"""Word that `torch.compile` puts into the names, wherever a part was compiled."""
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
    """
    own = set(backbone.state_dict())
    wanted = {*kept} or own
    best: Matched | None = None
    failed: Exception | None = None
    for view, aside in views(state):
        try:
            found = Matched(*_converted(backbone, view, wanted), aside)
        except (ZooError, KeyError, RuntimeError, ValueError, IndexError) as error:
            failed = failed or error  # of the names as they are: others are a try
            continue
        if wanted <= found.body.keys():
            return found
        # The first of those with most in common: what lacks or is too much is for `assign` to name
        if best is None or len(own & found.body.keys()) > len(own & best.body.keys()):
            best = found
    if failed is not None and (best is None or not own & best.body.keys()):
        raise failed
    assert best is not None  # noqa: S101 - each view gives a result or an error
    return best


def aligned(model: nn.Module, state: Mapping[str, Tensor]) -> Matched:
    """A file's tensors by the names of a whole model, without what all their names begin with."""
    own = set(model.state_dict())
    view, aside = max(views(state), key=lambda found: len(own & found[0].keys()))
    return Matched(dict(view), {}, aside)


def views(state: Mapping[str, Tensor]) -> Iterator[tuple[Mapping[str, Tensor], tuple[str, ...]]]:
    """A state as it is, without each beginning that all its names share, and its parts by usual names.

    Each with the names of what is not in it.

    Example:
        >>> [list(view) for view, _ in views({"module.model.fc.bias": 1, "module.model.conv.bias": 2})][-1]
        ['fc.bias', 'conv.bias']
        >>> [*views({"net.fc.bias": 1, "loss.weight": 2})][-1]
        ({'fc.bias': 1}, ('loss.weight',))
    """
    yield state, ()
    state = {".".join(p for p in k.split(".") if p != COMPILED): v for k, v in state.items()}
    yield state, ()
    while len(firsts := {k.partition(".")[0] for k in state}) == 1 and all("." in k for k in state):
        (first,) = firsts
        state = {k.removeprefix(f"{first}."): v for k, v in state.items()}
        yield state, ()
    # Beside the network, a trainer's file has the weights of its loss and the like
    for word in _AROUND:
        if part := {k.removeprefix(f"{word}."): v for k, v in state.items() if k.startswith(f"{word}.")}:
            yield part, tuple(k for k in state if not k.startswith(f"{word}."))


def _converted(backbone: Backbone, state: Mapping[str, Tensor], wanted: set[str]) -> tuple[Tensors, Tensors]:
    own = set(backbone.state_dict())
    forms = own, wanted
    inside = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
    # Some in common will do: what lacks or is too much is for `assign` to name
    if inside and set(inside) & own:
        head = {k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")}
        return backbone.adapt_input(inside), head
    if set(state) in forms:
        return backbone.adapt_input(dict(state)), {}
    for part in dict.fromkeys(k.partition(".")[0] for k in state):  # a complete model saved by zoo
        inside = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(f"{part}.")}
        if set(inside) in forms:
            return backbone.adapt_input(inside), {}
    mapped = backbone.convert(state)
    head = {k.removeprefix("head."): v for k, v in mapped.items() if k.startswith("head.")}
    body = {k: v for k, v in mapped.items() if not k.startswith("head.")}
    return backbone.adapt_input(body), head
