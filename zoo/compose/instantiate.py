"""Instantiation: from a plan to a model with its weights."""

from __future__ import annotations

from typing import Any

from zoo.compose.chosen_inputs import READING, as_seen
from zoo.compose.composed_model import ComposedModel
from zoo.compose.cut_backbones import as_made, kept_of
from zoo.compose.meta_build import fill_buffers, seeded
from zoo.compose.parts import make_part
from zoo.compose.plan import Plan, make_head, network_of_kind, plan_part
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.head import Head
from zoo.interfaces.model import Model
from zoo.spec.display import counted
from zoo.spec.errors import FreezeError, WeightsError, ZooError, listing, reason, warn
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.recipe import ORIGINAL, Recipe
from zoo.weights.fitting import Source, assign
from zoo.weights.licences import licences_of
from zoo.weights.matching import Matched, aligned, converted
from zoo.weights.tensor_files import Tensors

_MOST = 3


def make(kind: str, reference: object, **extra: Any) -> Any:
    """An instance of a component, with those that its options refer to.

    Args:
        kind: of the component.
        reference: a name, or a table with options.
        **extra: arguments that the kind's contract adds to the options.
    """
    return make_part(kind, reference, _whole, **extra)


def _whole(kind: str, value: Any, path: str) -> Any:
    planned = plan_part(kind, value, path)
    return network_of_kind(kind, instantiate(planned, Recipe(model=planned.section)))


def instantiate(planned: Plan, recipe: Recipe) -> Model:
    """The model of a plan, with its own weights and those of its parts.

    Args:
        planned: of the recipe's model section.
        recipe: which the model carries along.
    """
    if planned.source is None:
        with seeded(recipe.seed):
            model = planned.make(_part)
    else:
        model = _pretrained(planned, planned.source, recipe.seed)
        model.origin = planned.source.text
    model = finish(model, planned, recipe)
    model.weights_licences = _licences(planned)
    return model


def _licences(planned: Plan) -> dict[str, str]:
    """Licences by source of all weights that a plan begins with, its parts' too."""
    found = licences_of(planned.source) if planned.source is not None else {}
    for inner in planned.parts.values():
        found |= _licences(inner)
    return found


def _part(planned: Plan) -> Model:
    return instantiate(planned, Recipe(model=planned.section))


def finish(model: Model, planned: Plan, recipe: Recipe) -> Model:
    """Sets recipe, provenance and freezing of the model and of the models in it."""
    effective = as_made(planned.resolved.effective(), model, planned.resolved.body)
    # A restored model is planned without weights, and its recipe goes on to say where they came from
    own = recipe.model
    # How files are read by default the input spec says, which is saved beside the recipe
    asked: dict[str, Any] = {name: getattr(own, name) for name in ("freeze", "weights", *READING)}
    section = effective.model_copy(update={**asked, "classes": planned.section.classes})
    seen = as_seen(section, planned.input_spec, planned.resolved.body.component.weights)
    section = section.model_copy(update={"input": seen})
    model.recipe = recipe.model_copy(update={"model": section})
    model.plugins = planned.resolved.plugins
    model.part_sections = {name: inner.section for name, inner in planned.parts.items()}
    # A model of random weights may have parts whose weights are not
    if model.origin is None:
        origins = {name: inner.source.text for name, inner in planned.parts.items() if inner.source}
        model.origin = ", ".join(f"{name} from {text}" for name, text in origins.items()) or None
    for name, inner in planned.parts.items():
        network = model.networks.get(name)
        if isinstance(network, Model):
            finish(network, inner, Recipe(model=inner.section))
        elif inner.section.freeze == "none":
            continue
        elif isinstance(network, Backbone):
            network.freeze(inner.section.freeze)
        else:
            hint = f"leave it out, and call freeze() of the {section.name}'s networks"
            expected = f"one among its networks, {listing(model.networks)}"
            raise FreezeError(f"{name}: freeze", expected=expected, got=f"{name} is none", hint=hint)
    # Parts first: their own freezing, then what the whole says by path
    if section.freeze != "none":
        model.freeze(Freeze.parse(section.freeze))
    return model


def _pretrained(planned: Plan, source: Source, seed: int | None) -> Model:
    """The planned model with published tensors, and a new head unless the head was published too."""
    model, state = planned.meta_model, source.read()
    # A complete model has its head inside, and its file all of it
    if not isinstance(model, ComposedModel):
        found = aligned(model, state)
        assign(model, found.body, source.text)
        _tell_of_rest(found, source)
        fill_buffers(model)
        return model.train()
    try:
        # Publishers know the whole network, of which some blocks may be all that is kept
        whole = planned.whole() if model.backbone.cut_at is not None else model.backbone
        found = converted(whole, state, model.backbone.state_dict())
        body = kept_of(model.backbone, found.body, planned.section.called, source.text)
        assign(model.backbone, body, source.text)
    except ZooError:
        raise
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise WeightsError(
            f"weights {source.text}", expected=f"those of {planned.section.name}", got=reason(error)
        ) from error
    _tell_of_rest(found, source)
    if planned.section.head == ORIGINAL and model.head is not None:
        _check_head(model.head, found.head, source.text)
        assign(model.head, found.head, source.text)
    elif model.head is not None:
        with seeded(seed):  # the skeleton's head has no memory
            model.head = make_head(planned.resolved, planned.section, model.backbone, planned.inputs)
    fill_buffers(model)
    return model.train()


def _check_head(head: Head, given: Tensors, text: str) -> None:
    """Raises WeightsError for weights without the published classifier, or with one of other classes."""
    own = head.state_dict()
    where, by_name = f"weights {text}", "choose a head by name: zoo list head"
    if own and not own.keys() & given.keys():
        got = f"another head's: {listing(given, _MOST)}" if given else "none"
        raise WeightsError(
            where, expected='the published classifier, for head="original"', got=got, hint=by_name
        )
    counts = {t.shape[0] for k, t in given.items() if k in own and t.ndim and t.shape[0] != own[k].shape[0]}
    fits = all(k in given and given[k].shape[1:] == t.shape[1:] for k, t in own.items())
    if len(counts) == 1 and fits:
        (count,) = counts
        expected, got = f"a classifier of {counted(head.outputs, 'class', 'classes')}", f"one of {count}"
        raise WeightsError(where, expected=expected, got=got, hint=f"say classes={count}, or {by_name}")


def _tell_of_rest(found: Matched, source: Source) -> None:
    """Says which tensors of a file stand beside the network, such as those of a loss."""
    # Of a model that zoo saved they are its other parts, as whoever takes one part of it knows
    if found.aside and source.config is None:
        aside = f"{counted(len(found.aside), 'tensor')} beside the network left aside"
        warn(f"weights {source.text}: {aside}: {listing(found.aside, _MOST)}")
