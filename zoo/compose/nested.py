"""Components inside of components: a U-Net's encoder, the two networks of a pair, the network of a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.compose.model import ComposedModel
from zoo.compose.parts import Part, part
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.model import Model
from zoo.registry.lookup import find
from zoo.registry.references import meant
from zoo.spec.errors import BadReferenceError, OptionError, RecipeError, quote
from zoo.spec.recipe import ModelSection, Recipe
from zoo.spec.reference import ComponentRef, HubRef, PathRef, parse_reference

if TYPE_CHECKING:
    from zoo.compose.plan import Plan

BODIES = ("backbone", "model")
"""Kinds of what a model section names."""


def make(kind: str, reference: object, **extra: Any) -> Any:
    """An instance of a component, with those that its options refer to.

    Args:
        kind: of the component.
        reference: a name, or a table with options.
        **extra: arguments that the kind's contract adds to the options.
    """
    found = part(kind, reference)
    return found(**{**found.filled(_whole), **extra})


def _whole(kind: str, value: Any, path: str) -> Any:
    if kind not in BODIES:
        return make(kind, value)
    from zoo.compose.made import made

    planned = plan_part(kind, value, path)
    return inside(kind, made(planned, Recipe(model=planned.section)))


def inside(kind: str, model: Model) -> Model | Backbone:
    """What an option of a kind is handed of a model."""
    if kind != "backbone":
        return model
    assert isinstance(model, ComposedModel)  # noqa: S101 - plan_part has looked
    model.backbone.origin, model.backbone.weights_hint = model.origin, model.weights_hint
    return model.backbone


def plan_part(
    kind: str, value: Any, path: str, *, outer: ModelSection | None = None, saved: bool = False
) -> Plan:
    """The plan of a part that is a model or backbone.

    Args:
        kind: `backbone` or `model`.
        value: a reference, or a table with the keys of a model section beside the options.
        path: name of the option, for messages.
        outer: section of the model around it, whose channels and picture size it has where it says nothing.
        saved: whether a saved model is described, whose weights are at hand.

    Raises:
        ZooError: it does not fit.
    """
    from zoo.compose.plan import plan

    usual = {"in_channels": outer.in_channels, "input_size": outer.input_size} if outer else {}
    section = ModelSection.of(value, path, **usual)
    if saved and _elsewhere(section.weights):
        section = section.model_copy(update={"weights": None})
    section = from_saved(section, kind, recorded=saved)
    planned = plan(section, saved=saved)
    if kind == "backbone" and planned.body.component.kind != "backbone":
        raise OptionError(path, expected="a backbone", got=f"the model {section.name}")
    if kind == "backbone" and section.head is not None:
        raise OptionError(
            path, expected="a backbone", got=f"a head, {quote(section.head)}", hint="leave it out"
        )
    return planned


def _elsewhere(weights: str | None) -> bool:
    """Whether a `weights` value is a file, folder or repository, no tag of the component."""
    try:
        return weights is not None and isinstance(parse_reference(weights), PathRef | HubRef)
    except BadReferenceError:
        return False


def from_saved(section: ModelSection, kind: str, *, recorded: bool = False) -> ModelSection:
    """A section with a saved model's own in the place of a reference to its folder or repository.

    Args:
        section: to look at.
        kind: `model` takes the whole of it, `backbone` the backbone that was trained.
        recorded: whether a saved model says so, in which a bare name is always a component.

    Raises:
        RecipeError: there is no model saved by zoo, weights are named beside it, or it has no backbone.
    """
    from zoo.compose.weights import is_saved, settled, stored

    ref = section.ref if recorded else meant(section.name, BODIES, is_saved)
    if isinstance(ref, ComponentRef):
        if recorded or section.weights is None:
            return section
        weights = settled(find(ref, BODIES).component, section.weights)
        return section.model_copy(update={"weights": weights})
    if section.weights is not None:
        raise RecipeError(f"model {ref}", expected="its own weights", got=f"weights={quote(section.weights)}")
    config = stored(ref).config
    if config is None:
        raise RecipeError(f"model {ref}", expected="a model saved by zoo", got="something else")
    saved = Recipe.from_dict(config.get("recipe", {}), f"model {ref}").model
    if kind == "backbone":
        saved = _trunk(saved, str(ref))
    update: dict[str, Any] = {
        "name": saved.name,
        "options": {**saved.options, **section.options},
        "weights": str(ref),
        "in_channels": section.in_channels or saved.in_channels,
        "input_size": section.input_size or saved.input_size,
    }
    if kind == "model":
        update |= {"head": section.head or saved.head, "classes": section.classes or saved.classes}
    return section.model_copy(update=update)


def _trunk(saved: ModelSection, text: str) -> ModelSection:
    """The section of a saved model's backbone, which a complete model has as an option."""
    body = part(BODIES, saved.ref)
    if body.component.kind == "backbone":
        return saved
    name = next((name for name, kind in body.part_kinds.items() if kind == "backbone"), None)
    if name is None:
        hint = f"zoo.load({text.removeprefix('file:')!r}) reads the whole model"
        raise RecipeError(f"model {text}", expected="a model with a backbone", got=saved.name, hint=hint)
    usual = {"in_channels": saved.in_channels, "input_size": saved.input_size}
    return ModelSection.of(body.options[name], f"{text}: {name}", **usual)


def plan_parts(body: Part, section: ModelSection, *, saved: bool) -> tuple[dict[str, Plan], ModelSection]:
    """Plans of the models and backbones in a body's options, and the section as a recipe should keep it.

    Args:
        body: with validated options.
        section: that names the body.
        saved: whether a saved model is described.
    """
    plans: dict[str, Plan] = {}

    def use(kind: str, value: Any, path: str) -> Any:
        if kind in BODIES:
            plans[path] = plan_part(kind, value, path, outer=section, saved=saved)
        return value

    body.filled(use)
    options: Any = section.options
    for path, planned in plans.items():
        options = _replaced(options, path.split("."), partial(_kept, planned=planned, outer=section))
    return plans, section.model_copy(update={"options": options})


def _replaced(options: Any, path: list[str], new: Callable[[Any], Any]) -> Any:
    """A copy of plain options with another value at a path; a default, which is not there, stays unsaid."""
    if not path:
        return new(options)
    first, *rest = path
    if isinstance(options, Mapping) and first in options:
        return {**options, first: _replaced(options[first], rest, new)}
    if isinstance(options, list | tuple) and first.isdecimal():
        return [_replaced(v, rest, new) if i == int(first) else v for i, v in enumerate(options)]
    return options


def _kept(value: Any, planned: Plan, outer: ModelSection) -> Any:
    """A part's reference as a recipe keeps it: without a folder of this machine in the place of a name."""
    section, spec = planned.section, planned.input_spec
    if isinstance(value, str) and section.weights is None:  # no path, whose model brings its weights
        return value
    update: dict[str, Any] = {"freeze": "none"}  # kept with the outer model's
    if _elsewhere(section.weights):
        update["input"] = spec.to_dict()  # what the weights say, when they are out of reach
    update |= {
        name: None for name in ("in_channels", "input_size") if getattr(section, name) == getattr(outer, name)
    }
    return section.model_copy(update=update).to_value()


def filled(body: Part, plans: Mapping[str, Plan], model: Callable[[Plan], Model]) -> dict[str, Any]:
    """A body's options with parts in the place of references.

    Args:
        body: with validated options.
        plans: from `plan_parts`.
        model: makes the model of a plan.
    """

    def use(kind: str, value: Any, path: str) -> Any:
        return inside(kind, model(plans[path])) if kind in BODIES else make(kind, value)

    return body.filled(use)
