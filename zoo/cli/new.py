"""`zoo new`: the files of a plugin, which works as it stands."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from zoo.cli._plugin import add, is_plugin, text_of
from zoo.spec.kinds import KINDS

_COMPONENT = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CONFIG = "config_"
_OWN_FILES = ("config", "plugin")


@click.command("new")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice([*KINDS]), default="backbone", show_default=True, help="What it offers."
)
@click.option("--component", help="Its name  [default: NAME without zoo-; of a further one with its kind]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the plugin  [default: NAME]")
def command(name: str, kind: str, component: str | None, out: Path | None) -> None:
    """Write a plugin: the distribution NAME, with one component that works.

    NAME is what pip installs: lower case letters, digits and single dashes, such as zoo-mine. Its package is
    then zoo_mine, and its namespace mine: mine:component always means its component.

    Where its folder is there already, the component is added to it.

    \b
    zoo new zoo-mine
    zoo new zoo-mine --kind head
    zoo new zoo-mine --kind loss --component softer
    """
    from zoo.spec.disk.paths import need_folder
    from zoo.spec.errors import SaveError, quote

    if out is None or not out.expanduser().is_absolute():
        need_folder(f"folder {quote(str(out or name))}", "--out")
    folder = Path(name) if out is None else out.expanduser()
    there = os.path.lexists(folder)
    if there and not is_plugin(folder, name):
        expected, hint = f"none yet, or that of {name}", "choose another with --out"
        raise SaveError(f"folder {quote(str(folder))}", expected=expected, got="one that exists", hint=hint)
    words = _words(name, kind, component or _free_name(name, kind, folder), there=there)
    try:
        files = add(folder, kind, words) if there else _write(folder, kind, words)
    except OSError as error:
        raise SaveError(
            f"folder {quote(str(folder))}",
            expected="one that can be written",
            got=error.strerror or str(error),
        ) from None
    click.echo(f"{'added to' if there else 'written:'} {folder}, with the {kind} {words['component']}")
    for file in files:
        click.echo(f"  {file}")
    # A plugin with a catalogue shows what stands there, so that has to be renewed first
    catalogued = (folder / "src" / words["package"] / "catalogue.json").exists()
    first = f"zoo catalogue {folder}" if catalogued else f"pip install -e {folder} pytest"
    click.echo(f"next: {first}, then zoo show {words['component']} and pytest {folder}")


def _write(folder: Path, kind: str, words: Mapping[str, str]) -> list[str]:
    """Writes a new plugin, all of it or nothing."""
    from zoo.spec.disk.transaction import transaction

    with transaction(folder) as staging:
        for path, text in _files(kind, words):
            file = staging / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return []


def _free_name(name: str, kind: str, folder: Path) -> str:
    """The name of a component to which the user gives none."""
    stem = name.removeprefix("zoo-")
    taken = (folder / "src" / name.replace("-", "_") / f"{stem.replace('-', '_')}.py").exists()
    return f"{stem}-{kind}" if taken else stem


def _words(name: str, kind: str, component: str, *, there: bool) -> dict[str, str]:
    """The words that the templates are filled in with.

    Args:
        name: of the distribution.
        kind: of the component.
        component: its name.
        there: whether the distribution is there already, so that its names are its own.

    Raises:
        DeclarationError: a name is malformed, or belongs to something else.
    """
    package, module = name.replace("-", "_"), component.replace("-", "_")
    _check_names(name, package, component, module)
    _check_meaning(kind, component, module)
    _check_free(name, package, kind, component, there=there)
    stem = "".join(part.capitalize() for part in module.split("_"))
    # A component called soft-loss has the class SoftLoss, and not SoftLossLoss
    stem = stem.removesuffix(kind.capitalize()) or stem
    row = KINDS[kind]
    words = {
        "distribution": name,
        "package": package,
        "namespace": name.removeprefix("zoo-"),
        "kind": kind,
        "component": component,
        "module": module,
        "target": stem + kind.capitalize(),
        "options": f"{stem}Options",
        "config": f"{_CONFIG}{module}" if there else "config",
        "summary": row.summary,
        "extra": "".join(f"            {line},\n" for line in row.declares),
    }
    _check_classes(kind, words)
    return words


def _check_names(name: str, package: str, component: str, module: str) -> None:
    from zoo.spec.errors import DeclarationError, quote

    # The namespace is the name without zoo-
    if name.removeprefix("zoo-") == "file":
        got = "one whose components would be read as paths, file:..."
        raise DeclarationError(f"distribution {quote(name)}", expected="a new name", got=got)
    if not _DISTRIBUTION.fullmatch(name) or keyword.iskeyword(package):
        expected = "lower case letters and digits with single dashes, such as zoo-mine"
        raise DeclarationError("name of the distribution", expected=expected, got=quote(name))
    where, hint = "name of the component", "choose one with --component"
    if not _COMPONENT.fullmatch(component):
        expected = "lower case letters and digits with single dashes or underscores, a letter first"
        raise DeclarationError(where, expected=expected, got=quote(component), hint=hint)
    if keyword.iskeyword(module) or module in _OWN_FILES or module.startswith(_CONFIG):
        expected = f"no word of Python's, nor {' or '.join(_OWN_FILES)}, whose files hold something else"
        raise DeclarationError(where, expected=expected, got=quote(component), hint=hint)


def _check_meaning(kind: str, component: str, module: str) -> None:
    """Raises DeclarationError for a name that would stand for something else where it is used."""
    from zoo.spec.errors import DeclarationError, quote
    from zoo.spec.names import is_taken
    from zoo.spec.recipe import ORIGINAL

    where, hint = "name of the component", "choose one with --component"
    if kind == "metric" and is_taken(module):
        expected = "one that no other value beside the figures has"
        raise DeclarationError(f"{where}: metric", expected=expected, got=quote(component), hint=hint)
    if kind == "head" and component == ORIGINAL:
        expected = f"one that means no other head, as {ORIGINAL} means the published classifier"
        raise DeclarationError(f"{where}: head", expected=expected, got=quote(component), hint=hint)


def _check_classes(kind: str, words: Mapping[str, str]) -> None:
    """Raises DeclarationError where a class would be called like one that its file imports."""
    from zoo.spec.errors import DeclarationError, quote

    for file, name in (("module", words["target"]), ("config", words["options"])):
        # Looked for in the file without the name itself: what is found then is another's
        if re.search(rf"\b{name}\b", text_of(f"{kind}/{file}.py", {**words, "target": "", "options": ""})):
            expected, got = "one whose class has a name of its own", f"{quote(words['component'])}: {name}"
            hint = "choose one with --component"
            raise DeclarationError("name of the component", expected=expected, got=got, hint=hint)


def _check_free(name: str, package: str, kind: str, component: str, *, there: bool) -> None:
    """A plugin must not hide a package, a namespace or another component."""
    from zoo.registry.listing import list_components
    from zoo.registry.plugins.discovery import PluginChoice, discover
    from zoo.spec.errors import DeclarationError, quote

    rows = list_components(installed=False)
    space = name.removeprefix("zoo-")
    # Broken plugins and those that offer nothing yet have no rows, and their namespaces all the same
    owners = {row.namespace: row.distribution for row in rows}
    for plugin in discover(PluginChoice()):
        spaces = (plugin.namespace.name, *plugin.namespace.formerly, plugin.distribution.removeprefix("zoo-"))
        owners = {**dict.fromkeys(spaces, plugin.distribution), **owners}
    owner = owners.get(space)
    if owner is not None and not (there and owner == name):
        got = f"one whose components would be confused with those of {owner}"
        hint = f"its namespace would be {space}, which {owner} has"
        raise DeclarationError(f"distribution {quote(name)}", expected="a new name", got=got, hint=hint)
    # A module of the name would be hidden, or hide this one
    if not there and (package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None):
        got = f"that of the package {package}, which is there already"
        raise DeclarationError(f"distribution {quote(name)}", expected="a new name", got=got)
    for row in rows:
        if (row.kind, row.ref) == (kind, component):
            hint = "choose another with --component"
            where, got = f"{kind} {quote(component)}", f"that of one of {row.distribution}"
            raise DeclarationError(where, expected="a new name", got=got, hint=hint)


def _files(kind: str, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Paths of a plugin's files below its folder, and their texts."""
    package = f"src/{words['package']}"
    places = {
        "pyproject.toml": "common/pyproject.toml",
        "README.md": "common/README.md",
        f"{package}/__init__.py": "common/init.py",
        f"{package}/plugin.py": "common/plugin.py",
        f"{package}/config.py": f"{kind}/config.py",
        f"{package}/{words['module']}.py": f"{kind}/module.py",
        "tests/test_contract.py": "common/test_contract.py",
    }
    filled = {**words, "declaration": text_of("common/component.py", words)}
    for path, source in places.items():
        yield path, text_of(source, filled)
    yield f"{package}/py.typed", ""
