"""The catalogue: what a distribution offers, as a JSON file that is read without importing it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from zoo.registry.plugins.installed import CORE
from zoo.spec.component import Namespace
from zoo.spec.disk.paths import working_folder
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.schema import Schema, line, lines, misfit, one_of, or_none, table, table_of
from zoo.spec.errors import PluginError, quote, reason
from zoo.spec.kinds import KINDS

FORMAT = 1  # of catalogues and the registry; that of saved models is in zoo.compose.formats
CATALOGUE = "catalogue.json"
REGISTRY = "registry.json"
RECIPES = "recipes"
_WIDTH = 110  # as of our code
_OF_DISTRIBUTION = (
    ("distribution", str, "a distribution's name"),
    ("where", str, "its folder in the checkout"),
    ("published", bool, "true where an index has it"),
)
"""What a registry says of a distribution beside its catalogue."""

Row = dict[str, Any]
"""One component as plain data: the fields of `Component.to_dict`, and `facts`."""


def read_catalogue(file: Path) -> Row:
    """The content of a `catalogue.json`.

    Raises:
        PluginError: it cannot be read, or has not the form that this version knows.
    """
    data = _json(file, written_again(file.parent))
    check_catalogue(data, str(file))
    return data  # type: ignore[no-any-return]  # checked above


def _json(file: Path, hint: str | None) -> Any:
    try:
        return read_json(file)
    except OSError as error:
        raise PluginError(f"{file}", expected="a readable file", got=error.strerror or str(error)) from None
    except ValueError as error:
        raise PluginError(f"{file}", expected="JSON", got=reason(error), hint=hint) from None


def written_again(folder: Path | None) -> str:
    """The command that writes a plugin's catalogue anew; where its checkout is not at hand, what else to do.

    Args:
        folder: of its package.
    """
    if folder is None or "site-packages" in folder.parts:
        return "install the plugin again"
    # A package lies in `src/`, beside its pyproject.toml, or is a single module's folder
    around = (folder, folder.parent, folder.parent.parent)
    root = next((place for place in around if (place / "pyproject.toml").is_file()), None)
    if root is None:
        return "install the plugin again, or, if it is yours, run zoo catalogue in its folder"
    here = working_folder()
    place = root.relative_to(here) if here and root.is_relative_to(here) else root
    return f"run zoo catalogue {shlex.quote(str(place))}"


def check_catalogue(data: Any, where: str) -> None:
    """Checks the outer form of a catalogue; the fields of a component are checked when it is used.

    Raises:
        PluginError: something is missing or of the wrong type.
    """
    again = written_again(Path(where).parent)
    if not isinstance(data, dict):
        raise PluginError(where, expected="a table", got=type(data).__name__, hint=again)
    if data.get("format") != FORMAT:
        got = data.get("format")
        newer = isinstance(got, int) and got > FORMAT
        hint = f"it was written for a newer {CORE}" if newer else again
        raise PluginError(f"{where}: unknown format", expected=str(FORMAT), got=quote(got), hint=hint)
    rows, recipes = data.get("components"), data.get("recipes", {})
    if not isinstance(rows, list):
        raise PluginError(f"{where}: bad components", expected="a list", got=quote(rows), hint=again)
    check_rows(rows, where)
    # A catalogue is a stranger's file, and its recipes are read: they have to lie in its own folder
    fine = isinstance(recipes, dict) and all(isinstance(path, str) for path in recipes.values())
    if not fine or any(".." in Path(path).parts or Path(path).is_absolute() for path in recipes.values()):
        raise PluginError(
            f"{where}: bad recipes", expected="relative paths by name", got=quote(recipes), hint=again
        )


def check_rows(rows: Iterable[Any], where: str) -> None:
    """Checks what a listing needs of each component, and that no name comes twice in a kind."""
    seen = set()
    for row in rows:
        # What is printed in tables, so that a terminal takes no orders from it
        if not isinstance(row, dict) or misfit(row, _OUTER, _OUTER):
            raise PluginError(
                f"{where}: bad component", expected="kind, name, target, summary", got=quote(row)
            )
        if found := misfit(row, _FIELDS):
            raise PluginError(f"{where}: component {row['name']}", expected=found[0], got=found[1])
        both = (row["kind"], row["name"])
        if both in seen:
            raise PluginError(
                f"{where}: {both[0]} {quote(both[1])}", expected="each name once per kind", got="two"
            )
        seen.add(both)


_OUTER: Schema = {"kind": one_of(*KINDS), **dict.fromkeys(("name", "target", "summary"), line)}
_FIELDS: Schema = {
    **dict.fromkeys(("config", "paper", "licence", "task"), or_none(line)),
    "tags": lines,
    "weights": table_of(table, "tables by tag"),
    **dict.fromkeys(("tiny", "former", "example", "facts"), table),
}
"""What a row may have besides, and how it has to look where a list is made of it."""


def read_namespace(data: Mapping[str, Any] | None, distribution: str) -> Namespace:
    """The namespace that a catalogue or an answer gives, by default the distribution's name.

    Example:
        >>> read_namespace(None, "zoo-vgg")
        Namespace(name='vgg', bare=True, formerly=())

    Raises:
        DeclarationError: the name is malformed.
        PluginError: `bare` is neither a truth value nor a list of names, or `formerly` is no list.
    """
    data = data or {}
    name = data.get("namespace") or distribution.removeprefix("zoo-")
    bare = data.get("bare", True)
    # JSON has no tuples
    if isinstance(bare, list) and all(isinstance(item, str) for item in bare):
        bare = tuple(bare)
    if not isinstance(bare, bool | tuple):
        where = f"namespace of {distribution}: bad bare"
        raise PluginError(where, expected="true, false or a list of names", got=quote(bare))
    formerly = data.get("formerly", [])
    if not isinstance(formerly, list):
        where = f"namespace of {distribution}: bad formerly"
        raise PluginError(where, expected="a list of namespaces", got=quote(formerly))
    return Namespace(name=name, bare=bare, formerly=tuple(formerly))


def checkout() -> Path | None:
    """The checkout that this very core runs from; None where it was installed as a copy."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


