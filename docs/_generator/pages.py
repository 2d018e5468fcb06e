"""The pages: one a component, one a kind, one to browse them all, and the navigation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from _generator.browse import browse
from _generator.html import code, escape, facts, link, table
from _generator.parts import CORE, Part
from _generator.usage import example_of_options, usage
from zoo.cli._common import count
from zoo.cli.show import images, type_text
from zoo.spec.kinds import KINDS
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.weights.packages import to_install

HUB = "https://huggingface.co/"


def pages(parts: Sequence[Part]) -> dict[str, str]:
    """The text of every page, by its path in the folder of the components."""
    found = {f"{part.page}.md": component(part) for part in parts}
    kinds = [kind for kind in KINDS if any(part.kind == kind for part in parts)]
    for kind in kinds:
        found[f"{KINDS[kind].page}.md"] = of_kind(kind, [part for part in parts if part.kind == kind])
    found["index.md"] = browse(parts)
    links = [("Browse all", "index.md"), *((KINDS[kind].title, f"{KINDS[kind].page}.md") for kind in kinds)]
    found["SUMMARY.md"] = "".join(f"- [{title}]({file})\n" for title, file in links)
    return found


def component(part: Part) -> str:
    """The page of a component."""
    kind = KINDS[part.kind]
    above = [link("../../index.html", "Components"), link(f"../../{kind.page}.html", kind.title)]
    sections = [
        _head(f"{part.ref} ({part.kind})", part.summary),
        f"# {_text(part.ref)}",
        f'<p class="zoo-above">{" / ".join(above)}</p>',
        _text(part.summary),
        facts(_about(part)),
        *_use(part),
        *_options(part),
        *_blocks(part),
        *_networks(part),
        *_weights(part),
    ]
    return "\n\n".join(sections) + "\n"


def of_kind(kind: str, parts: Sequence[Part]) -> str:
    """The page of a kind: its components by distribution."""
    about = KINDS[kind]
    sections = [
        _head(about.title, about.text),
        f"# {about.title}",
        about.text,
        f"{len(parts)} in all; [browse and filter](index.md) them with everything else.",
    ]
    for distribution, members in _by_distribution(parts):
        sections += [f"## {distribution}", _brings(members[0]), _overview(members)]
    return "\n\n".join(sections) + "\n"


def _by_distribution(parts: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    """The core first, the largest last, so that it hides no other."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.distribution, []).append(part)
    return sorted(groups.items(), key=lambda item: (item[0] != CORE, len(item[1]), item[0]))


def _brings(part: Part) -> str:
    if part.distribution == CORE:
        return "Comes with zoo itself."
    return f"In a checkout of the repository: `{part.install}`"


def _overview(parts: Sequence[Part]) -> str:
    sized = any(part.facts.get("parameters") for part in parts)
    header = ["Name", *(["Parameters", "Weights"] if sized else ["Task"]), "Summary"]
    rows = []
    for part in parts:
        size = [count(part.facts.get("parameters")), ", ".join(map(code, part.weights))]
        more = size if sized else [escape(part.row.get("task") or "")]
        rows.append([link(f"{part.page}.html", code(part.ref)), *more, escape(part.summary)])
    return table(header, rows, right=[1] if sized else [])


def _head(title: str, description: str) -> str:
    """Front matter; JSON is YAML, with every special letter quoted."""
    return f"---\ntitle: {json.dumps(title)}\ndescription: {json.dumps(description)}\n---"


