"""`zoo new`: the files of a plugin, which works as it stands."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

import click


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a kind's plugin says in its declaration.

    Args:
        summary: one line on the component.
        extra: further fields, as they are written.
    """

    summary: str
    extra: tuple[str, ...]


KINDS: Mapping[str, Skeleton] = {
    "backbone": Skeleton("A row of convolutions.", ('tags=("cnn", "small")', 'tiny={"channels": [8, 8]}')),
    "head": Skeleton("One of K classes, after a layer norm.", ('task="multiclass"',)),
    "model": Skeleton(
        "A class for each pixel, from convolutions at full size.",
        ('task="segmentation"', 'tiny={"channels": [4, 4]}'),
    ),
    "augmenter": Skeleton("Mixes pictures with their negative.", ()),
    "loss": Skeleton("Brier score of K logits.", ('task="multiclass"',)),
    "trainer": Skeleton(
        "Trains on mixtures of two pictures and of their targets.",
        ('paper="https://arxiv.org/abs/1710.09412"', 'tiny={"epochs": 1, "batch_size": 4}'),
    ),
    "dataset": Skeleton("Drawn bars, across or upright.", ('task="binary"', 'tiny={"per_class": 4}')),
}

_COMPONENT = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OWN_FILES = ("config", "plugin")


@click.command("new")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice([*KINDS]), default="backbone", show_default=True, help="What it offers."
)
@click.option("--component", help="Its name  [default: NAME without zoo-]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write, which must not exist  [default: NAME]"
)
def command(name: str, kind: str, component: str | None, out: Path | None) -> None:
    """Write a plugin: the distribution NAME, with one component that works.

    \b
    zoo new zoo-mine
    zoo new zoo-mine --kind head --component mine
    """
    from zoo.hub.files import transaction
    from zoo.spec.errors import SaveError, quote

    words = _words(name, kind, component or name.removeprefix("zoo-"))
    folder = Path(name) if out is None else out.expanduser()
    if os.path.lexists(folder):
        hint = "choose another with --out"
        raise SaveError(f"folder {quote(str(folder))}", expected="none yet", got="one that exists", hint=hint)
    try:
        with transaction(folder) as staging:
            for path, text in _files(kind, words):
                file = staging / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SaveError(
            f"folder {quote(str(folder))}",
            expected="one that can be written",
            got=error.strerror or str(error),
        ) from None
    click.echo(f"written: {folder}, with the {kind} {words['component']}")
    click.echo(f"next: pip install -e {folder}, then zoo show {words['component']} and pytest {folder}")


def _words(name: str, kind: str, component: str) -> dict[str, str]:
    """What stands for what in the templates.

    Raises:
        DeclarationError: a name is malformed, or belongs to something else.
    """
    package, module = name.replace("-", "_"), component.replace("-", "_")
    _check_names(name, package, component, module)
    _check_free(name, package, kind, component)
    stem = "".join(part.capitalize() for part in module.split("_"))
    stem = stem.removesuffix(kind.capitalize()) or stem
    skeleton = KINDS[kind]
    return {
        "distribution": name,
        "package": package,
        "namespace": name.removeprefix("zoo-"),
        "kind": kind,
        "component": component,
        "module": module,
        "target": stem + kind.capitalize(),
        "options": f"{stem}Options",
        "summary": skeleton.summary,
        "extra": "".join(f"            {line},\n" for line in skeleton.extra),
    }


def _check_names(name: str, package: str, component: str, module: str) -> None:
    from zoo.spec.errors import DeclarationError, quote

    if not _DISTRIBUTION.fullmatch(name) or keyword.iskeyword(package):
        expected = "lower case letters and digits with single dashes, such as zoo-mine"
        raise DeclarationError("name of the distribution", expected=expected, got=quote(name))
    where, hint = "name of the component", "choose one with --component"
    if not _COMPONENT.fullmatch(component):
        expected = "lower case letters and digits with single dashes or underscores, a letter first"
        raise DeclarationError(where, expected=expected, got=quote(component), hint=hint)
    if keyword.iskeyword(module) or module in _OWN_FILES:
        expected = f"no word of Python's, nor {' or '.join(_OWN_FILES)}"
        raise DeclarationError(where, expected=expected, got=quote(component), hint=hint)


def _check_free(name: str, package: str, kind: str, component: str) -> None:
    """A plugin must not hide a package, a namespace or another component."""
    from zoo.registry.listing import list_components
    from zoo.spec.errors import DeclarationError, quote

    rows = list_components(installed=False)
    spaces = {row.namespace: row.distribution for row in rows}
    owner = spaces.get(name.removeprefix("zoo-"))
    if owner is not None:
        got = f"one whose components would be confused with those of {owner}"
        raise DeclarationError(f"distribution {quote(name)}", expected="a new name", got=got)
    if package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None:
        got = f"that of the package {package}, which is there already"
        raise DeclarationError(f"distribution {quote(name)}", expected="a new name", got=got)
    for row in rows:
        if (row.kind, row.ref) == (kind, component):
            hint = "choose another with --component"
            where, got = f"{kind} {quote(component)}", f"that of one of {row.distribution}"
            raise DeclarationError(where, expected="a new name", got=got, hint=hint)


def _files(kind: str, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Paths and texts."""
    templates = files("zoo.cli") / "templates"
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
    for path, source in places.items():
        text = (templates / f"{source}.tmpl").read_text(encoding="utf-8")
        yield path, Template(text).substitute(words)
    yield f"{package}/py.typed", ""
