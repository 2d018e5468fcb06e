"""`zoo list`: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zoo.cli._common import emit_json, json_option
from zoo.cli._complete import kinds
from zoo.spec.kinds import KINDS

*_FIRST, _LAST = KINDS
_KINDS = f"{', '.join(_FIRST)} or {_LAST}"

if TYPE_CHECKING:
    from zoo.spec.kinds import KindName


@click.command(help=f"List components; KIND is {_KINDS}.")
@click.argument("kind", required=False, shell_complete=kinds)
@click.option("--search", metavar="TEXT", help="Words that must occur in name, summary, tags or task.")
@click.option("--tag", help="A tag that they must carry.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also what known plugins offer that are not installed (marked *).",
)
@json_option
def command(
    kind: KindName | None, search: str | None, tag: str | None, everything: bool, as_json: bool
) -> None:
    from zoo.registry.listing import list_components
    from zoo.registry.lookup import registry

    rows = list_components(kind, search=search, tag=tag, installed=not everything)
    if as_json:
        emit_json([row.to_dict() for row in rows])
        return
    if rows:
        click.echo(rows.table())
    else:
        click.echo(rows.step, err=True)
    if any(not row.installed for row in rows):
        click.echo("* not installed: zoo show NAME says where it comes from", err=True)
    broken = [plugin.distribution for plugin in registry().plugins if plugin.error]
    if broken:
        click.echo(f"broken: {', '.join(broken)}; `zoo plugins` says why", err=True)
