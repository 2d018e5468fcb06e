"""Whether a model is still what its recipe builds; else a saved one could not be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from zoo.compose.plan import plan
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.draws import forked
from zoo.interfaces.model import Model
from zoo.spec.errors import SaveError, TrainingError, listing

_MOST = 3
_BY_HAND = "write the change as an option or a component of a plugin (zoo new), which a recipe can name"
_WAYS = (
    ("parametrizations", "torch.nn.utils.parametrize.remove_parametrizations(layer, name) folds them in"),
    ("lora_", "merge them into the layers first (merge_and_unload() of peft)"),
    ("OptimizedModule", "compile in place: part.compile()"),
    (
        "SyncBatchNorm",
        "take its weights into a new model: new = zoo.build(...), new.load_state_dict(model.state_dict())",
    ),
    ("_mask", "torch.nn.utils.prune.remove(layer, name) makes the pruning permanent"),
    ("_g ", "torch.nn.utils.remove_weight_norm(layer) folds it in"),
    ("_u ", "torch.nn.utils.remove_spectral_norm(layer) folds it in"),
    ("quantized", "save it as it was before quantising, and quantise what zoo.load gives"),
    ("hook", f"take it off (handle.remove()), or {_BY_HAND}"),
)
"""What betrays a change, and how to undo it; the first that fits."""

_KINDS = {"_forward_hooks": "a forward hook", "_forward_pre_hooks": "a forward pre-hook"}
_TORCHS = "torch.nn.utils."
"""Hooks of pruning and norms, whose tensors betray them."""


def check_as_built(model: Model, verb: str) -> None:
    """Refuses a model with other layers or tensors than its recipe builds.

    Args:
        model: from `zoo.build`, with a recipe.
        verb: `save` or `fit`, for the message.

    Raises:
        SaveError: saving it would write what cannot be loaded.
        TrainingError: training it would end with such a model.
    """
    section = model.recipe.model
    # As `zoo.load` makes it, before it reads the tensors
    built = plan(section.model_copy(update={"weights": None}), input_spec=model.input_spec, saved=True)
    found = [*differences(model, built.meta_model)] or lost_hooks(model, built.meta_model)
    if not found:
        return
    names = " ".join(f"{name} " for name in chain(model.state_dict(), (line for line in found)))
    hint = next((way for sign, way in _WAYS if sign in names), _BY_HAND)
    kind = SaveError if verb == "save" else TrainingError
    expected = f"the layers that its recipe ({section.called}) builds"
    raise kind(f"{verb}: the model was changed", expected=expected, got=listing(found, _MOST), hint=hint)


def differences(model: nn.Module, built: nn.Module) -> Iterator[str]:
    """Layers and tensors that differ from a model that was just built, the outermost of nested ones.

    Args:
        model: that may have been changed.
        built: without values.
    """
    mine, theirs = (dict(m.named_modules(remove_duplicate=False)) for m in (model, built))
    told: list[str] = []
    for name in dict.fromkeys([*theirs, *mine]):
        if any(name.startswith(f"{outer}.") for outer in told):
            continue
        if said := _layer(mine.get(name), theirs.get(name)):
            told.append(name)
            yield f"{name or 'the model'}: {said}"
    # Quantised layers keep a type and tuples there too
    own, others = (
        {k: tuple(t.shape) for k, t in m.state_dict().items() if isinstance(t, Tensor)}
        for m in (model, built)
    )
    for name in dict.fromkeys([*others, *own]):
        if any(name.startswith(f"{outer}.") for outer in told) or own.get(name) == others.get(name):
            continue
        yield _tensor(name, own.get(name), others.get(name))


def _layer(mine: nn.Module | None, built: nn.Module | None) -> str:
    """What is other about a layer; nothing where it is the same."""
    if mine is None or built is None:
        return f"{type(mine).__name__} added" if built is None else f"{type(built).__name__} missing"
    if type(mine) is not type(built):
        kinds = type(mine), type(built)
        names = [kind.__name__ for kind in kinds]
        if names[0] == names[1]:  # as quantised layers are called
            names = [f"{kind.__module__}.{kind.__name__}" for kind in kinds]
        return f"{names[0]} in place of {names[1]}"
    # Of torch's own layers what they compute; dropout leaves answers alone, and is changed in mid-training
    own = type(mine).__module__.startswith("torch.nn.") and not isinstance(
        mine, nn.modules.dropout._DropoutNd
    )
    if own and mine.extra_repr() != built.extra_repr():
        return f"({mine.extra_repr()}) in place of ({built.extra_repr()})"
    return ""


def _tensor(name: str, mine: tuple[int, ...] | None, built: tuple[int, ...] | None) -> str:
    if mine is None or built is None:
        return f"tensor {name} {'added' if built is None else 'missing'}"
    return f"tensor {name} {mine} in place of {built}"


def lost_hooks(model: Model, built: nn.Module) -> list[str]:
    """Parts with hooks, or a forward put into them, without which a model answers otherwise.

    Args:
        model: that may have been changed.
        built: without values, as its recipe makes it.
    """
    theirs = dict(built.named_modules())
    found = {
        (name, part): what for name, part in model.named_modules() if (what := _of(part, theirs.get(name)))
    }
    if not found or not _matter(model, found):
        return []
    words = [(name, kind) for (name, _), what in found.items() for kind in what]
    return [
        f"{name or 'the model'}: {_KINDS.get(kind, 'a patched forward, as a hook')}" for name, kind in words
    ]


def _of(part: nn.Module, built: nn.Module | None) -> dict[str, list[int]]:
    """By kind the keys of hooks that were put in after building; `forward` without a key."""
    found: dict[str, list[int]] = {}
    for kind in _KINDS:
        own = {k: hook for k, hook in vars(part)[kind].items() if not _is_torchs(hook)}
        # A component may have some itself, which came first
        if added := [*own][len(vars(built)[kind]) if built is not None else 0 :]:
            found[kind] = added
    if "forward" in vars(part) and (built is None or "forward" not in vars(built)):
        found["forward"] = []
    return found


def _is_torchs(hook: Any) -> bool:
    return type(hook).__module__.startswith(_TORCHS)


def _matter(model: Model, found: dict[tuple[str, nn.Module], dict[str, list[int]]]) -> bool:
    """Whether the model answers otherwise without them; those that only look on may stay behind."""
    spec = model.input_spec
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    with forked(), kept_modes(model), torch.no_grad():
        torch.manual_seed(0)
        x = torch.rand(2, spec.channels, *spec.size).to(device)
        model.eval()
        try:
            with_them = model(x)
            with ExitStack() as stack:
                for (_, part), what in found.items():
                    stack.enter_context(_without(part, what))
                torch.manual_seed(0)
                torch.rand(2, spec.channels, *spec.size)
                without = model(x)
        except Exception:  # a hook's own, or a model that takes no such images
            return True
    if not isinstance(with_them, Tensor) or not isinstance(without, Tensor):
        return True
    return with_them.shape != without.shape or not torch.allclose(
        with_them.float(), without.float(), rtol=1e-4, atol=1e-6, equal_nan=True
    )


@contextmanager
def _without(part: nn.Module, what: dict[str, list[int]]) -> Iterator[None]:
    """Takes hooks and a patched forward off, and puts them back in their order."""
    kept = {kind: dict(vars(part)[kind]) for kind in what if kind in _KINDS}
    for kind in kept:
        for key in what[kind]:
            del vars(part)[kind][key]
    forward = vars(part).pop("forward") if "forward" in what else None
    try:
        yield
    finally:
        for kind, hooks in kept.items():
            vars(part)[kind].clear()
            vars(part)[kind].update(hooks)
        if forward is not None:
            vars(part)["forward"] = forward
