"""Writing catalogues: from a plugin's code to its `catalogue.json`, and from those to `registry.json`."""

from __future__ import annotations

import json
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.registry.catalogue import CATALOGUE, FORMAT, RECIPES, Row, read_registry, written_again
from zoo.registry.loading import declare, guarded, resolve_config, resolve_target
from zoo.registry.plugins.discovery import recipe_files
from zoo.registry.plugins.inspection import Inspection, Report, difference
from zoo.registry.plugins.installed import GROUP, Installed, installed, package_folder
from zoo.spec.component import Component
from zoo.spec.disk.atomic_write import write_errors, write_text
from zoo.spec.disk.leftovers import sweep_parts
from zoo.spec.disk.paths import check_path
from zoo.spec.disk.reading import read_json
from zoo.spec.errors import OptionError, PluginError, ZooError, quote
from zoo.spec.names import normalise

Facts = Callable[[Component], Mapping[str, Any]]
"""Computes what a catalogue says about a component beside its declaration."""


def write_catalogue(file: Path, text: str) -> None:
    """Writes a catalogue or registry; a crash leaves the old file or the new one.

    Args:
        file: to write.
        text: from `zoo.registry.catalogue.dump`.

    Raises:
        SaveError: the disk says no.
    """
    sweep_parts(file.parent)
    with write_errors(file):
        write_text(file, text)


@dataclass(frozen=True, slots=True)
class Project:
    """A plugin under development.

    Args:
        distribution: its name.
        module: that carries its hooks.
        folder: of its package, where the catalogue belongs.
    """

    distribution: str
    module: str
    folder: Path

    @property
    def file(self) -> Path:
        """Path of its catalogue."""
        return self.folder / CATALOGUE

    @property
    def root(self) -> Path:
        """The folder with its `pyproject.toml`, which pip takes."""
        inside = (self.folder, *self.folder.parents)
        return next((folder for folder in inside if (folder / "pyproject.toml").is_file()), self.folder)


def projects() -> list[Project]:
    """The installed plugins whose code is not in site-packages: those under development."""
    site = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib"))
    found = []
    for item in installed():
        try:
            project = _project(item)
        except ZooError:  # a broken installation is `zoo plugins`' to report
            continue
        where = project.folder.resolve()
        # By name also the user's own site-packages, and those of other environments on the path
        if not any(where.is_relative_to(folder) for folder in site) and "site-packages" not in where.parts:
            found.append(project)
    return found


def project_at(path: Path) -> Project:
    """The plugin whose `pyproject.toml` is in a folder, installed or not.

    Raises:
        PluginError: there is none, or it has no entry point of ours.
    """
    check_path(str(path))
    file = path / "pyproject.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PluginError(
            f"{path}", expected="a folder with a pyproject.toml", got=error.strerror or str(error)
        ) from None
    except ValueError as error:
        raise PluginError(f"{file}", expected="TOML", got=str(error)) from None
    table = data.get("project", {})
    values = tuple(table.get("entry-points", {}).get(GROUP, {}).values())
    item = Installed(normalise(str(table.get("name", path.name))), "under development", values)
    inside = path.resolve()
    # The two usual layouts: the package in `src/`, or beside its pyproject.toml
    for source in (inside / "src", inside):
        if (source / item.module.partition(".")[0]).is_dir() and str(source) not in sys.path:
            sys.path.insert(0, str(source))  # this very folder, whatever copy is installed
            break
    project = _project(item)
    if not project.folder.resolve().is_relative_to(inside):
        raise PluginError(
            f"{item.distribution}", expected=f"its package under {path}", got=str(project.folder)
        )
    return project


def make(project: Project, facts: Facts) -> Row:
    """The catalogue of a plugin, made from its code.

    Raises:
        PluginError: its hooks fail, or facts of a component cannot be computed.
    """
    declared = declare(project.module, project.distribution)
    rows = []
    for component in declared.components:
        try:
            # Facts of most kinds are had without the target, which nobody could build where it is missing
            resolve_target(component)
            with guarded("its code raised", project.module):
                _check_tiny(component)
                computed = facts(component)
        except Exception as error:  # facts are read off a network that is made, by code of the plugin's
            line = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
            raise PluginError(
                f"{project.distribution}, {component.kind} {quote(component.name)}: {line}"
            ) from error
        rows.append({**component.to_dict(), "facts": dict(computed)})
    space = declared.namespace
    catalogue = {
        "format": FORMAT,
        "distribution": project.distribution,
        "namespace": space.name if space else project.distribution.removeprefix("zoo-"),
        "bare": space.bare if space else True,
        **({"formerly": space.formerly} if space and space.formerly else {}),
        "components": sorted(rows, key=lambda row: (row["kind"], row["name"])),
        "recipes": {name: f"{RECIPES}/{file.name}" for name, file in recipe_files(project.folder).items()},
    }
    plain: Row = json.loads(json.dumps(catalogue))  # tuples as the lists that they will be read as
    return plain


