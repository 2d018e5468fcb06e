"""The page to browse and filter all components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from _generator.html import code, escape, link
from _generator.parts import Part
from zoo.cli._common import count
from zoo.spec.kinds import KINDS

COLUMNS = ("Name", "Kind", "Plugin", "Parameters", "Weights", "Task", "Summary and tags")


def browse(parts: Sequence[Part]) -> str:
    """The page; without JavaScript it is the whole table."""
    plugins = sorted({part.distribution for part in parts})
    tasks = sorted({str(part.row["task"]) for part in parts if part.row.get("task")})
    present = list(dict.fromkeys(part.kind for part in parts))
    kinds = [f"[{KINDS[kind].title.lower()}]({KINDS[kind].page}.md)" for kind in present]
    lines = [
        "---",
        "title: Components",
        "description: All components of all plugins, to browse and filter.",
        "hide: [navigation, toc]",
        "---",
        "",
        "# Components",
        "",
        f"Everything that the {len(plugins)} distributions of the repository offer: {', '.join(kinds)}.",
        "",
        '<form class="zoo-filter" id="zoo-filter" role="search" hidden>',
        '<label class="zoo-filter__text">Find <input type="search" name="q" autocomplete="off"></label>',
        _select("kind", "Kind", {kind: KINDS[kind].title for kind in present}),
        _select("plugin", "Plugin", {name: name for name in plugins}),
        _select("task", "Task", {name: name for name in tasks}),
        _select("weights", "Weights", {"yes": "published", "no": "none published"}),
        '<button type="reset">Clear</button>',
        '<output id="zoo-count" aria-live="polite"></output>',
        "</form>",
        "",
        '<table class="zoo-browse" id="zoo-browse">',
        f"<thead><tr>{''.join(_column(name) for name in COLUMNS)}</tr></thead>",
        "<tbody>",
        *map(_row, parts),
        "</tbody></table>",
        "",
        '<p id="zoo-none" hidden>Nothing fits. Use fewer words, or clear the filter.</p>',
        '<script src="../assets/components.js" defer></script>',
        "",
    ]
    return "\n".join(lines)


def _select(name: str, label: str, options: dict[str, str]) -> str:
    choices = "".join(f'<option value="{escape(v)}">{escape(text)}</option>' for v, text in options.items())
    return f'<label>{label} <select name="{name}"><option value="">any</option>{choices}</select></label>'


def _column(name: str) -> str:
    return f'<th scope="col">{name}</th>'


def _row(part: Part) -> str:
    parameters, task = part.facts.get("parameters"), part.row.get("task") or ""
    tags = "".join(f" <small>{escape(tag)}</small>" for tag in part.row.get("tags", ()))
    cells = [
        link(f"{part.page}.html", code(part.ref)),
        part.kind,
        escape(part.distribution),
        count(parameters),
        " ".join(_weights(part)),
        escape(task),
        escape(part.summary) + tags,
    ]
    data = {
        "kind": part.kind,
        "plugin": part.distribution,
        "task": task,
        "weights": "yes" if part.weights else "no",
        "parameters": "" if parameters is None else str(parameters),
    }
    attributes = "".join(f' data-{key}="{escape(value)}"' for key, value in data.items())
    shown = "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in zip(COLUMNS, cells, strict=True))
    return f"<tr{attributes}>{shown}</tr>"


def _weights(part: Part) -> Iterable[str]:
    """At most two tags; the component's page has them all."""
    tags = [*part.weights]
    yield from map(code, tags[:2])
    if len(tags) > 2:
        yield f"+ {len(tags) - 2}"
