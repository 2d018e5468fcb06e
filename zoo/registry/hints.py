"""The next step for a name that no installed plugin offers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from zoo.registry.catalogue import Row, known, read_namespace
from zoo.registry.discovery import Choice, Plugin
from zoo.spec.component import Namespace
from zoo.spec.errors import ZooError, near, quote
from zoo.spec.reference import ComponentRef


def next_step(
    wanted: ComponentRef, kinds: Sequence[str], names: Mapping[str, str], plugins: Sequence[Plugin]
) -> str:
    """What to do about an unknown name: install, enable or mend a plugin, or mend the spelling.

    Args:
        wanted: what was asked for.
        kinds: which kinds it may have been of.
        names: installed names that it may have been meant for, with their shortest references.
        plugins: all installed plugins, the broken ones too.
    """
    broken = [f"plugin {p.distribution} {p.version} failed to load: {p.error}" for p in plugins if p.error]
    sources = _sources(wanted, kinds)
    step = _get(wanted, sources, plugins) if sources else _near(wanted, names, plugins)
    return "; ".join([step, *broken])


def _sources(wanted: ComponentRef, kinds: Sequence[str]) -> list[str]:
    """Distributions in the registry that offer the name: those that claim it as it stands, else all."""
    found, claiming = [], []
    for data in known():
        space = _space(data)
        if space is None or (wanted.namespace and space.name != wanted.namespace):
            continue
        if any(row["name"] == wanted.name and row["kind"] in kinds for row in data["components"]):
            found.append(data["distribution"])
            if wanted.namespace or space.claims(wanted.name):
                claiming.append(data["distribution"])
    return claiming or found


def _space(data: Row) -> Namespace | None:
    try:
        return read_namespace(data, data["distribution"])
    except ZooError:
        return None


def _get(wanted: ComponentRef, sources: Sequence[str], plugins: Sequence[Plugin]) -> str:
    present = {plugin.distribution: plugin for plugin in plugins}
    text = quote(str(wanted)).replace("'", "`")
    for source in sources:
        if source in present:
            fault = "does not load" if present[source].error else "is installed without it"
            return f"{text} comes from {source}, but its version {present[source].version} {fault}"
        if not Choice.from_environment().takes(source):
            return f"{text} comes from {source}, which ZOO_PLUGINS or ZOO_DISABLED_PLUGINS excludes"
    ways = [f"{source}: pip install {source}" for source in sources]
    return f"{text} comes from {', or '.join(ways)}"


def _near(wanted: ComponentRef, names: Mapping[str, str], plugins: Sequence[Plugin]) -> str:
    faulty = [p.distribution for p in plugins if p.error and p.namespace.name == wanted.namespace]
    if faulty:
        return f"the namespace {wanted.namespace} is that of {faulty[0]}, which does not load"
    spaces = [plugin.namespace.name for plugin in plugins if not plugin.error]
    if wanted.namespace and wanted.namespace not in spaces:
        return f"no installed plugin has the namespace {wanted.namespace}: {near(wanted.namespace, spaces)}"
    close = difflib.get_close_matches(wanted.name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(names[name] for name in close)}?"
    return near("", list(names.values()))
