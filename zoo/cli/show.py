"""`zoo show`: everything known about one component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from zoo.cli._common import count, emit_json, json_option, table
from zoo.cli._complete import components, kinds
from zoo.images.framing import covered
from zoo.spec.component import API
from zoo.spec.kinds import KINDS, KindName
from zoo.spec.published_weights import Weights
from zoo.spec.reference import without_prefix


@click.command()
@click.argument("name", shell_complete=components())
@click.option("--kind", shell_complete=kinds, help="One of its kinds  [default: all that the name has]")
@json_option
def command(name: str, kind: KindName | None, as_json: bool) -> None:
    """Show a component: what it is, its options, its parts, how to use it.

    Where a name has several kinds, all of them are shown; with --json as a list.
    """
    from zoo.registry.listing import info, info_of_all

    _check_name(name)
    found = [info(name, kind)] if kind else info_of_all(name)
    if as_json:
        emit_json(found[0] if len(found) == 1 else found)
        return
    click.echo("\n\n".join("\n".join(_page(data)) for data in found))


def _check_name(name: str) -> None:
    """Raises FormatError for the folder of a torch module, which is no component."""
    if Path(without_prefix(name)).is_dir():
        from zoo.compose.foreign.module_files import without_module

        if (error := without_module(Path(without_prefix(name)))) is not None:
            raise error


def _page(data: Mapping[str, Any]) -> Iterable[str]:
    facts = data["facts"]
    yield f"{data['ref']}: {data['summary']}"
    about = {
        "kind": data["kind"],
        "full name": data["qualified"],
        "comes from": f"{data['distribution']} {data['version']}",
        "task": data.get("task"),
        "paper": data.get("paper"),
        "licence": data.get("licence"),
        "tags": ", ".join(data.get("tags", ())),
        "parameters": count(facts.get("parameters")),
        **_example(data.get("example", {})),
    }
    if problem := _of_other_interfaces(data):
        about["does not load"] = problem
    if facts.get("refused"):
        about["cannot be built"] = facts["refused"]
    yield ""
    yield from (f"{key + ':':<17}{value}" for key, value in about.items() if value)
    yield from _section("options", _options(facts, data["kind"]), ["NAME", "TYPE", "DEFAULT", "MEANING"])
    blocks = [
        (b.get("name"), _cell(b.get("channels")), _cell(b.get("reduction")), count(b.get("parameters")))
        for b in _tables(facts.get("blocks"))
    ]
    yield from _section("blocks", blocks, ["NAME", "CHANNELS", "REDUCTION", "PARAMETERS"], right=[1, 2, 3])
    taps = [
        (t.get("name"), _cell(t.get("channels")), _cell(t.get("reduction")))
        for t in _tables(facts.get("taps"))
    ]
    yield from _section("taps", taps, ["NAME", "CHANNELS", "REDUCTION"], right=[1, 2])
    networks = [(n.get("name"), count(n.get("parameters"))) for n in _tables(facts.get("networks"))]
    yield from _section("networks", networks, ["NAME", "PARAMETERS"], right=[1])
    weights = [
        (tag, images(w), _places(w), _metrics(w.get("metrics", {})), w.get("licence"))
        for tag, w in data.get("weights", {}).items()
    ]
    yield from _section("weights", weights, ["TAG", "IMAGES", "FROM", "METRICS", "LICENCE"])
    yield from ("", "use", *(f"  {line}" for line in _use(data)))


def _of_other_interfaces(data: Mapping[str, Any]) -> str:
    """Why a component does not load that was written for other interfaces than this core's."""
    from zoo.registry.lookup import find
    from zoo.registry.plugins.interface_version import version_problem

    plugin = find(data["qualified"], data["kind"]).plugin
    problem = version_problem(
        plugin.distribution, plugin.version, data.get("api", API), plugin.folder, data["name"]
    )
    return str(problem or "")


def _example(example: Mapping[str, Any]) -> dict[str, str]:
    """What the declaration says of its example: what goes with the component, and whose examples take it."""
    takes = ", ".join(f"{key} {value}" for key, value in example.items() if key != "for")
    tasks = ["any task" if task == "*" else f"task {task}" for task in example.get("for", ())]
    return {"example with": takes, "in examples of": ", ".join(tasks)}


