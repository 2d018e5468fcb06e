"""Packages that several recipes need, all said at once and before the first of them is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zoo.registry.hints import sources, ways
from zoo.registry.lookup import find
from zoo.spec.errors import UnknownComponentError, listing, quote
from zoo.spec.kinds import KINDS
from zoo.spec.recipe import ORIGINAL, Recipe
from zoo.spec.reference import ComponentRef, parse_reference


def check_installed(where: str, recipes: Sequence[Recipe]) -> None:
    """Returns where each component that the recipes name in their sections is installed, or known nowhere.

    Args:
        where: who asks, for the message.
        recipes: that are going to be trained.

    Raises:
        UnknownComponentError: plugins are missing; all of them are named, with how to install each.
    """
    missing: dict[str, str] = {}
    for kinds, ref in dict.fromkeys(part for recipe in recipes for part in _parts(recipe)):
        wanted = parse_reference(ref)
        assert isinstance(wanted, ComponentRef)  # noqa: S101 - it was one before
        try:
            find(wanted, kinds)
        except UnknownComponentError:
            if offering := sources(wanted, kinds):
                missing[quote(ref)] = offering[0]
    if missing:
        raise UnknownComponentError(
            where,
            expected="the plugins of its recipes",
            got=f"none that has {listing(missing)}",
            hint=ways([*dict.fromkeys(missing.values())]),
        )


def _parts(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], str]]:
    """The components in a recipe's sections, with the kinds that each may be of."""
    named: dict[str, Any] = {**dict(recipe), "model": recipe.model.name, "head": recipe.model.head}
    for section in dict.fromkeys(kind.argument for kind in KINDS.values()):
        kinds = tuple(kind.name for kind in KINDS.values() if kind.argument == section)
        value = named.get(section)
        for item in value if isinstance(value, list | tuple) else [value]:
            ref = None if item in (None, ORIGINAL) else parse_reference(item)
            if isinstance(ref, ComponentRef):
                yield kinds, str(ref)
