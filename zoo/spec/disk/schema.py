"""Schemas of files: which keys a table has, and how each value has to look.

A schema is a table of checks. The same few serve catalogues, models, runs and splits, so that nothing behind
them has to ask again what kind of value it was handed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zoo.spec.errors import quote

Check = tuple[Callable[[Any], bool], str]
"""Whether a value is as it has to be, and how that is said."""

Schema = Mapping[str, Check]


def misfit(data: Mapping[str, Any], schema: Schema, needed: Iterable[str] = ()) -> tuple[str, str] | None:
    """The first value that does not fit, as what was expected and what was got; None where all do.

    Args:
        data: table as read; keys that no schema knows are a newer version's.
        schema: checks by key; a key that is missing passes.
        needed: keys that have to be there.

    Example:
        >>> schema = {"epochs": whole(1), "labels": texts}
        >>> misfit({"epochs": 3, "labels": ["cat", None]}, schema)
        ('labels as a list of texts', "['cat', None]")
        >>> misfit({}, schema, ["epochs"])
        ('epochs as a whole number from 1', 'none')
    """
    for key in needed:
        if key not in data:
            return f"{key} as {schema[key][1]}", "none"
    for key, (fits, words) in schema.items():
        if key in data and not fits(data[key]):
            return f"{key} as {words}", quote(data[key])
    return None


def or_none(check: Check) -> Check:
    """A value of a kind, or null."""
    fits, words = check
    return lambda value: value is None or fits(value), f"{words} or null"


def list_of(check: Check, words: str) -> Check:
    """A list whose items are of one kind."""
    fits = check[0]
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value)), words


def table_of(check: Check, words: str) -> Check:
    """A table by text whose values are of one kind."""
    fits = check[0]
    return lambda value: _is_table(value) and all(map(fits, value.values())), words


def whole(least: int = 0) -> Check:
    """A whole number, which truth values are not."""
    return lambda value: type(value) is int and value >= least, f"a whole number from {least}"


def one_of(*values: str) -> Check:
    """One of a few texts."""
    return lambda value: isinstance(value, str) and value in values, " or ".join(values)


def matching(pattern: re.Pattern[str], words: str) -> Check:
    """A text that a pattern matches from end to end."""
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None, words


def record(schema: Schema, words: str, needed: Iterable[str] = ()) -> Check:
    """A table with a schema of its own."""
    keys = tuple(needed)
    return lambda value: _is_table(value) and misfit(value, schema, keys) is None, words


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


text: Check = (lambda value: isinstance(value, str), "a text")
line: Check = (_is_line, "a line of text")
flag: Check = (lambda value: isinstance(value, bool), "true or false")
number: Check = (lambda value: isinstance(value, int | float) and not isinstance(value, bool), "a number")
anything: Check = (lambda value: True, "anything")
table: Check = (_is_table, "a table")
texts: Check = list_of(text, "a list of texts")
lines: Check = list_of(line, "a list of lines of text")