def images(weights: Mapping[str, Any]) -> str:
    """The size of the images that weights take, and of what the original head sees as the middle of which.

    Args:
        weights: as plain data.

    Example:
        >>> images({"repo": "owner/name", "input": {"crop": 0.875}}), images({"repo": "owner/name"})
        ('224 x 224 of 256 x 256', '224 x 224')
    """
    spec = Weights.from_dict(weights).input
    seen = "{} x {}".format(*spec.size)
    return seen if spec.crop is None else "{} of {} x {}".format(seen, *covered(spec))


def _places(weights: Mapping[str, Any]) -> str:
    """All sources in the order in which they are tried."""
    return ", else ".join(source.place for source in Weights.from_dict(weights).sources)


def _section(title: str, rows: list[Any], header: list[str], right: Iterable[int] = ()) -> Iterable[str]:
    if rows:
        yield from ("", title, table(rows, header, right=list(right), indent="  "))


def _options(facts: Mapping[str, Any], kind: str) -> list[tuple[str, str, str, str]]:
    """Rows of the options table: those of the options class, then those that all of the kind have."""
    schema = facts.get("options") or {}
    required = schema.get("required", ())
    rows = []
    own, of_all = schema.get("properties") or {}, KINDS[kind].options
    for name, field in {**own, **{k: v for k, v in of_all.items() if k not in own}}.items():
        default = "required" if name in required else _cell(field.get("default"))
        meaning = " ".join(str(field.get("description", "")).split())
        rows.append((name, type_text(field, schema), default, meaning))
    return rows


def type_text(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A JSON schema's type in a few words.

    Args:
        field: the schema of an option.
        schema: the one that it is part of, with the definitions that it refers to.

    Example:
        >>> type_text({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, {})
        'integer >= 1, or none'
        >>> type_text({"enum": ["avg", "max"]}, {})
        "'avg' or 'max'"
        >>> type_text({"type": "array", "items": {"type": "number"}}, {})
        'list of number'
        >>> type_text({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]}, {})
        'list of 2: integer'
        >>> type_text({"type": "string", "part": "backbone"}, {})
        'backbone, by name or table'
    """
    if "part" in field:
        return f"{'list of ' if field.get('type') == 'array' else ''}{field['part']}, by name or table"
    if "$ref" in field:
        # pydantic keeps the schema of a table inside apart, under `$defs`
        name = str(field["$ref"]).rpartition("/")[2]
        return type_text(schema.get("$defs", {}).get(name, {"type": name}), schema)
    for key in ("anyOf", "oneOf"):
        if key in field:
            # The comma keeps `integer >= 1, or none` from being read as `1 or none`
            texts = [type_text(item, schema) for item in field[key]]
            return (", or " if any(mark in text for text in texts for mark in "<>") else " or ").join(texts)
    if "enum" in field or "const" in field:
        return " or ".join(repr(value) for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return _list_text(field, schema)
    name = {"null": "none", "object": "table"}.get(str(field.get("type")), str(field.get("type", "any")))
    return f"{name} {_bounds(field)}".rstrip()


def _list_text(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    fixed, items = field.get("prefixItems"), field.get("items")
    if fixed:
        texts = {type_text(item, schema) for item in fixed}
        return f"list of {len(fixed)}" + (f": {texts.pop()}" if len(texts) == 1 else "")
    return f"list of {type_text(items, schema)}" if isinstance(items, Mapping) else "list"


def _bounds(field: Mapping[str, Any]) -> str:
    """The limits of a number, as `>= 0 and < 1`."""
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return " and ".join(f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field)


def _use(data: Mapping[str, Any]) -> Iterable[str]:
    return KINDS[data["kind"]].used(data["ref"], next(iter(data.get("weights", {})), None))


def _tables(items: Any) -> list[Mapping[str, Any]]:
    """Facts come as a list of tables, or as tables by name."""
    if isinstance(items, Mapping):
        return [{"name": name, **value} for name, value in items.items() if isinstance(value, Mapping)]
    return [item for item in items or () if isinstance(item, Mapping)]


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in metrics.items())


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return "none" if value is None else str(value)
