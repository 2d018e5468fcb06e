"""Recipes in files: format 2 records every option's value, format 1 only what had been asked for.

So a default that changes in a plugin changes no model that was saved before. What a plugin's defaults were
in the days of format 1 stands in one place, `zoo.Component.former`, and is filled in on reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.compose.parts import BODIES, FILLED_IN, part, recorded
from zoo.spec.errors import UnknownComponentError
from zoo.spec.kinds import KINDS
from zoo.spec.options import RefValue
from zoo.spec.recipe import ORIGINAL, ModelSection, Recipe
from zoo.spec.reference import ComponentRef, parse_reference

FORMAT = 2  # of saved models and runs

SECTIONS = {
    kind.argument: kind.name
    for kind in KINDS.values()
    if kind.argument in Recipe.model_fields.keys() - {"model"}
}
"""Kind of component by section of a recipe, but for the model's."""


def read_recipe(config: Mapping[str, Any], where: str) -> Recipe:
    """The recipe of a saved model, with the defaults of its day.

    Args:
        config: as read from `config.json`, with `format` and `recipe`.
        where: how messages call it.

    Raises:
        RecipeError: it is none.
        UnknownComponentError: format 1 names a component that is not here.
    """
    recipe = Recipe.from_dict(config.get("recipe", {}), where)
    if config.get("format") != 1:
        return recipe
    others = {name: former(kind, getattr(recipe, name)) for name, kind in SECTIONS.items()}
    return recipe.model_copy(update={**others, "model": _section(recipe.model)})


def former(kind: str, value: Any) -> Any:
    """A component of format 1, or several, with every option's value of its day.

    What is no component, or of a plugin that is not here, stays as it is.

    Args:
        kind: of the component.
        value: a reference, a list of them, or None.
    """
    if isinstance(value, list):
        return [former(kind, item) for item in value]
    if value is None or not isinstance(parse_reference(value), ComponentRef):
        return value
    try:
        return recorded(kind, value, former=True, body=_body)
    except UnknownComponentError:
        return value


def _section(section: ModelSection) -> ModelSection:
    ref = section.ref
    if not isinstance(ref, ComponentRef):
        return section
    found = part(BODIES, ref, former=True)
    options = found.effective(
        lambda kind, value, path: (
            _body(kind, value, path) if kind in BODIES else recorded(kind, value, former=True, body=_body)
        )
    )
    # What the section itself says and hands on is no option of the component's, unless it was written so
    said = {name: value for name, value in options.items() if name in ref.options or name not in FILLED_IN}
    head = section.head if section.head in (None, ORIGINAL) else former("head", section.head)
    return section.model_copy(update={"options": said, "head": head})


def _body(kind: str, value: Any, path: str) -> RefValue:
    return _section(ModelSection.of(value, path)).to_value()
