"""The next step for a name that no installed plugin offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from zoo.registry.catalogue import Row, checkout, known, read_namespace, written_again
from zoo.registry.declared_names import declared_names
from zoo.registry.plugins.discovery import Plugin, PluginChoice
from zoo.registry.plugins.install_command import way_to_install
from zoo.registry.plugins.installed import installed
from zoo.spec.component import Namespace
from zoo.spec.disk.reading import read_text
from zoo.spec.errors import ZooError, did_you_mean, listing, near, quote
from zoo.spec.names import closest, likeness, plain, spelt_otherwise
from zoo.spec.reference import ComponentRef

MOST_SHOWN = 16
"""So many names are shown where none is near; of more, how to list them."""


def next_step(
    wanted: ComponentRef, kinds: Sequence[str], rows: Sequence[tuple[str, Row]], plugins: Sequence[Plugin]
) -> str:
    """The next step after an unknown name: install, enable or mend a plugin, or mend the spelling.

    Args:
        wanted: what was asked for.
        kinds: which kinds it may have been of.
        rows: installed components that it may have been meant for, by their shortest references.
        plugins: all installed plugins, the broken ones too.
    """
    # Any of these may be what would offer the name
    broken = [_broken(f"plugin {p.distribution} {p.version}", p.error) for p in plugins if p.error]
    offering = sources(wanted, kinds)
    step = _get(wanted, offering, plugins) if offering else _near(wanted, kinds, rows, plugins)
    return "; ".join([*_uncatalogued(wanted, plugins), step, *broken])


def _broken(called: str, error: str) -> str:
    # Some errors name their plugin themselves
    return f"{called} failed to load: {error.removeprefix(f'{called}: ')}"


def _uncatalogued(wanted: ComponentRef, plugins: Sequence[Plugin]) -> Iterator[str]:
    """Plugins whose declarations have the name and whose catalogue has not, with what writes it anew.

    Their text is read, not run.
    """
    for plugin in plugins:
        if plugin.error or plugin.source != "catalogue" or plugin.folder is None:
            continue
        if wanted.namespace not in (None, "", plugin.namespace.name):
            continue
        if any(row["name"] == wanted.name for row in plugin.rows):
            continue
        file = plugin.folder / f"{plugin.module.rpartition('.')[2]}.py"
        try:
            text = read_text(file)
            found = wanted.name in text and wanted.name in declared_names(text)
        except (OSError, ValueError, SyntaxError):
            continue
        if found:
            what = f"the code of {plugin.distribution} has {quote(wanted.name)}, its catalogue lacks it"
            yield f"{what}: {written_again(plugin.folder)}"


def near_names(wanted: str, rows: Sequence[tuple[str, Row]], *, alike: bool = True) -> list[str]:
    """The references that a wrong name may have been meant for.

    Those that are spelt otherwise go first, then those that carry the word as a tag, then those spelt alike.

    Args:
        wanted: as typed.
        rows: components by their shortest references.
        alike: whether to go as far as those that are merely spelt alike.
    """
    refs = [ref for ref, _ in rows]
    tagged = [ref for ref, row in rows if plain(wanted) in map(plain, row.get("tags", ()))]
    return spelt_otherwise(wanted, refs) or tagged or (closest(wanted, refs) if alike else [])


def sources(wanted: ComponentRef, kinds: Sequence[str]) -> list[str]:
    """Distributions in the registry that offer the name: those that claim it as it stands, else all."""
    found, claiming = [], []
    for data, space in _known(wanted):
        if any(row["name"] == wanted.name and row["kind"] in kinds for row in data["components"]):
            found.append(data["distribution"])
            if wanted.namespace == space.name or (not wanted.namespace and space.claims(wanted.name)):
                claiming.append(data["distribution"])
    return claiming or found


_PIP = "pip install "


def recipe_sources(name: str) -> list[str]:
    """Distributions in the registry that ship a recipe of that name, or a series called `name-...`."""
    return [
        data["distribution"]
        for data in known()
        if any(key == name or key.startswith(f"{name}-") for key in data.get("recipes", {}))
    ]


def recipes_away(name: str) -> list[tuple[str, Path]]:
    """Recipes of that name or series in the checkout, each with its distribution, installed or not."""
    root, found = checkout(), []
    for data in known() if root is not None else ():
        package = data["distribution"].replace("-", "_")
        for key, inside in sorted(data.get("recipes", {}).items()):
            file = root / data.get("where", "") / "src" / package / inside
            if (key == name or key.startswith(f"{name}-")) and file.is_file():
                found.append((data["distribution"], file))
    return found


def ways(
    distributions: Sequence[str],
    extras: Mapping[str, str] = MappingProxyType({}),
    versions: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Ways to several distributions, in one line: what excludes them, and one command that installs them.

    Args:
        distributions: by name.
        extras: that are needed of them, joined by commas.
        versions: that are needed, where not any.
    """
    choice, there = PluginChoice.from_environment(), {item.distribution for item in installed()}
    found: list[str] = []
    plain: dict[str, str] = {}
    for item in distributions:
        command = way_to_install(item, extra=extras.get(item), version=versions.get(item))
        if choice.takes(item) and command.startswith(_PIP):
            plain[item] = command.removeprefix(_PIP)
            continue
        steps = [] if item in there else [command]
        if not choice.takes(item):
            steps.append("ZOO_PLUGINS or ZOO_DISABLED_PLUGINS excludes it")
        found.append(f"{item}: {', and '.join(steps or [command])}")
    if plain:
        # The command comes last, and its note at its end: to a shell all that follows # is a comment
        targets, notes = zip(*(part.partition("  #")[::2] for part in plain.values()), strict=True)
        note = f"  #{notes[-1]}" if notes[-1] else ""
        found.append(f"{', '.join(plain)}: {_PIP}{' '.join(targets)}{note}")
    return ", ".join(found)


