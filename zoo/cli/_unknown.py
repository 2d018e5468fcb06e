"""The answer to a flag that `zoo fit` does not have: where its value goes."""

from __future__ import annotations

import contextlib
import difflib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from zoo.cli._sections import Sectioned
from zoo.spec.arguments import ELSEWHERE
from zoo.spec.disk.reading import read_json
from zoo.spec.errors import ZooError
from zoo.spec.files import CONFIG_FILE
from zoo.spec.hints.other_libraries import answer
from zoo.spec.kinds import KINDS

Table = Mapping[str, Any]
Homes = list[tuple[str, str, Mapping[str, Any]]]
"""Parts, paths for `--set`, and schemas of an option."""


def unknown_flag(option: str, args: Sequence[str], table: Table, flags: Sequence[str]) -> str:
    """One line on an option that there is not.

    Args:
        option: as it was typed, with its dashes.
        args: all that was typed.
        table: the recipe, as far as it is known.
        flags: the options that there are.
    """
    from zoo.spec.data_options import option_names  # with pydantic, too slow for Tab and --help

    name = option.lstrip("-").replace("-", "_")
    homes = options_of_parts(table)
    if (dashed := f"--{name.replace('_', '-')}") in flags:
        return f"no such option {option}; did you mean {dashed}?"
    if name in homes:
        value = _typed(option, args, homes[name][0][2])
        homes[name], needed = working(name, homes[name], table)
        whose = " and ".join(f"the {part}" for part, _, _ in homes[name])
        ways = " or ".join(f"{needed}--set {shlex.quote(f'{path}={value}')}" for _, path, _ in homes[name])
        return f"{option} is an option of {whose}: {ways}"
    if not table.get("model", {}).get("head") and _of_heads(name):
        typed = shlex.quote(f"head.{name}={_typed(option, args, {})}")
        return f"{option} is an option of a head by name: --head NAME --set {typed}"
    if own := ELSEWHERE.get(name):
        flag = f"--{own.replace('_', '-')}"
        way = flag if flag in flags else f"--set {homes[own][0][1]}=..." if own in homes else own
        return f"no such option {option}: zoo calls it {way}"
    if name in option_names():
        typed = shlex.quote(f"data.{name}={_typed(option, args, {})}")
        return f"{option} is an option of the data: --set {typed}"
    # A flag of the command goes before an option of the same name
    answers = {key: f"--set {places[0][1]}=..." for key, places in homes.items()}
    answers.update({flag.lstrip("-").replace("-", "_"): flag for flag in flags})
    close = difflib.get_close_matches(name, answers, n=1)
    hint = f"; did you mean {answers[close[0]]}?" if close else ""
    # What another library calls so goes before what is spelt alike
    if known := answer(name, _typed(option, args, {})):
        hint = f": {known}"
    return f"no such option {option}{hint}"


def options_of_parts(table: Table) -> dict[str, Homes]:
    """The parts that have an option, its path for `--set`, and its schema, by the option's name."""
    from zoo.registry.lookup import options_of

    found: dict[str, Homes] = {}
    for part, kinds, path, reference in _parts(table):
        for name, schema in options_of(reference, kinds).items():
            found.setdefault(name, []).append((part, f"{path}.{name}", schema))
    return found


def working(name: str, places: Homes, table: Table) -> tuple[Homes, str]:
    """The places of an option without the one that changes nothing here, and what else has to be said.

    Only an original head looks at some options of a backbone; without that head they do nothing.
    """
    own = [place for place in places if place[0] == "model"]
    if not own or not _is_idle(name, table):
        return places, ""
    return [place for place in places if place not in own] or own, "" if len(
        places
    ) > 1 else "--head original "


def _of_heads(name: str) -> bool:
    from zoo.registry.lookup import entries, options_of

    return any(name in options_of(entry.qualified, ("head",)) for entry in entries("head"))


def _is_idle(name: str, table: Table) -> bool:
    from zoo.compose.idle_options import is_idle  # with torch, which this answer alone needs
    from zoo.compose.plan import plan
    from zoo.spec.recipe import ModelSection

    try:
        return is_idle(plan(ModelSection.model_validate(table.get("model", {}))), name)
    except (ZooError, ValueError):
        return False


