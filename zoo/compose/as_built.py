"""Whether a model is still what its recipe builds; else a saved one could not be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from torch import nn

from zoo.compose.plan import plan
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
)
"""What betrays a change, and how to undo it; the first that fits."""


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
    found = [*differences(model, built.meta_model)]
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
    own, others = ({k: tuple(t.shape) for k, t in m.state_dict().items()} for m in (model, built))
    for name in dict.fromkeys([*others, *own]):
        if any(name.startswith(f"{outer}.") for outer in told) or own.get(name) == others.get(name):
            continue
        yield _tensor(name, own.get(name), others.get(name))


def _layer(mine: nn.Module | None, built: nn.Module | None) -> str:
    """What is other about a layer; nothing where it is the same."""
    if mine is None or built is None:
        return f"{type(mine).__name__} added" if built is None else f"{type(built).__name__} missing"
    if type(mine) is not type(built):
        return f"{type(mine).__name__} in place of {type(built).__name__}"
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
