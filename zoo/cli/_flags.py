"""Flags that stand for values of a recipe, put together with the recipe and with `--set`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.cli._chain import apply_to_one
from zoo.cli._options import MODEL_OPTIONS
from zoo.cli._recipe import REFERENCES, Table, apply, check_sets, typed_data
from zoo.spec.data_options import MEMORY, SOURCES
from zoo.spec.errors import RecipeError, listing, warn


@dataclass(frozen=True, slots=True)
class Flag:
    """A value that was typed as a flag.

    Args:
        name: of the parameter, e.g. `batch_size`.
        path: where it goes in a recipe.
        value: as read; None where it was not given.
    """

    name: str
    path: tuple[str, ...]
    value: Any

    @property
    def text(self) -> str:
        """The flag as it is typed."""
        return f"--{self.name.replace('_', '-')}"


PATHS = {
    **{name: ("model", name) for name in MODEL_OPTIONS},
    **{name: (name,) for name in ("data", "augment", "loss", "trainer", "seed")},
    **{name: ("trainer", name) for name in ("epochs", "lr", "batch_size")},
    "metric": ("trainer", "metrics"),
}
"""Where the flags of `zoo fit` and `zoo build` go in a recipe."""

_SEVERAL = ("augment", "metric")


def flags_of(values: Mapping[str, Any]) -> list[Flag]:
    """The flags among a command's parameters; several augmenters are a chain, one is itself."""
    given = [(name, path, values.get(name)) for name, path in PATHS.items()]
    return [Flag(name, path, _plain(name, value)) for name, path, value in given if value not in (None, ())]


def _plain(name: str, value: Any) -> Any:
    """What may be typed several times, as a recipe has it."""
    if name == "data":
        return typed_data(str(value))
    if not isinstance(value, tuple) or name not in _SEVERAL:
        return value
    return value[0] if name == "augment" and len(value) == 1 else [*value]


def combined(table: Table, flags: Iterable[Flag], sets: Iterable[str]) -> Table:
    """The recipe with flags and `--set` values put in: a flag goes before the file.

    Args:
        table: plain data; left as it is.
        flags: what was typed; a name keeps the options that stand beside the same name, or beside none.
        sets: `path=value`, see `zoo.cli._recipe.apply`.

    Raises:
        RecipeError: a flag and a `--set`, or two of these, say different things, or as `apply`.

    Example:
        >>> flags = [Flag("head", ("model", "head"), "binary"), Flag("epochs", ("trainer", "epochs"), 5)]
        >>> combined({"model": {"name": "vgg16"}}, flags, ["head.dropout=0.5"])
        {'model': {'name': 'vgg16', 'head': {'name': 'binary', 'dropout': 0.5}}, 'trainer': {'epochs': 5}}
    """
    sets = [*sets]
    check_sets(sets)
    result = apply(table, ())  # a copy
    given = [flag for flag in flags if flag.value is not None]
    for flag in given:
        _put(result, flag)
    # One by one, so that the message names the one that disagrees
    for text in sets:
        of_one = apply_to_one(result, text)
        result = apply(result, [text]) if of_one is None else of_one
        for flag in given:
            found = _found(result, flag.path)
            if found is None:  # its section has got another name
                _put(result, flag)
            elif found != flag.value and not _names(found, flag.value):
                both = f"{flag.text} and --set {text}"
                raise RecipeError(both, expected="one of them", got="two values", hint="leave one out")
    return result


def _put(table: Table, flag: Flag) -> None:
    *sections, key = flag.path
    here = table
    for section in sections:
        inner = here.get(section)
        here[section] = here = {"name": inner} if isinstance(inner, str) else dict(inner or {})
    before = here.get(key)
    if (
        key in REFERENCES
        and isinstance(flag.value, str)
        and isinstance(before, dict)
        and not {SOURCES, MEMORY} & {*before}
    ):
        name = before.get("name", flag.value)
        if name == flag.value or _names(name, flag.value):
            here[key] = {**before, "name": name}
            return
        lost = [option for option in before if option != "name"]
        if lost and key != "data":  # what is said of one data set is meant for no other
            warn(f"{flag.text} {flag.value} takes the place of {before['name']} with its {listing(lost)}")
    here[key] = flag.value


def _names(recorded: Any, typed: Any) -> bool:
    """Whether a bare name that was typed is that of a component as a file records it, with its plugin's."""
    return isinstance(recorded, str) and ":" in recorded and recorded.rpartition(":")[2] == typed


def _found(table: Table, path: tuple[str, ...]) -> Any:
    """The value at a path; of a component with options, its name."""
    here: Any = table
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    if path[-1] in REFERENCES and isinstance(here, list):
        return [item.get("name") if isinstance(item, dict) else item for item in here]
    if path[-1] not in REFERENCES or not isinstance(here, dict):
        return here
    return {SOURCES: here[SOURCES]} if SOURCES in here else here.get("name")
