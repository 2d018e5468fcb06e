"""State of freezing, read off a model's blocks: written into a recipe, kept in a checkpoint, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.spec.errors import TrainingError
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.recipe import ModelSection

if TYPE_CHECKING:
    from zoo.interfaces.model import Model


def blocks_in(module: nn.Module) -> Iterator[tuple[str, Block]]:
    """All blocks inside a module, by the path of the attribute that holds them; each once."""
    for path, inner in module.named_modules():
        if isinstance(inner, Block):
            yield path, inner


def recorded(model: Model, section: ModelSection) -> ModelSection:
    """A model's section with the freezing that its blocks have now, those of the models inside it too.

    Args:
        model: whose blocks are read.
        section: what else is said of it.
    """
    return _recorded(model, section, set())


def unrecorded(model: Model) -> tuple[str, ...]:
    """Paths of frozen blocks that neither the model's freeze paths nor its networks reach.

    A recipe cannot say that they are frozen, so the model cannot be saved as it is.
    """
    reached: set[int] = set()
    _recorded(model, model.recipe.model, reached)
    return tuple(path for path, block in blocks_in(model) if block.frozen and id(block) not in reached)


def _recorded(model: Model, section: ModelSection, reached: set[int]) -> ModelSection:
    """`reached` holds the blocks that a model around this one has spoken for; its own are added."""
    # First: a block that the model's own paths reach is not said once more by a part
    update: dict[str, Any] = {"freeze": _spec(model.freezable, reached)}
    options = section.options
    for name, network in model.networks.items():
        if name not in model.part_sections:
            # It has no section in which it could be said; `unrecorded` tells of it
            continue
        said = ModelSection.of(options[name], name) if name in options else model.part_sections[name]
        now = _part(network, said, reached)
        if now != said:
            options = {**options, name: now.to_value()}
    return section.model_copy(update={**update, "options": options})


def _part(network: nn.Module, section: ModelSection, reached: set[int]) -> ModelSection:
    if isinstance(network, Backbone):
        return section.model_copy(update={"freeze": _spec({"": network}, reached)})
    if hasattr(network, "freezable"):  # a model, whose class cannot be imported here
        return _recorded(network, section, reached)  # type: ignore[arg-type]
    return section


def _spec(parts: Mapping[str, Backbone | Block], reached: set[int]) -> str:
    """The shortest freeze spec for those frozen blocks of parts that are not reached yet; they are then."""
    names: dict[str, tuple[str, ...]] = {}
    frozen: list[tuple[str, str]] = []
    for path, part in parts.items():
        blocks = part.blocks if isinstance(part, Backbone) else {"": part}
        names[path] = tuple(blocks)
        frozen += [(path, k) for k, block in blocks.items() if block.frozen and id(block) not in reached]
        reached |= {id(block) for block in blocks.values()}
    return str(Freeze.of(frozen, names))


def freezing_state(model: nn.Module) -> dict[str, Any]:
    """The present freezing, with what unfreezing restores, as plain data for a checkpoint."""
    return {
        "frozen": {path: block.before for path, block in blocks_in(model) if block.frozen},
        "fixed": [name for name, p in model.named_parameters() if not p.requires_grad],
    }


def restore_freezing(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Freezes just the blocks that `freezing_state` found frozen, and lets train what could train then.

    Args:
        model: with the blocks that it had.
        state: from `freezing_state`.
    """
    frozen, fixed = state["frozen"], set(state["fixed"])
    for path, block in blocks_in(model):
        if path in frozen:
            block.freeze()
            # In the place of what `freeze` has just noted of this model
            block.before = frozen[path]
        else:
            block.unfreeze(model.training)
    for name, parameter in model.named_parameters():
        # Last, since freezing and unfreezing above have set it too
        parameter.requires_grad_(name not in fixed)


def check_frozen(model: nn.Module, *, modes: bool = False) -> None:
    """Refuses a frozen block that would learn nevertheless.

    Args:
        model: about to be trained, or trained for an epoch.
        modes: also refuse modules of a frozen block in training mode, whose statistics move.

    Raises:
        TrainingError: a parameter of a frozen block has gradients, or a module is in training mode.
    """
    for path, block in blocks_in(model):
        if not block.frozen:
            continue
        for name, parameter in block.named_parameters():
            if parameter.requires_grad:
                raise _contradiction(model, path, f"{name}.requires_grad = True", "p.requires_grad_(False)")
        for name, module in block.named_modules() if modes else ():
            if module.training:
                got = f"{name or type(block).__name__} in training mode"
                raise _contradiction(model, path, got, "leaving its mode alone")


def _contradiction(model: nn.Module, path: str, got: str, other: str) -> TrainingError:
    block = model.get_submodule(path)
    named = (
        f"{where}.{name}".strip(".")
        for where, part in getattr(model, "freezable", {}).items()
        for name, own in (part.blocks if isinstance(part, Backbone) else {"": part}).items()
        if own is block
    )
    what = next(named, path)
    hint = f'model.unfreeze("{what}") lets it train, {other} keeps it frozen'
    return TrainingError(f"frozen {what}", expected="nothing in it that can train", got=got, hint=hint)
