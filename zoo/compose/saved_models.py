"""A saved model in the place of a component's name: its section, or that of its trained backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.compose.foreign.module_files import without_module
from zoo.compose.formats import read_recipe
from zoo.compose.parts import BODIES, part
from zoo.registry.lookup import find
from zoo.registry.references import component_or_path
from zoo.spec.errors import BadReferenceError, RecipeError, quote
from zoo.spec.recipe import ModelSection
from zoo.spec.reference import ComponentRef, HubRef, PathRef, of_model, parse_reference, without_prefix
from zoo.weights.fitting import is_saved, settled, stored


def from_saved(section: ModelSection, kind: str, *, recorded: bool = False) -> ModelSection:
    """A section with a saved model's own in the place of a reference to its folder or repository.

    Args:
        section: to look at.
        kind: `model` takes the whole of it, `backbone` the backbone that was trained.
        recorded: whether a saved model says so, in which a bare name is always a component.

    Raises:
        RecipeError: there is no model saved by zoo, weights are named beside it, or it has no backbone.
    """
    ref = section.ref if recorded else of_model(component_or_path(section.name, BODIES, is_saved))
    if isinstance(ref, ComponentRef):
        # Files hold weights as `settled` has left them
        if recorded or section.weights is None:
            return section
        weights = settled(find(ref, BODIES).component, section.weights)
        return section.model_copy(update={"weights": weights})
    if section.weights is not None:
        raise RecipeError(f"model {ref}", expected="its own weights", got=f"weights={quote(section.weights)}")
    if isinstance(ref, PathRef) and (error := without_module(Path(ref.path).expanduser())) is not None:
        raise error
    config = stored(ref).config
    if config is None:
        raise RecipeError(f"model {ref}", expected="a model saved by zoo", got="something else")
    saved = read_recipe(config, f"model {ref}").model
    if kind == "backbone":
        saved = _trunk(saved, str(ref))
    update: dict[str, Any] = {
        "name": saved.name,
        # What is said beside the reference goes before what was saved
        "options": {**saved.options, **section.options},
        "weights": str(ref),
        "in_channels": section.in_channels or saved.in_channels,
        "input_size": section.input_size or saved.input_size,
    }
    if kind == "model":
        update |= {"head": section.head or saved.head, "classes": section.classes or saved.classes}
    return section.model_copy(update=update)


def elsewhere(weights: str | None) -> bool:
    """Whether a `weights` value is a file, folder or repository, no tag of the component."""
    try:
        return weights is not None and isinstance(parse_reference(weights), PathRef | HubRef)
    except BadReferenceError:
        return False


def _trunk(saved: ModelSection, text: str) -> ModelSection:
    """The section of a saved model's backbone, which a complete model has as an option."""
    body = part(BODIES, saved.ref)
    if body.component.kind == "backbone":
        return saved
    name = next((name for name, kind in body.part_kinds.items() if kind == "backbone"), None)
    if name is None:
        hint = f"zoo.load({without_prefix(text)!r}) reads the whole model"
        raise RecipeError(f"model {text}", expected="a model with a backbone", got=saved.name, hint=hint)
    usual = {"in_channels": saved.in_channels, "input_size": saved.input_size}
    return ModelSection.of(body.options[name], f"{text}: {name}", **usual)
