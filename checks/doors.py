"""The doors as they were last written down, and what has changed since.

    python checks/doors.py            # exits 1 and names each change that breaks the rule
    python checks/doors.py --write    # writes them down anew: at a release, and when `API` is raised

`checks/doors.txt` has a line for each name that plugins and users import, with signature and defaults. What
differs from it has to stand in the newest section of the changelog, by name; what breaks those who import it
needs a higher `API` in `zoo/spec/component.py` too.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # where this file is loaded by its path

from walls import DOORS  # noqa: E402 - found by the line above

SNAPSHOT = Path("checks", "doors.txt")
BESIDE: Mapping[str, Sequence[str]] = {"zoo": ("list",)}
"""Public names that `__all__` leaves out: `from zoo import *` would hide Python's own."""

_OPERATORS = ("__call__", "__contains__", "__enter__", "__exit__", "__getitem__", "__iter__", "__len__")
_NOTHING = dataclasses.MISSING

# -- writing down --------------------------------------------------------------------------------------


def doors(modules: Sequence[str] = DOORS) -> dict[str, str]:
    """What the doors offer now: full names, members of classes among them, with what each is."""
    found: dict[str, str] = {}
    homes: dict[int, str] = {}
    offered = {
        f"{door}.{name}": getattr(importlib.import_module(door), name)
        for door in modules
        for name in sorted({*importlib.import_module(door).__all__, *BESIDE.get(door, ())})
    }
    classes = {value for value in offered.values() if inspect.isclass(value)}
    for name, value in offered.items():
        if (home := homes.setdefault(id(value), name)) != name and not isinstance(value, str | tuple):
            found[name] = f"is {home}"
        elif inspect.isclass(value):
            found[name] = f"class ({', '.join(_known_bases(value))})"
            found |= {f"{name}.{key}": text for key, text in sorted(_members(value, classes).items())}
        elif inspect.isfunction(value):
            found[name] = f"def {_signature(value)}"
        elif isinstance(value, str | int | float | tuple):
            found[name] = f"= {_source(value)}"
        else:
            found[name] = "type" if type(value).__module__ in ("typing", "types") else type(value).__name__
    return found


def _known_bases(of: type) -> Iterator[str]:
    """The classes that `isinstance` may be asked for."""
    for base in of.__mro__[1:]:
        inner = any(part.startswith("_") for part in (base.__name__, *base.__module__.split(".")))
        if (not inner and base.__module__ not in ("builtins", "typing")) or issubclass(base, BaseException):
            yield base.__name__


def _members(of: type, classes: set[type]) -> dict[str, str]:
    """Fields, methods, properties and attributes that stand in no other class of the doors."""
    bases = [
        base for base in of.__mro__ if base.__module__.partition(".")[0] == of.__module__.partition(".")[0]
    ]
    elsewhere = {key for base in bases if base is not of and base in classes for key in _names(base)}
    own = [base for base in bases if base is of or base not in classes]
    found = {}
    for key in sorted({key for base in own for key in _names(base)}):
        if key in elsewhere and not any(key in _names(base) for base in own if _first(bases, key) is base):
            continue
        annotation = next((a for base in bases if (a := _annotations(base).get(key)) is not None), None)
        value = inspect.getattr_static(of, key, _NOTHING)
        if annotation is not None and "ClassVar" not in str(annotation):
            default = _default(of, key, value)
            found[key] = f": {_annotation(annotation)}" + (
                "" if default is _NOTHING else f" = {_source(default)}"
            )
        elif isinstance(value, property):
            back = inspect.signature(value.fget).return_annotation if value.fget else None
            found[key] = f"property {_annotation(back)}"
        elif isinstance(value, classmethod | staticmethod):
            found[key] = f"{type(value).__name__} def {_signature(value.__func__)}"
        elif inspect.isfunction(value):
            found[key] = f"def {_signature(value)}"
        elif value is not _NOTHING:
            found[key] = f"= {_source(value)}"
    return found


def _first(bases: Sequence[type], key: str) -> type:
    """The class that a name comes from."""
    return next(base for base in bases if key in _names(base))


def _names(of: type) -> set[str]:
    names = {key for key in vars(of) if not key.startswith("_") or key in _OPERATORS}
    if not hasattr(of, "__pydantic_fields__"):
        names |= {"__init__"} & {*vars(of)}
    return names - {"model_config"} | {key for key in _annotations(of) if not key.startswith("_")}


def _annotations(of: type) -> Mapping[str, Any]:
    return vars(of).get("__annotations__", {})


def _default(of: type, key: str, value: Any) -> Any:
    """What a field holds where nothing is said; `MISSING` where something has to be."""
    if field := getattr(of, "__pydantic_fields__", {}).get(key):
        return _NOTHING if field.is_required() else field.get_default(call_default_factory=True)
    if field := getattr(of, "__dataclass_fields__", {}).get(key):
        return field.default if field.default_factory is _NOTHING else field.default_factory()
    return _NOTHING if isinstance(value, types.MemberDescriptorType) else value


def _signature(function: Callable[..., Any]) -> str:
    given = inspect.signature(function)
    empty = given.empty
    parameters = [
        p.replace(
            annotation=empty if p.annotation is empty else _Source(_annotation(p.annotation)),
            default=empty if p.default is empty else _Source(_source(p.default)),
        )
        for p in given.parameters.values()
    ]
    back = given.return_annotation
    return str(
        inspect.Signature(parameters, return_annotation=back if back is empty else _Source(_annotation(back)))
    )