def trainer_name(table: Table) -> str | None:
    """The trainer of a recipe, else the default one of its model; None where that is not known.

    The default is read off the catalogue: a model may have one of its own in its code.
    """
    from zoo.registry.defaults import default_entry
    from zoo.registry.lookup import find

    named = _name(table.get("trainer"))
    if named is not None:
        return named
    model = table.get("model", {})
    head = _name(model.get("head"))
    try:
        parts = [find(model["name"], ("backbone", "model"))] + ([find(head, "head")] if head else [])
    except (ZooError, KeyError):
        return None
    distributions = [part.plugin.distribution for part in parts]
    entry = default_entry("trainer", parts[-1].component.task, distributions)
    return entry.qualified if entry is not None else None


def options_of_trainer(name: str) -> tuple[str, ...]:
    """The options of a trainer; none where the catalogue does not tell."""
    from zoo.registry.lookup import options_of

    return tuple(options_of(name, ("trainer",)))


def _parts(table: Table) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """What a recipe names: a word for it, its kinds, its path, its reference."""
    model = table.get("model", {})
    named = [
        ("trainer", ("trainer",), "trainer", trainer_name(table)),
        ("head", ("head",), "head", _name(model.get("head"))),
        ("model", ("backbone", "model"), "options", model.get("name")),
    ]
    sections = {kind.argument: kind for kind in KINDS.values()}
    for section in sorted(sections.keys() - {"model", "head", "trainer"}, reverse=True):
        kind = sections[section]
        part, found = kind.title.lower().removesuffix("s"), table.get(section)
        # Of a chain each is set by its own name
        for item in found if isinstance(found, list) else [found]:
            path = section if item is found else str(_name(item)).rpartition(":")[2]
            named.append((part, (kind.name,), path, _name(item)))
    for part, kinds, path, reference in named:
        if reference:
            yield part, kinds, path, reference


def _name(value: Any) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) else None


def _typed(option: str, args: Sequence[str], schema: Mapping[str, Any]) -> str:
    """The value that was typed behind an option; the schema says what a bare one means."""
    for i, word in enumerate(args):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        # A negative number is a value, and two dashes are the next flag
        if word == option and i + 1 < len(args) and not args[i + 1].startswith("--"):
            return args[i + 1]
    return "true" if schema.get("type") == "boolean" else "..."


def known_recipe(recipe: Any) -> dict[str, Any]:
    """The recipe of a file or a saved model, as far as it can be read; for hints alone."""
    from zoo.cli._recipe import read_table

    with contextlib.suppress(ZooError, OSError, ValueError, KeyError, TypeError):
        path = Path(recipe)
        if path.is_dir():
            return dict(read_json(path / CONFIG_FILE)["recipe"])
        return read_table(path)
    return {}


class Answering(Sectioned):
    """A command that makes a recipe, where an option that there is not is answered by `unknown_flag`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses as click does; an unknown option is answered by `unknown_flag`."""
        # click takes words off this very list as it reads them
        given = [*args]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            flags = [name for param in self.get_params(ctx) for name in param.opts if name.startswith("--")]
            line = unknown_flag(error.option_name, given, self._known(given), flags)
            raise click.UsageError(line, ctx) from None

    def _known(self, args: list[str]) -> Table:
        """What the rest of the line says of the recipe."""
        from zoo.cli._flags import combined, flags_of  # with pydantic, too slow for Tab and --help

        # Reads the line once more, past what is unknown and without calling back
        lenient = click.Context(self, ignore_unknown_options=True, resilient_parsing=True)
        values, _, _ = self.make_parser(lenient).parse_args([*args])
        # `zoo fit RECIPE`, `zoo fit --model NAME`, `zoo build NAME`
        words = values.get("recipe") or values.get("name")
        base = known_recipe(words) or {"model": {"name": values.get("name")}}
        try:
            return combined(base, flags_of(values), ())
        except (ZooError, AttributeError, TypeError):
            return {}