def _text(text: str) -> str:
    """Plain text as Markdown that shows it as it is."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>#|!" else letter for letter in text)


def _about(part: Part) -> Iterable[tuple[str, str]]:
    row, spec = part.row, part.facts.get("input")
    yield "Kind", part.kind
    yield "Plugin", escape(part.distribution)
    yield "Install", f"{code(part.install)} in a checkout of the repository"
    yield "Full name", code(part.qualified)
    yield "Task", escape(row.get("task") or "")
    yield "Fits answers", escape(", ".join(part.facts.get("forms") or ()))
    yield "Better", _direction(part)
    parameters = part.facts.get("parameters")
    yield "Parameters", f"{parameters:,}{_counted(part)}" if parameters else ""
    yield "Input", _input(spec) if spec else ""
    yield "Paper or source", link(row["paper"], escape(row["paper"])) if row.get("paper") else ""
    yield "Licence", escape(row.get("licence") or "")
    yield (
        "Tags",
        ", ".join(link(f"../../index.html?q={quote(tag)}", escape(tag)) for tag in row.get("tags", ())),
    )
    yield "Cannot be built", escape(part.facts.get("refused") or "")


def _direction(part: Part) -> str:
    """Which way a figure is better; nothing for what is none."""
    words = {True: "higher", False: "lower", None: "neither way"}
    return words[part.facts["higher_is_better"]] if "higher_is_better" in part.facts else ""


def _counted(part: Part) -> str:
    """What the number of parameters is of."""
    if part.kind == "backbone":
        return ", without a head"
    classes = part.facts.get("classes")
    return f", for {classes} classes" if classes else ""


def _networks(part: Part) -> Iterable[str]:
    networks = part.facts.get("networks")
    if networks:
        yield "## Networks"
        yield "Its parts by name, as a table of learning rates takes them."
        rows = [[code(network["name"]), _number(network["parameters"])] for network in networks]
        yield table(["Network", "Parameters"], rows, right=[1])


def _input(spec: Mapping[str, Any]) -> str:
    """What the network sees after normalisation, which a composed model does inside."""
    height, width = spec["size"]
    text = f"{spec['channels']} × {height} × {width}, {spec['interpolation']}"
    return f"{text}, mean {_cell(spec['mean'])}, std {_cell(spec['std'])}"


def _use(part: Part) -> Iterable[str]:
    if part.facts.get("refused"):
        return
    use = usage(part)
    yield "## Use it"
    if use.python:
        yield "\n".join(["```python", *use.python, "```"])
    if use.commands:
        yield "\n".join(["```sh", *use.commands, "```"])


def _options(part: Part) -> Iterable[str]:
    if not part.options:
        return
    schema = part.facts.get("options") or {}
    needed = schema.get("required", ())
    rows = [
        [
            code(name),
            escape(type_text(field, schema)),
            "required" if name in needed else code(_cell(field.get("default"))),
            escape(" ".join(str(field.get("description", "")).split())),
        ]
        for name, field in part.options.items()
    ]
    yield "## Options"
    yield table(["Name", "Type", "Default", "Meaning"], rows)
    example = example_of_options(part)
    if example:
        yield f"They are given as in `{example[0]}`, or on the command line as `{example[1]}`."


def _blocks(part: Part) -> Iterable[str]:
    blocks, taps = part.facts.get("blocks"), part.facts.get("taps")
    if blocks:
        rows = [
            [code(b["name"]), *map(_number, (b["channels"], b["reduction"], b["parameters"]))] for b in blocks
        ]
        yield "## Blocks"
        yield "What `freeze` names; the reduction says by how much a map is smaller than the image."
        yield table(["Block", "Channels", "Reduction", "Parameters"], rows, right=[1, 2, 3])
    if taps:
        rows = [[code(t["name"]), *map(_number, (t["channels"], t["reduction"]))] for t in taps]
        yield "## Taps"
        yield "The last map of each size, for heads and networks that take several."
        yield table(["Tap", "Channels", "Reduction"], rows, right=[1, 2])


def _weights(part: Part) -> Iterable[str]:
    if not part.weights:
        return
    rows = [
        [
            code(tag),
            images(w),
            ", else ".join(map(_place, Weights.from_dict(w).sources)),
            _number(w.get("classes")),
            ", ".join(f"{escape(name)} {value:g}" for name, value in w.get("metrics", {}).items()),
            escape(w.get("licence") or ""),
        ]
        for tag, w in part.weights.items()
    ]
    yield "## Published weights"
    yield table(["Tag", "Images", "From", "Classes", "Metrics", "Licence"], rows, right=[3])


def _place(source: WeightsSource) -> str:
    """A repository on the Hub, an address, a package and how to get it, or a file of the plugin."""
    if source.address:
        return link(source.place, escape(source.file))
    if source.repo:
        return link(HUB + source.repo, escape(source.repo))
    if source.package:
        return f"package {code(source.package)} ({code(to_install(source))})"
    return f"shipped, {code(source.file)}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _cell(value: Any) -> str:
    """A value as Python writes it, lists without their brackets where nothing is nested.

    Example:
        >>> _cell([1, 2]), _cell(None), _cell("avg")
        ('1, 2', 'None', "'avg'")
    """
    if isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
        return ", ".join(map(repr, value))
    return repr(value)
