"""Options and words that are given more often than a command takes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from copy import copy
from pathlib import PurePath
from typing import Any

import click

from zoo.spec.errors import OptionError, listing, quote

_JOINED = {"classes": lambda value: "=" not in value, "lr": lambda value: "=" in value}
"""Options that take several values with commas between, and whether a value may be one of them."""

_SHOWN = 3
"""Places that a message repeats: a shell may have made hundreds of a pattern."""


def check_once(command: click.Command, args: Sequence[str]) -> None:
    """Raises OptionError where an option that takes one value is given several; click would take the last.

    Args:
        command: whose options they are.
        args: the words behind its name.

    Example:
        >>> check_once(click.Command("fit", params=[click.Option(["--lr"])]), ["--lr", "1", "--lr=2"])
        Traceback (most recent call last):
        zoo.spec.errors.OptionError: --lr: expected one value, got '1' and '2'; leave one out
    """
    options, words, rest = _given(command, args)
    for param, values in options:
        if len(values) > 1:
            option = max(param.opts, key=len)
            texts = [value for value in values if isinstance(value, str)]
            got = " and ".join(map(quote, texts)) if len(texts) == len(values) else f"{len(values)} of them"
            raise OptionError(option, expected="one value", got=got, hint=_together(option, texts))
    if "data" in words and "--data" not in [name for param in command.params for name in param.opts]:
        _check_bare(command, args)
    # An unknown option leaves its value among the words, and click speaks of the option
    if isinstance(words.get("data"), str) and rest and not any(word.startswith("-") for word in rest):
        places = [words["data"], *rest]
        shards = all(PurePath(place).suffix == ".tar" for place in places)
        hint = f"several sources are a list: {as_sources(places)}"
        hint = "shards are one word, numbers in braces: 'shards-{000..099}.tar'" if shards else hint
        got = listing(map(quote, places), _SHOWN)
        raise OptionError("DATA", expected="one place", got=got, hint=hint)


def _check_bare(command: click.Command, args: Sequence[str]) -> None:
    """Raises UsageError where data that are a word of their own are given as a flag; the line is said."""
    said = args[: [*args, "--"].index("--")]
    at = next((i for i, word in enumerate(said) if word.partition("=")[0] == "--data"), None)
    if at is None:
        return
    _, equals, value = said[at].partition("=")
    places = [value] if equals else [*said[at + 1 : at + 2]] or ["DATA"]
    # Behind all others, since data are the last word that a command takes
    line = [*said[:at], *said[at + (1 if equals else 2) :], *places]
    raise click.UsageError(f"data stand without --data: zoo {command.name} {shlex.join(line)}")


def as_sources(words: Sequence[str]) -> str:
    """Several places of data as one word of a command line.

    Example:
        >>> print(as_sources(["./mine", "./theirs"]))
        '["./mine", "./theirs"]'
    """
    # Of texts JSON is TOML too
    texts = [json.dumps(word, ensure_ascii=False) for word in words[:_SHOWN]]
    return shlex.quote(f"[{', '.join([*texts, *['...'] * (len(words) > _SHOWN)])}]")


def _together(option: str, values: list[str]) -> str:
    """The next step: one word for all of them, where the option takes such."""
    joined = _JOINED.get(option.lstrip("-"))
    if option == "--data" and not any(value.lstrip().startswith("[") for value in values):
        return f"several sources are a list: {option} {as_sources(values)}"
    if joined is not None and values and all(map(joined, values)):
        return f"say {option} {shlex.quote(','.join(values))}"
    return "leave one out"


def _given(
    command: click.Command, args: Sequence[str]
) -> tuple[list[tuple[click.Option, list[Any]]], dict[str, Any], list[str]]:
    """The options of one value and all that they are given, the words by their names, and those too many."""
    params: list[click.Parameter] = []
    single: dict[str, click.Option] = {}
    for param in command.params:
        one = copy(param)
        if isinstance(param, click.Option) and not (param.is_flag or param.multiple or param.count):
            one.multiple = True
            single[str(param.name)] = param
        params.append(one)
    # Reads the line past what is unknown: of that click speaks afterwards
    lenient = click.Context(command, ignore_unknown_options=True, resilient_parsing=True)
    values, rest, _ = click.Command(command.name, params=params).make_parser(lenient).parse_args([*args])
    return [(param, [*(values.get(name) or ())]) for name, param in single.items()], values, rest
