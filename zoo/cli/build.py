"""`zoo build`: composes a model by name and shows it, or saves it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zoo.cli._common import emit_json, json_option
from zoo.cli._complete import MODELS, components
from zoo.cli._options import model_options
from zoo.cli._unknown import Answering


@click.command("build", cls=Answering, sections={})
@click.argument("name", shell_complete=components(*MODELS, files=".toml"))
@model_options
@click.option("--seed", type=int, help="Makes random weights repeatable.")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change the recipe: options.width=0.5."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Save the model in this folder."
)
@json_option
def command(
    *,
    name: str,
    seed: int | None,
    sets: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Compose a model and show its parts.

    NAME is a backbone, a complete model, or a recipe (a TOML file).

    \b
    zoo build vgg16 --head binary --freeze block1-4 --input-size 150
    zoo build recipe.toml --set head.dropout=0.5 --out models/mine
    """
    from zoo.cli._flags import combined, flags_of
    from zoo.cli._recipe import read_table, spoken_of
    from zoo.cli._set_paths import check_paths
    from zoo.compose.build import from_recipe, with_head_told
    from zoo.spec.recipe import Recipe

    table: dict[str, Any] = read_table(Path(name)) if name.endswith(".toml") else {"model": {"name": name}}
    # Flags win over the file; what `--set` says must agree with them
    table = combined(table, flags_of({**given, "seed": seed}), sets)
    check_paths(sets, table)
    recipe = Recipe.from_dict(table)
    said = spoken_of(name if name.endswith(".toml") else None, sets)
    model = with_head_told(from_recipe(recipe, said=said))
    if out is not None:
        from zoo.hub.folder import save

        save(model, out)
    summary = model.summary()
    if as_json:
        emit_json(
            {
                "recipe": model.recipe.to_dict(),
                "input": model.input_spec.to_dict(),
                "parameters": summary.parameters,
                "trainable": summary.trainable,
                "blocks": [asdict(row) for row in summary.rows],
                "weights": model.origin,
                "weights_licences": model.weights_licences,
                "folder": None if out is None else str(out),
            }
        )
        return
    click.echo(summary)
    if out is not None:
        click.echo(f"saved: {out}")
