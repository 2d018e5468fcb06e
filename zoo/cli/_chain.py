"""Options of one augmenter, set by its name: `--set rotate.degrees=30`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from zoo.cli._recipe import Table, apply
from zoo.registry.lookup import options_of
from zoo.spec.errors import RecipeError, listing
from zoo.spec.recipe import ModelSection, Recipe

_SECTION = "augment"


def augmenters(table: Mapping[str, Any]) -> list[str]:
    """Names of a recipe's augmenters, without the plugin's, in order.

    Example:
        >>> augmenters({"augment": ["basic:flip", {"name": "noise", "std": 0.1}]})
        ['flip', 'noise']
    """
    names = [item.get("name") if isinstance(item, Mapping) else item for item in _items(table)]
    return [str(name).rpartition(":")[2] for name in names]


def apply_to_one(table: Table, text: str) -> Table | None:
    """The recipe with an option of one augmenter put in; None where the path begins with no name of one.

    Args:
        table: plain data; left as it is.
        text: `name.option=value`.

    Raises:
        RecipeError: it is not said which of several is meant.

    Example:
        >>> apply_to_one({"augment": ["flip", "noise"]}, "noise.std=0.1")
        {'augment': ['flip', {'name': 'noise', 'std': 0.1}]}
    """
    names, (first, _, rest) = augmenters(table), (part.strip() for part in text.partition("."))
    if first == _SECTION and len(names) > 1 and rest and "=" in rest:
        expected, ways = "the name of one augmenter", _ways(table, names, rest)
        hint = " or ".join(f"--set {shlex.quote(way)}" for way in ways)
        hint = hint or f"none of them has it: zoo show {names[0]}"
        raise RecipeError(f"--set {text}", expected=expected, got=listing(names), hint=hint)
    if "=" in first or first in {*Recipe.model_fields, *ModelSection.model_fields} or first not in names:
        return None
    if names.count(first) > 1:
        hint = f"""write the chain out: --set 'augment=["{first}", {{name = "{first}", ...}}]'"""
        got = f"{first} {names.count(first)} times"
        raise RecipeError(f"--set {text}", expected="one augmenter of the name", got=got, hint=hint)
    at, items = names.index(first), [*_items(table)]
    items[at] = apply({_SECTION: items[at]}, [f"{_SECTION}.{rest}"])[_SECTION]
    return {**table, _SECTION: items if isinstance(table[_SECTION], list) else items[0]}


def _ways(table: Mapping[str, Any], names: list[str], rest: str) -> list[str]:
    """What is said of one augmenter, by name; of an option alone, those that have it."""
    path = rest.partition("=")[0]
    if path.partition(".")[0].strip() in names:
        return [rest]
    references = [item.get("name") if isinstance(item, Mapping) else item for item in _items(table)]
    having = [name for name, own in zip(names, references, strict=True) if _has(own, path.strip())]
    return [f"{name}.{rest}" for name in dict.fromkeys(having)]


def _has(reference: Any, option: str) -> bool:
    return option.partition(".")[0] in options_of(str(reference), ("augmenter",))


def _items(table: Mapping[str, Any]) -> list[Any]:
    found = table.get(_SECTION)
    return found if isinstance(found, list) else [] if found is None else [found]