def _check_tiny(component: Component) -> None:
    """Raises OptionError where `tiny` names what the options are not, with which no test could be made."""
    from zoo.spec.options import validate

    config = resolve_config(component)
    if config is None and component.tiny:
        raise OptionError("tiny", expected="options of a config", got="no config", hint="declare one")
    if config is not None:
        validate(config, component.tiny, "tiny")


def changed(file: Path, text: str) -> str | None:
    """The first component that differs between a file and what it should hold, in words."""
    try:
        old = file.read_text(encoding="utf-8")
    except OSError:
        return "it does not exist"
    if old == text:
        return None
    try:
        before, after = _rows(json.loads(old)), _rows(json.loads(text))
        # By distribution: two may each have a component of one kind and name
        both = ((name, _first(before.get(name, []), after.get(name, []))) for name in {**before, **after})
        name, what = next(((name, what) for name, what in both if what), ("", None))
    except (ValueError, KeyError, TypeError):
        return "it is damaged"
    return f"{name}: {what}" if name and what else what or "form"


def _first(before: list[Row], after: list[Row]) -> str | None:
    """The first component in which a distribution's rows differ, then the first facts, in words."""
    if what := difference(before, after):
        return what
    # Both have the same components here, since `difference` passes over nothing but facts
    facts = {(row["kind"], row["name"]): row.get("facts", {}) for row in before}
    differ = (row for row in after if facts[row["kind"], row["name"]] != row.get("facts", {}))
    row = next(differ, None)
    return f"facts of {row['kind']} {row['name']!r}" if row else None


def with_facts_checked(found: Inspection, facts: Facts) -> Inspection:
    """The inspection, with one more line for each plugin whose catalogue is out of date in any fact.

    Where something else is wrong with a plugin, that comes first, and its facts are not computed.

    Args:
        found: what asking the hooks gave.
        facts: computes what a catalogue says beside the declarations.
    """
    return replace(found, reports=[_with_facts_checked(report, facts) for report in found.reports])


def _with_facts_checked(report: Report, facts: Facts) -> Report:
    plugin = report.plugin
    if report.problems or plugin.source != "catalogue" or plugin.folder is None:
        return report
    try:
        made = make(Project(plugin.distribution, plugin.module, plugin.folder), facts)
        old = read_json(plugin.folder / CATALOGUE)
    except ZooError as error:
        return replace(report, problems=(str(error),))
    what = _first(old["components"], made["components"])
    what = what or ("recipes" if old.get("recipes", {}) != made["recipes"] else None)
    line = f"its catalogue is out of date: {what}; {written_again(plugin.folder)}"
    return replace(report, problems=(line,)) if what else report


def merged(file: Path, catalogues: Iterable[Row], roots: Mapping[str, Path] = MappingProxyType({})) -> Row:
    """The registry in a file, with these catalogues in place of their older selves.

    What it says of a distribution beside its catalogue stays: `published`, which people write into it.

    Args:
        file: the registry.
        catalogues: to put in.
        roots: folders of their projects by distribution; one beside the registry is recorded as `where`.

    Raises:
        PluginError: the file is there and is no registry.
    """
    check_path(str(file))
    known = {item["distribution"]: item for item in (read_registry(file) if file.exists() else ())}
    for item in catalogues:
        name = item["distribution"]
        beside: Row = {key: known[name][key] for key in ("published", "where") if key in known.get(name, {})}
        root, home = roots.get(name), file.resolve().parent
        if root is not None and root.resolve().is_relative_to(home):
            beside["where"] = root.resolve().relative_to(home).as_posix()
        known[name] = {**item, **beside}
    return {"format": FORMAT, "distributions": [known[name] for name in sorted(known)]}


def _project(item: Installed) -> Project:
    return Project(item.distribution, item.module, package_folder(item.module))


def _rows(data: Any) -> dict[str, list[Row]]:
    """The components by distribution in a registry; those of a catalogue, which is of one, under no name."""
    if "distributions" in data:
        return {item["distribution"]: item["components"] for item in data["distributions"]}
    return {"": data["components"]}