@lru_cache(maxsize=1)
def known() -> tuple[Row, ...]:
    """The catalogues in `registry.json`: all distributions known when this core was released.

    They give hints only, so a registry that is missing or damaged is an empty one.
    """
    # An editable install leaves a stale copy in site-packages, so the checkout's own comes first.
    root = checkout()
    editable = root / REGISTRY if root is not None else None
    file = editable if editable and editable.is_file() else Path(__file__).resolve().parents[1] / REGISTRY
    try:
        data = read_registry(file)
    except PluginError:
        return ()
    return tuple(data)


def read_registry(file: Path) -> list[Row]:
    """The catalogues in a registry file.

    Raises:
        PluginError: it cannot be read or is no registry.
    """
    data = _json(file, None)
    if (
        not isinstance(data, dict)
        or data.get("format") != FORMAT
        or not isinstance(data.get("distributions"), list)
    ):
        raise PluginError(f"{file}", expected=f"a registry of format {FORMAT}", got=quote(data))
    for item in data["distributions"]:
        check_catalogue(item, str(file))
        # Only the name is there for every distribution; what is there besides has to be right
        for key, kind, words in _OF_DISTRIBUTION:
            if key != "distribution" and key not in item:
                continue
            if not isinstance(item.get(key), kind):
                raise PluginError(f"{file}: bad {key}", expected=words, got=quote(item.get(key)))
    return data["distributions"]  # type: ignore[no-any-return]  # checked above


def dump(data: Any) -> str:
    """JSON whose diffs are readable: a value that fits on a line is one, a longer one is broken up.

    Example:
        >>> print(dump({"a": [1, 2], "b": {"c": "x"}}), end="")
        {"a": [1, 2], "b": {"c": "x"}}
    """
    return _pretty(data, 0, 0) + "\n"


def _pretty(value: Any, depth: int, used: int) -> str:
    # `used` are the columns of the key before the value and of the comma behind it
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + depth + used <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        keys = {key: f"{json.dumps(key, ensure_ascii=False)}: " for key in value}
        items = [pad + keys[k] + _pretty(v, depth + 1, len(keys[k]) + 1) for k, v in value.items()]
        first, last = "{", "}"
    else:
        items = [pad + _pretty(v, depth + 1, 1) for v in value]
        first, last = "[", "]"
    return f"{first}\n" + ",\n".join(items) + f"\n{' ' * depth}{last}"
