"""`zoo catalogue`: writes the catalogues of plugins under development."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from zoo.cli._common import counted, emit_json, json_option


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 and name what is out of date.")
@click.option(
    "--merge", type=click.Path(path_type=Path, dir_okay=False), help="A registry to merge all of them into."
)
@json_option
def command(paths: tuple[Path, ...], check: bool, merge: Path | None, as_json: bool) -> int:
    """Write catalogue.json of the plugin projects at PATHS, by default of all editable installations."""
    from zoo.registry import catalogue_writing as writing
    from zoo.registry.catalogue import dump
    from zoo.spec.errors import PluginError

    found = [writing.project_at(path) for path in paths] or writing.projects()
    if not found:
        step = "name a plugin's folder, or install it with pip install -e"
        raise PluginError("no plugin is installed for development", hint=step)
    from zoo.compose.catalogue_facts import component_facts
    from zoo.registry.plugins.imports import import_problems

    texts: dict[Path, str] = {}
    catalogues = []
    for project in found:
        made = writing.make(project, component_facts)
        catalogues.append(made)
        texts[project.file] = dump(made)
        configs = [row["config"] for row in made["components"] if row.get("config")]
        for line in import_problems(project.folder, project.module, configs):
            click.echo(f"warning: {project.distribution}: {line}", err=True)
    if merge is not None:
        texts[merge] = dump(
            writing.merged(merge, catalogues, {project.distribution: project.root for project in found})
        )
    outdated = {file: what for file, text in texts.items() if (what := writing.changed(file, text))}
    if as_json:
        emit_json(
            {"files": [str(file) for file in texts], "out_of_date": {str(f): w for f, w in outdated.items()}}
        )
    again = shlex.join(["zoo", "catalogue", *map(str, paths), *(["--merge", str(merge)] if merge else [])])
    for file, what in outdated.items():
        if check:
            click.echo(f"out of date: {file}: {what}; run {again}", err=True)
        else:
            writing.write_catalogue(file, texts[file])
            # With --json, standard output is the JSON alone
            click.echo(f"written: {file}", err=as_json)
    if not outdated and not as_json:
        click.echo(f"up to date: {counted(len(texts), 'file')}")
    return int(check and bool(outdated))
