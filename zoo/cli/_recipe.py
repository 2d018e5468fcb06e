"""Recipes on the command line: a file or options, and `--set`."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo.registry.references import component_hint
from zoo.spec.data_options import SOURCES
from zoo.spec.errors import RecipeError, quote
from zoo.spec.hints.spoken import Spoken
from zoo.spec.hints.toml_text import toml
from zoo.spec.recipe import ModelSection, Recipe

Table = dict[str, Any]

REFERENCES = ("head", "loss", "trainer", "data", "augment")
"""Sections that may be a bare name, and become a table when an option of theirs is set."""


def read_table(path: Path) -> Table:
    """A recipe file as plain data, checked.

    Raises:
        RecipeError: it cannot be read, or is no recipe.
    """
    if not path.exists() and (what := component_hint(str(path), ("backbone", "model"))):
        hint = f"{what}: say --model {path}"
        raise RecipeError(f"recipe {path}", expected="a TOML file", got="no such file", hint=hint)
    return Recipe.from_file(path).to_dict()


def apply(table: Table, sets: Iterable[str]) -> Table:
    """The recipe with `--set` values put in.

    Args:
        table: plain data; left as it is.
        sets: `path=value`, the value in TOML, else a plain text. What belongs to the model may leave
            `model.` out.

    Raises:
        RecipeError: there is no equals sign, a path runs through a plain value, or as `check_sets`.

    Example:
        >>> apply({"model": {"head": "binary"}}, ["head.dropout=0.5", "freeze=block1-4"])["model"]
        {'head': {'name': 'binary', 'dropout': 0.5}, 'freeze': 'block1-4'}
        >>> apply({}, ["trainer.schedule=plateau", "trainer.schedule.patience=3"])["trainer"]
        {'schedule': {'name': 'plateau', 'patience': 3}}
    """
    result: Table = _copied(table)
    check_sets(sets := [*sets])
    for text in sets:
        path, equals, value = text.partition("=")
        keys = [key.strip() for key in path.split(".")]
        if not equals or not all(keys):
            raise RecipeError("--set", expected="path=value, e.g. head.dropout=0.5", got=quote(text))
        # Nothing outside of the model section is called like a key of it
        if keys[0] in ModelSection.model_fields:
            keys = ["model", *keys]
        _put(result, keys, _value(value.strip()), text)
    return result


def typed_data(text: str) -> Any:
    """Data as they were typed: several sources are a list as TOML has it.

    Example:
        >>> typed_data("./photos"), typed_data('["mine", {path = "theirs"}]')
        ('./photos', {'sources': ['mine', {'path': 'theirs'}]})

    Raises:
        RecipeError: they are a table.
    """
    found = _value(text.strip()) if text.lstrip().startswith(("[", "{")) and not Path(text).exists() else None
    if isinstance(found, dict):
        own = found.get(SOURCES)
        way = f"say {shlex.quote(toml(own))}" if own else "options go into --set, the place alone stays"
        raise RecipeError("data", expected="a place, or a list of them", got=quote(text), hint=way)
    return {SOURCES: found} if isinstance(found, list) else text


def in_section(sets: Iterable[str]) -> list[str]:
    """Options of data as a recipe has them; with its section's name, as `zoo fit` takes them, they are so.

    Example:
        >>> in_section(["target=age", "data.folder=img"])
        ['data.target=age', 'data.folder=img']
    """
    return [f"data.{text.strip().removeprefix('data.')}" for text in sets]


def check_sets(sets: Sequence[str]) -> None:
    """Raises RecipeError where one `--set` undoes what one before it says of the same path or table.

    Example:
        >>> check_sets(["trainer.schedule.patience=3", "trainer.schedule=plateau"])
    """
    for i, later in enumerate(sets):
        path, _, value = later.partition("=")
        for before in sets[:i]:
            again = before.partition("=")[0].strip() == path.strip()
            if again and before.partition("=")[2].strip() != value.strip():
                both = f"--set {before} and --set {later}"
                raise RecipeError(both, expected="one of them", got="two values", hint="leave one out")
            inside = before.partition("=")[0].strip().startswith(f"{path.strip()}.")
            if inside and not isinstance(_value(value.strip()), str):
                where, hint = f"--set {before} and --set {later}", "put all of it into one table"
                raise RecipeError(where, expected="one of them", got="two values", hint=hint)


def spoken_of(recipe: object, sets: Iterable[str]) -> Spoken:
    """The model's options that were typed just now, which count even where they are the default.

    Args:
        recipe: the file that says the rest; None where all was typed.
        sets: `path=value`, as `apply` takes them.

    Example:
        >>> spoken_of("recipe.toml", ["options.width=0.5", "lr=1"])
        Spoken(options={'width': 0.5}, way='shell', rest='recipe')
    """
    typed = apply({}, sets).get("model", {}).get("options", {})
    return Spoken(typed if isinstance(typed, dict) else {}, "shell", "shell" if recipe is None else "recipe")


def trainer_options(table: Table) -> tuple[Table, Table]:
    """The recipe without a trainer section that names no trainer, and that section's options.

    They go to the default trainer.

    Example:
        >>> trainer_options({"model": {}, "trainer": {"epochs": 3}})
        ({'model': {}}, {'epochs': 3})
    """
    trainer = table.get("trainer")
    if isinstance(trainer, dict) and "name" not in trainer:
        return {key: value for key, value in table.items() if key != "trainer"}, trainer
    return table, {}


def _put(table: Table, keys: list[str], value: Any, text: str) -> None:
    here = table
    for i, key in enumerate(keys[:-1]):
        inner = here.get(key)
        if isinstance(inner, str) and _may_have_options(keys[: i + 1]):
            inner = {"name": inner}
        if inner is None:
            inner = {}
        if not isinstance(inner, dict):
            where = ".".join(keys[: i + 1])
            raise RecipeError(f"--set {text}", expected=f"{where} to be a table", got=quote(inner))
        here[key] = inner
        here = inner
    # Options that were set before their name stay: the order of two --set is no matter
    before = here.get(keys[-1])
    if _may_have_options(keys) and isinstance(value, str) and isinstance(before, dict):
        value = {"name": value, **before} if "name" not in before else value
    here[keys[-1]] = value


def _may_have_options(keys: list[str]) -> bool:
    """Whether a word at this path may name a component or the like: a section, or an option of one."""
    return keys[-1] in REFERENCES or len(keys) > (2 if keys[0] == "model" else 1)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):  # a bare word, as shells make of quoted ones
        return text


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