class _Source(str):
    """Text that a signature shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _annotation(value: Any) -> str:
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    return ast.unparse(ast.parse(text, mode="eval"))


def _source(value: Any) -> str:
    """A default as code: its value where that can be written, else of what class it is."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_source, value))}{',' * (len(value) == 1)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_source(item)}" for key, item in value.items()) + "}"
    if value is None or type(value) in (str, int, float, bool):
        return f"float('{value}')" if value in (float("inf"), float("-inf")) else repr(value)
    if inspect.isclass(value) or inspect.isfunction(value):
        return str(value.__name__)
    # How dataclasses show a default that is made anew each time
    made_anew = "FACTORY" in type(value).__name__
    return "..." if made_anew else f"{type(value).__name__}()"


def written(found: Mapping[str, str], api: int) -> str:
    """The snapshot's text."""
    return "".join([f"API {api}\n", *(f"{name} {text}\n" for name, text in found.items())])


def read(text: str) -> tuple[dict[str, str], int]:
    """The reverse of `written`."""
    first, *lines = text.splitlines()
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines}, int(first.removeprefix("API "))


# -- comparing -----------------------------------------------------------------------------------------


def breakage(old: str, new: str | None) -> str | None:
    """How a change of one name breaks who uses it; None where it does not."""
    if new is None:
        return "is gone"
    if "def (" in old and "def (" in new:
        one, two = (griffe.visit("m", filepath=Path("m.pyi"), code=_stub(text)) for text in (old, new))
        found = next(iter(griffe.find_breaking_changes(one, two)), None)
        return None if found is None else _words(found)
    if old.startswith("class (") and new.startswith("class ("):
        lost = {*_bases(old)} - {*_bases(new)}
        return f"is no {', '.join(sorted(lost))} any more" if lost else None
    if old.startswith(": ") and new.startswith(": "):
        (_, _, one), (_, _, two) = old.partition(" = "), new.partition(" = ")
        return None if one in ("", two) else f"was {one} where nothing was said, is {two or 'to be said'}"
    alike = old.partition(" ")[0] == new.partition(" ")[0] != "="
    return None if alike else f"was {old}, is {new}"


def _stub(text: str) -> str:
    return f"def f{text[text.index('def (') + 4 :]}: ..."


def _bases(text: str) -> list[str]:
    return [base for base in text[7:-1].split(", ") if base]


def _words(found: Any) -> str:
    line = re.sub(r"\x1b\[\d+m", "", found.explain(griffe.ExplanationStyle.ONE_LINE))
    parameter, _, what = line.partition("f(")[2].partition("): ")
    return f"{parameter}: {what[:1].lower()}{what[1:]}"


def breaches(
    old: Mapping[str, str], new: Mapping[str, str], *, raised: bool, changelog: str
) -> Iterator[str]:
    """Changes that the rule does not allow yet, each with what is to be done.

    Args:
        old: the doors as written down.
        new: as they are.
        raised: whether `API` is higher than when they were written down.
        changelog: its newest section.
    """
    entries = [
        " ".join(re.findall(r"`[^`]*`", entry)) for entry in re.split(r"^- ", changelog, flags=re.MULTILINE)
    ]
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        owner = name.rpartition(".")[0]
        if owner not in DOORS and (owner in old) != (owner in new):
            continue  # a member of a class that is new or gone, which has a line of its own
        broken = None if before is None else breakage(before, after)
        if broken and not raised:
            yield f"{name} {broken}: raise API in zoo/spec/component.py, or leave it as it was"
        words = _changed(name, before, after)
        if not any(all(re.search(rf"\b{re.escape(word)}\b", entry) for word in words) for entry in entries):
            named = ", ".join(words)
            yield f"{name}: say in the changelog's newest section what changed, with {named} in backticks"


def _changed(name: str, before: str | None, after: str | None) -> list[str]:
    """The words that an entry has to have: the name, and the parameters that differ."""
    short = name.rpartition(".")[2]
    words = [short] if short != "__init__" else [name.split(".")[-2]]
    if before and after and "def (" in before and "def (" in after:
        one, two = (_parameters(text) for text in (before, after))
        words += sorted(key for key in {**one, **two} if one.get(key) != two.get(key))
    return words


def _parameters(text: str) -> dict[str, str]:
    (function,) = ast.parse(_stub(text)).body
    given = function.args  # type: ignore[attr-defined]
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    late = [*given.posonlyargs, *given.args]
    defaults = dict(zip([a.arg for a in reversed(late)], reversed(given.defaults), strict=False))
    defaults |= {a.arg: d for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None}
    return {
        a.arg: ast.unparse(a) + " = " + (ast.unparse(defaults[a.arg]) if a.arg in defaults else "")
        for a in every
    }


def newest(changelog: str) -> str:
    """The first section of a changelog."""
    return re.split(r"^## ", changelog, flags=re.MULTILINE)[1]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="write the doors down, where the rule is kept")
    given = parser.parse_args()
    from zoo.spec.component import API

    file, now = ROOT / SNAPSHOT, doors()
    old, api = read(file.read_text(encoding="utf-8")) if file.exists() else (now, API)
    changelog = newest((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    found = [*breaches(old, now, raised=api < API, changelog=changelog)]
    if given.write and not found:
        file.write_text(written(now, API), encoding="utf-8")
    sys.exit("\n".join(found) or None)


if __name__ == "__main__":
    main()