def _known(wanted: ComponentRef) -> Iterator[tuple[Row, Namespace]]:
    """The distributions of the registry in which a reference may be looked for."""
    for data in known():
        try:
            space = read_namespace(data, data["distribution"])
        except ZooError:  # hints only: a damaged one is left out
            continue
        if not wanted.namespace or wanted.namespace in (space.name, *space.formerly):
            yield data, space


def still_there(wanted: ComponentRef, kind: str) -> bool:
    """Whether a known distribution offers the name under its namespace, installed or not.

    Who says that a component was once in another namespace may be believed only where that one is left
    without it: else what a file asks for could be replaced by a stranger's of the same name.
    """
    return any(
        space.name == wanted.namespace
        and any(row["name"] == wanted.name and row["kind"] == kind for row in data["components"])
        for data, space in _known(wanted)
    )


def _get(wanted: ComponentRef, sources: Sequence[str], plugins: Sequence[Plugin]) -> str:
    present = {plugin.distribution: plugin for plugin in plugins}
    text = quote(str(wanted)).replace("'", "`")
    for source in sources:
        if source in present:
            fault = "does not load" if present[source].error else "is installed without it"
            return f"{text} comes from {source}, but its version {present[source].version} {fault}"
        if not PluginChoice.from_environment().takes(source):
            return f"{text} comes from {source}, which ZOO_PLUGINS or ZOO_DISABLED_PLUGINS excludes"
    return f"{text} comes from {', or '.join(ways([source]) for source in sources)}"


def _near(
    wanted: ComponentRef, kinds: Sequence[str], rows: Sequence[tuple[str, Row]], plugins: Sequence[Plugin]
) -> str:
    faulty = [p.distribution for p in plugins if p.error and p.namespace.name == wanted.namespace]
    if faulty:
        return f"the namespace {wanted.namespace} is that of {faulty[0]}, which does not load"
    spaces = [plugin.namespace.name for plugin in plugins if not plugin.error]
    if wanted.namespace and wanted.namespace not in spaces:
        if owners := [
            data["distribution"] for data, space in _known(wanted) if space.name == wanted.namespace
        ]:
            return f"the namespace {wanted.namespace} is that of {ways(owners[:1])}"
        return f"no installed plugin has the namespace {wanted.namespace}: {near(wanted.namespace, spaces)}"
    # Spelt otherwise in a plugin that is not installed goes before merely alike in one that is
    for alike in (False, True):
        names = near_names(wanted.name, rows, alike=alike)
        away = _not_installed(wanted, kinds, plugins, alike=alike)
        if away and (not names or likeness(wanted.name, away[1]) > likeness(wanted.name, names)):
            return f"{did_you_mean(wanted.name, away[1])} {away[0]} has it: {way_to_install(away[0])}"
        if names:
            return did_you_mean(wanted.name, names)
    return _all_of(kinds, sorted(ref for ref, _ in rows), plugins)


def _all_of(kinds: Sequence[str], refs: Sequence[str], plugins: Sequence[Plugin]) -> str:
    """What there is to choose from, installed or else where to have it from."""
    if not refs and (offering := _offering(kinds, plugins)):
        return f"none is installed; {', or '.join(ways([source]) for source in offering)}"
    if len(refs) > MOST_SHOWN:
        return f"zoo list shows all {len(refs)}"
    return f"choose from {listing(refs, MOST_SHOWN)}" if refs else "there is none to choose from"


def _offering(kinds: Sequence[str], plugins: Sequence[Plugin]) -> list[str]:
    """Distributions that are not installed and have components of these kinds."""
    present = {plugin.distribution for plugin in plugins}
    return [
        data["distribution"]
        for data in known()
        if data["distribution"] not in present and any(row["kind"] in kinds for row in data["components"])
    ]


def _not_installed(
    wanted: ComponentRef, kinds: Sequence[str], plugins: Sequence[Plugin], *, alike: bool
) -> tuple[str, list[str]] | None:
    """The distribution that is not installed and has the names nearest to the wanted one, with these."""
    present = {plugin.distribution for plugin in plugins}
    found: list[tuple[str, list[str]]] = []
    for data, space in _known(wanted):
        if data["distribution"] in present or not PluginChoice.from_environment().takes(data["distribution"]):
            continue
        rows = [
            (row["name"] if space.claims(row["name"]) else f"{space.name}:{row['name']}", row)
            for row in data["components"]
            if row["kind"] in kinds
        ]
        if names := near_names(wanted.name, rows, alike=alike):
            found.append((data["distribution"], names))
    # Of equally near ones that with a bare name, then the first
    return max(found, key=lambda item: (likeness(wanted.name, item[1]), ":" not in item[1][0]), default=None)
