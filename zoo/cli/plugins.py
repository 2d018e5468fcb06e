"""`zoo plugins`: what is installed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from zoo.cli._common import emit_json, json_option, table

if TYPE_CHECKING:
    from zoo.registry.plugins.inspection import Inspection, Report


@click.command()
@click.option("--refresh", is_flag=True, help="Ask every plugin again, whatever is remembered.")
@click.option(
    "--check",
    is_flag=True,
    help="Hold catalogues to the code as well; exit with status 1 where anything is wrong.",
)
@json_option
def command(refresh: bool, check: bool, as_json: bool) -> int:
    """Show the installed plugins, what they offer, and their errors."""
    from zoo.registry.plugins.inspection import inspect

    found = inspect(refresh=refresh)
    if check:
        # Facts are read off networks, which takes torch: a plain look does without
        from zoo.compose.catalogue_facts import component_facts
        from zoo.registry.catalogue_writing import with_facts_checked

        found = with_facts_checked(found, component_facts)
        found = replace(found, reports=[_with_imports_checked(report) for report in found.reports])
    if as_json:
        emit_json(_plain(found))
    else:
        click.echo(_page(found))
    return int(check and not found.fine)


def _with_imports_checked(report: Report) -> Report:
    """The report, with a line for what the plugin's files import that they should not."""
    from zoo.registry.plugins.imports import import_problems

    plugin = report.plugin
    if report.problems or plugin.folder is None:
        return report
    configs = [row["config"] for row in plugin.rows if row.get("config")]
    return replace(report, problems=tuple(import_problems(plugin.folder, plugin.module, configs)))


def _page(found: Inspection) -> str:
    rows = [
        (
            report.plugin.distribution,
            report.plugin.version,
            report.plugin.namespace.name,
            _offers(report.counts),
        )
        for report in found.reports
    ]
    lines = [table(rows, ["DISTRIBUTION", "VERSION", "NAMESPACE", "OFFERS"])]
    lines += [f"disabled: {name}" for name in found.disabled]
    for report in found.reports:
        lines += [
            f"error: {report.plugin.distribution} {report.plugin.version}: {text}" for text in report.problems
        ]
    lines += [f"error: {line}" for line in found.unreadable]
    for (kind, name), owners in found.conflicts.items():
        lines.append(
            f"conflict: the {kind} {name!r} is claimed by {', '.join(owners)}; say its namespace as well"
        )
    return "\n".join(lines)


def _plain(found: Inspection) -> dict[str, Any]:
    return {
        "plugins": [
            {
                "distribution": report.plugin.distribution,
                "version": report.plugin.version,
                "namespace": report.plugin.namespace.name,
                "module": report.plugin.module,
                "source": report.plugin.source,
                "components": dict(report.counts),
                "recipes": sorted(report.plugin.recipes),
                "errors": list(report.problems),
            }
            for report in found.reports
        ],
        "disabled": list(found.disabled),
        "conflicts": [
            {"kind": kind, "name": name, "distributions": list(owners)}
            for (kind, name), owners in found.conflicts.items()
        ],
        "unreadable": list(found.unreadable),
    }


def _offers(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(
            f"{number} {kind}{'' if number == 1 else 'es' if kind == 'loss' else 's'}"
            for kind, number in counts.items()
        )
        or "nothing"
    )
