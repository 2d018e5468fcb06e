"""Backbones that are cut where their features are taken: their sections, weights and older files."""

from __future__ import annotations

from zoo.compose.composed_model import ComposedModel
from zoo.compose.parts import Part, has_blocks
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.chain import behind, kept_to
from zoo.interfaces.model import Model
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, WeightsError, listing, quote, warn
from zoo.spec.kinds import BLOCKS
from zoo.spec.options import RefValue
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.weights.tensor_files import Tensors


def check_original(section: ModelSection, backbone: Backbone, body: Part) -> None:
    """Raises OptionError for the published classifier behind a part of the network."""
    if section.head != ORIGINAL or backbone.cut_at is None:
        return
    raise OptionError(
        f"{section.called}: option {BLOCKS}={quote(body.blocks)}",
        expected='a head by name: head="original" takes the last map of the whole network',
        got='head="original"',
        hint=f"leave {BLOCKS} out, or choose a head by name",
    )


def as_made(section: ModelSection, model: Model, body: Part) -> ModelSection:
    """The section as a file records it, with what only the model tells: its cut, and what its head settled.

    Args:
        section: with every option's value.
        model: that was made of it.
        body: its component.
    """
    options, head = dict(section.options), section.head
    if isinstance(model, ComposedModel):
        head = _settled(head, model)
        # With an option of its own that is called so, the head's taps cut it again
        if model.backbone.cut_at is not None and has_blocks(body.component, body.config):
            options[BLOCKS] = kept_to(model.backbone.cut_at)
    for name, network in model.networks.items():
        table = options.get(name)
        if isinstance(network, ComposedModel) and isinstance(table, dict) and "head" in table:
            options[name] = {**table, "head": _settled(table["head"], network)}
    return section.model_copy(update={"options": options, "head": head})


def _settled(head: RefValue | None, model: ComposedModel) -> RefValue | None:
    return {**head, **model.head.settled} if isinstance(head, dict) and model.head is not None else head


def kept_of(backbone: Backbone, state: Tensors, called: str, text: str) -> Tensors:
    """The tensors of a whole backbone without those of what was cut off; what is unknown stays.

    Args:
        backbone: perhaps cut.
        state: tensors under its names.
        called: the backbone's name, for the message.
        text: how messages call the tensors.

    Raises:
        WeightsError: they are those of fewer blocks.
    """
    dropped = {*behind(backbone, state)}
    kept = {name: tensor for name, tensor in state.items() if name not in dropped}
    own = {name: tensor.shape for name, tensor in backbone.state_dict().items()}
    held = {name.partition(".")[0] for name in kept}
    full = [name for name, block in backbone.blocks.items() if block.state_dict()]
    lacking = [name for name in full if name not in held]
    there = {name: shape for name, shape in own.items() if name.partition(".")[0] in held}
    fits = {name: tensor.shape for name, tensor in kept.items()} == there
    # The last ones alone, and all others as they should be: a model that was cut further in front
    if lacking and lacking != full and lacking == full[-len(lacking) :] and fits:
        hint = f"{BLOCKS}={quote(kept_to(full[-len(lacking) - 1]))} takes what is there"
        got = f"none of {listing(lacking)}"
        raise WeightsError(f"weights {text} of {called}", expected=listing(full), got=got, hint=hint)
    return kept


def without_cut(model: Model, state: Tensors, text: str) -> Tensors:
    """A saved model's tensors without those behind a backbone's cut, which older versions kept.

    Args:
        model: as its recipe builds it today.
        state: as saved.
        text: how messages call them.
    """
    dropped: dict[str, str] = {}
    for path, module in model.named_modules():
        if isinstance(module, Backbone) and module.cut_at is not None:
            dropped.update(dict.fromkeys(behind(module, state, f"{path}."), module.cut_at))
    if dropped:
        places = listing(dict.fromkeys(dropped.values()))
        are = "is" if len(dropped) == 1 else "are"
        warn(
            f"{text}: {counted(len(dropped), 'tensor')} behind {places} {are} passed over, "
            "since nothing is computed there; answers are the same"
        )
    return {name: tensor for name, tensor in state.items() if name not in dropped}
