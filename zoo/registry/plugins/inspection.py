"""Inspection: what each plugin's hooks say beside what its catalogue says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.registry.catalogue import Row, read_namespace, written_again
from zoo.registry.plugins.discovery import Plugin, PluginChoice, discover, from_answer
from zoo.registry.plugins.installed import Installed, installed, unreadable
from zoo.registry.plugins.interface_version import version_problem
from zoo.registry.plugins.probe import Answer, probe_all
from zoo.registry.snapshot import Registry
from zoo.spec.component import API, Component
from zoo.spec.errors import ZooError, listing, quote


@dataclass(frozen=True, slots=True)
class Report:
    """One plugin and what is wrong with it.

    Args:
        plugin: its record.
        problems: one line each; none for a good plugin.
    """

    plugin: Plugin
    problems: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of components by kind."""
        return Counter(row["kind"] for row in self.plugin.rows)


@dataclass(frozen=True, slots=True)
class Inspection:
    """State of all plugins, for `zoo plugins` and `zoo doctor`.

    Args:
        reports: one a plugin that takes part.
        disabled: distributions that the environment excludes.
        conflicts: bare names that several distributions claim: kind and name, and those.
        unreadable: distributions whose entry points cannot be read, one line each.
    """

    reports: Sequence[Report]
    disabled: Sequence[str] = ()
    conflicts: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    unreadable: Sequence[str] = ()

    @property
    def fine(self) -> bool:
        """Whether nothing at all is wrong."""
        troubled = self.conflicts or self.unreadable
        return not troubled and not any(report.problems for report in self.reports)


def inspect(*, ask: bool = True, refresh: bool = False) -> Inspection:
    """Looks at every plugin, and asks those with a catalogue through their hooks as well.

    Args:
        ask: False trusts the catalogues.
        refresh: asks again, whatever is remembered.
    """
    # What strict mode stops at is what one wants to see here
    choice = replace(PluginChoice.from_environment(), strict=False)
    everything = installed()
    plugins = discover(choice, refresh=refresh)
    known = {item.distribution: item for item in everything}
    questions = (
        [(plugin, known[plugin.distribution]) for plugin in plugins if _catalogued(plugin)] if ask else []
    )
    answers = probe_all(
        [(item, plugin.folder) for plugin, item in questions if plugin.folder], refresh=refresh
    )
    said = {
        plugin.distribution: disagreement(plugin, item, answer)
        for (plugin, item), answer in zip(questions, answers, strict=True)
    }
    registry = Registry(plugins)
    reports = []
    for plugin in plugins:
        problems = [plugin.error] if plugin.error else []
        owners = registry.clashes.get(plugin.namespace.name, ()) if not plugin.error else ()
        if owners:
            others = [owner for owner in owners if owner != plugin.distribution]
            problems.append(f"namespace {plugin.namespace.name!r} is also claimed by {', '.join(others)}")
        problems += _of_other_interfaces(plugin) or said.get(plugin.distribution, [])
        # A report names its plugin by itself
        called = f"plugin {plugin.distribution} {plugin.version}: "
        reports.append(Report(plugin, tuple(problem.removeprefix(called) for problem in problems)))
    disabled = [item.distribution for item in everything if not choice.takes(item.distribution)]
    return Inspection(reports, disabled, registry.conflicts, unreadable())


def _of_other_interfaces(plugin: Plugin) -> list[str]:
    """What was written for other interfaces than this core's: one line a version."""
    versions: dict[int, list[str]] = {}
    for row in plugin.rows:
        versions.setdefault(row.get("api", API), []).append(quote(row["name"]))
    found = (
        version_problem(plugin.distribution, plugin.version, api, plugin.folder, listing(names, 3))
        for api, names in versions.items()
    )
    return [str(problem) for problem in found if problem]


def disagreement(plugin: Plugin, item: Installed, answer: Answer) -> list[str]:
    """The difference of a plugin's catalogue from what its hooks answer, at most one line."""
    hook = from_answer(item, plugin.folder, answer) if plugin.folder else plugin
    if hook.error:
        return [hook.error if hook.error.startswith("its hook") else f"its hook: {hook.error}"]
    first = difference(plugin.rows, hook.rows)
    # A hook that says nothing of its namespace means the default one, as the catalogue has it
    if first is None and read_namespace(answer, item.distribution) != plugin.namespace:
        first = "namespace"
    return [f"catalogue and code disagree on {first}; {written_again(plugin.folder)}"] if first else []


def difference(old: Sequence[Row], new: Sequence[Row]) -> str | None:
    """The first component in which two lists of rows differ, facts left out.

    Example:
        >>> difference([{"kind": "head", "name": "a"}], [{"kind": "head", "name": "a", "tags": ["x"]}])
        "head 'a' (tags)"
    """
    before, after = _by_key(old), _by_key(new)
    for key in (*before, *after):
        kind, name = key
        if key not in after:
            return f"{kind} {name!r} (only in the catalogue)"
        if key not in before:
            return f"{kind} {name!r} (only in the code)"
        for part in sorted({*before[key], *after[key]}):
            if before[key].get(part) != after[key].get(part):
                return f"{kind} {name!r} ({part})"
    return None


def _catalogued(plugin: Plugin) -> bool:
    return plugin.source == "catalogue" and not plugin.error and plugin.folder is not None


def _by_key(rows: Sequence[Row]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(row["kind"], row["name"]): _full(row) for row in rows}


def _full(row: Row) -> Mapping[str, Any]:
    """The row with its defaults filled in, so that leaving one out is no difference."""
    bare = {key: value for key, value in row.items() if key != "facts"}
    try:
        return Component.from_dict(bare).to_dict()
    except ZooError:
        return bare
