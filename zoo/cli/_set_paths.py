"""Paths of `--set` that lead nowhere, and where they should."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.cli._chain import augmenters
from zoo.cli._unknown import options_of_parts, working
from zoo.spec.arguments import BUILD, ELSEWHERE, FIT
from zoo.spec.data_options import MEMORY, PATH, SOURCES, option_names
from zoo.spec.errors import RecipeError
from zoo.spec.kinds import KINDS
from zoo.spec.recipe import ModelSection, Recipe

Table = Mapping[str, Any]

_NAMED = {k.argument: k.name for k in KINDS.values() if k.argument in ("head", "augment", "loss", "data")}
"""Sections whose options belong to what they name, and its kind; a trainer has a default."""


def check_paths(sets: Sequence[str], table: Table) -> None:
    """Raises RecipeError for a path that begins with no section, or whose section names nothing.

    Args:
        sets: `path=value`.
        table: the recipe with all of them.

    Example:
        >>> check_paths(["trainer.epochs=3"], {"model": {"name": "vgg16"}})
    """
    for text in sets:
        path, _, value = text.partition("=")
        first, *rest = (key.strip() for key in path.split("."))
        known = {*Recipe.model_fields, *ModelSection.model_fields, *augmenters(table)}
        if first not in known and (ways := _ways(first, value, table)):
            expected = "a path from a section on, as trainer.epochs"
            hint = f"say {' or '.join(ways)}"
            raise RecipeError(f"--set {text}", expected=expected, got=first, hint=hint)
        section = table.get("model", {}).get("head") if first == "head" else table.get(first)
        if (
            rest
            and first in _NAMED
            and isinstance(section, Mapping)
            and not {"name", PATH, SOURCES, MEMORY} & {*section}
        ):
            expected = f"the name of the {_NAMED[first]} that has the option"
            hint = f"add --{first} NAME (zoo list {_NAMED[first]})"
            raise RecipeError(f"--set {text}", expected=expected, got="none", hint=hint)


def _ways(name: str, value: str, table: Table) -> list[str]:
    """How an option is set that was typed without its section."""
    own, homes = ELSEWHERE.get(name, name), options_of_parts(table)
    if name in homes or own in homes:
        found = name if name in homes else own
        places, needed = working(found, homes[found], table)
        return [f"{needed}--set {shlex.quote(f'{path}={value}')}" for _, path, _ in places]
    if own in {*BUILD, *FIT}:
        return [f"--{own.replace('_', '-')} {value}"]
    return [f"--set {shlex.quote(f'data.{name}={value}')}"] if name in option_names() else []
