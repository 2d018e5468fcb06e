"""`zoo pull`: a model from the Hub, into its cache or into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli._common import emit_json, json_option


@click.command("pull")
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for its files.")
@click.option("--revision", help="Branch, tag or commit.  [default: main]")
@json_option
def command(*, source: str, out: Path | None, revision: str | None, as_json: bool) -> None:
    """Fetch the model SOURCE, owner/name on the Hub or file:FOLDER, verify it and show its parts.

    \b
    zoo pull me/cats-and-dogs
    zoo pull me/cats-and-dogs --revision v1 --out models/cats-and-dogs
    """
    from zoo.hub.folder import load
    from zoo.hub.pull import pull, pull_files

    folder = pull_files(source, out, revision=revision) if out is not None else None
    model = load(folder) if folder is not None else pull(source, revision=revision)
    if as_json:
        emit_json(
            {
                "recipe": model.recipe.to_dict(),
                "labels": list(model.labels),
                "metrics": model.metrics,
                "measured": model.measured,
                "weights": model.origin,
                "weights_licences": model.weights_licences,
                "licence": model.licence,
                "folder": None if folder is None else str(folder),
            }
        )
        return
    click.echo(model.summary())
    if folder is not None:
        click.echo(f"saved: {folder}")
