"""Words in the wrong place of a recipe, and sections without a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from zoo.spec.arguments import BUILD, ELSEWHERE, FIT
from zoo.spec.data_options import MEMORY, PATH, SOURCES, option_names
from zoo.spec.errors import RecipeError, listing, quote
from zoo.spec.hints.toml_text import toml
from zoo.spec.kinds import KINDS, with_article

_NEAR = 0.85
"""Likeness from which on a word is taken for a misspelt one."""


def check_section(section: Any, known: Sequence[str], where: str) -> None:
    """Raises RecipeError for an option of the component that stands in the model section itself."""
    for key in section if isinstance(section, Mapping) else ():
        # What is nearly a word of the section, or one of another place, is answered with that word
        near = not isinstance(key, str) or get_close_matches(key, known, 1, _NEAR)
        if key not in known and not near and key not in {*ELSEWHERE, *BUILD, *FIT}:
            expected = f"words among {listing(known)}"
            hint = f"an option of the component stands in model.options: options = {{{key} = ...}}"
            raise RecipeError(f"{where}: model.{key}", expected=expected, got=key, hint=hint)


def check_named(data: Mapping[str, Any], where: str) -> None:
    """Raises RecipeError for a section with options and without the name of what they are of.

    An option of data that stands in no section is answered with its place.
    """
    for key in data:
        if isinstance(key, str) and key in option_names():
            expected, hint = "it in the section data", f"data = {{path = ..., {key} = {toml(data[key])}}}"
            raise RecipeError(f"{where}: {key}", expected=expected, got="no section", hint=f"say {hint}")
    for kind in KINDS.values():
        found = data.get(kind.argument) if kind.argument != "model" else None
        for value in found if isinstance(found, list) else [found]:
            # Data may be called by the place where they lie
            if (
                isinstance(value, Mapping)
                and "name" not in value
                and PATH not in value
                and SOURCES not in value
                and MEMORY not in value
            ):
                expected = f"the name of {with_article(kind.name)} beside its options"
                hint = f"add name = ..., one of zoo list {kind.name}"
                raise RecipeError(f"{where}: {kind.argument}", expected=expected, got=quote(value), hint=hint)
