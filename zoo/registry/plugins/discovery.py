"""Discovery: one record for each installed plugin, good or broken, without importing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.registry.catalogue import CATALOGUE, RECIPES, Row, check_rows, read_namespace
from zoo.registry.catalogue_index import facts_of, read_for_listing
from zoo.registry.environment import switch
from zoo.registry.plugins.installed import CORE, Installed, installed, package_folder
from zoo.registry.plugins.probe import Answer, probe_all
from zoo.spec.component import Namespace
from zoo.spec.errors import PluginError, ZooError
from zoo.spec.names import named_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One distribution with an entry point in the group `zoo`.

    Args:
        distribution: its name.
        version: as installed.
        namespace: how its names are reached.
        module: what carries its hooks; empty where the entry point is bad.
        folder: of its package.
        rows: its components as plain data; of `facts`, what a listing shows (`facts` gives all).
        recipes: files by name.
        error: why it offers nothing, one line; None for a good plugin.
        source: where the rows come from, `catalogue` or `hook`.
    """

    distribution: str
    version: str
    namespace: Namespace
    module: str = ""
    folder: Path | None = None
    rows: Sequence[Row] = ()
    recipes: Mapping[str, Path] = field(default_factory=dict)
    error: str | None = None
    source: str = "catalogue"

    def facts(self, kind: str, name: str) -> Mapping[str, Any]:
        """All facts of one of its components."""
        if self.source == "catalogue" and self.folder is not None:
            return facts_of(self.folder / CATALOGUE, kind, name)
        return next((r.get("facts", {}) for r in self.rows if (r["kind"], r["name"]) == (kind, name)), {})


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """Choice of the plugins that take part, by the environment.

    Args:
        only: names of the distributions that do, all where empty.
        disabled: those that do not.
        strict: whether a broken plugin raises.
    """

    only: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def from_environment(cls) -> PluginChoice:
        """Reads `ZOO_PLUGINS`, `ZOO_DISABLED_PLUGINS` and `ZOO_STRICT_PLUGINS`.

        Raises:
            OptionError: the last is neither on nor off.
        """
        return cls(named_in("ZOO_PLUGINS"), named_in("ZOO_DISABLED_PLUGINS"), switch("ZOO_STRICT_PLUGINS"))

    def takes(self, distribution: str) -> bool:
        """Whether the distribution takes part; the core always does."""
        if distribution == CORE:
            return True
        return distribution not in self.disabled and (not self.only or distribution in self.only)


def discover(choice: PluginChoice | None = None, *, refresh: bool = False) -> list[Plugin]:
    """All plugins that take part, by distribution.

    Args:
        choice: which ones; by default as the environment says.
        refresh: asks plugins without a catalogue again.

    Raises:
        PluginError: one is broken, and the choice is strict.
    """
    choice = choice or PluginChoice.from_environment()
    found = [item for item in installed() if choice.takes(item.distribution)]
    plugins: dict[str, Plugin] = {}
    questions: list[tuple[Installed, Path]] = []
    for item in found:
        try:
            folder = package_folder(item.module)
            file = folder / CATALOGUE
            # A single module shares its folder with others, and the catalogue there may be another's
            if "." in item.module and file.is_file():
                plugins[item.distribution] = _from_catalogue(
                    item, folder, read_for_listing(file, item.distribution)
                )
            else:
                questions.append((item, folder))
        except (ZooError, OSError) as error:
            plugins[item.distribution] = broken(item, _said(error))
    # All at once, since each question costs a process
    for (item, folder), answer in zip(questions, probe_all(questions, refresh=refresh), strict=True):
        plugins[item.distribution] = from_answer(item, folder, answer)
    result = [_reserved(plugins[item.distribution]) for item in found]
    for plugin in result:
        if choice.strict and plugin.error:
            raise PluginError(
                f"plugin {plugin.distribution} {plugin.version} is broken: {plugin.error}",
                hint="mend it, or unset ZOO_STRICT_PLUGINS",
            )
    return result


def from_answer(item: Installed, folder: Path, answer: Answer) -> Plugin:
    """The record of a plugin that was asked through its hook."""
    if "error" in answer:
        return broken(item, str(answer["error"]))
    try:
        check_rows(answer["components"], item.distribution)
        return Plugin(
            distribution=item.distribution,
            version=item.version,
            namespace=read_namespace(answer, item.distribution),
            module=item.module,
            folder=folder,
            rows=answer["components"],
            recipes=recipe_files(folder) if "." in item.module else {},
            source="hook",
        )
    except (ZooError, OSError) as error:
        return broken(item, _said(error))


def broken(item: Installed, error: str) -> Plugin:
    """The record of a plugin that offers nothing, and why."""
    return Plugin(
        distribution=item.distribution,
        version=item.version,
        namespace=_fallback(item.distribution),
        # Not `item.module`, which raises where the entry points are what is wrong
        module=item.values[0],
        error=" ".join(error.split()),
        source="hook",
    )


def _said(error: ZooError | OSError) -> str:
    """An error in one line; of files that cannot be looked at, which one and why."""
    if isinstance(error, ZooError):
        return str(error)
    got = error.strerror or str(error)
    return str(PluginError(f"{error.filename or 'its files'}", expected="what can be read", got=got))


def recipe_files(folder: Path) -> dict[str, Path]:
    """The TOML files in the package's folder `recipes`, by name."""
    return {file.stem: file for file in sorted((folder / RECIPES).glob("*.toml"))}


def _from_catalogue(item: Installed, folder: Path, data: dict[str, Any]) -> Plugin:
    return Plugin(
        distribution=item.distribution,
        version=item.version,
        namespace=read_namespace(data, item.distribution),
        module=item.module,
        folder=folder,
        rows=data["components"],
        recipes={name: folder / path for name, path in data.get("recipes", {}).items()},
    )


def _reserved(plugin: Plugin) -> Plugin:
    """The plugin, or a broken one where it claims the core's own namespace."""
    core = _fallback(CORE).name
    if plugin.distribution == CORE or plugin.error or plugin.namespace.name != core:
        return plugin
    error = f"claims the namespace {core!r}, which is {CORE}'s"
    return replace(plugin, error=error, rows=(), recipes={})


def _fallback(distribution: str) -> Namespace:
    try:
        return read_namespace(None, distribution)
    except ZooError:  # a distribution may have a name that no namespace can have
        return Namespace(name="unknown")
