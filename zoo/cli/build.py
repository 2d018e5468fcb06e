"""`zoo build`: composes a model by name and shows it, or saves it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zoo.cli._common import emit_json, json_option


@click.command("build")
@click.argument("name")
@click.option("--head", help='A head by name, or "original".')
@click.option("--freeze", help='For example "block1-4", "all".')
@click.option("--weights", help="A tag, a file, or hf://owner/name; random where left out.")
@click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the pictures.")
@click.option("--classes", help="Their number, or their labels with commas between.")
@click.option("--input-size", help="Pixels: 150, or 150x200 for height and width.")
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
    head: str | None,
    freeze: str | None,
    weights: str | None,
    in_channels: int | None,
    classes: str | None,
    input_size: str | None,
    seed: int | None,
    sets: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Compose a model and show its parts.

    NAME is a backbone, a complete model, or a recipe (a TOML file).

    \b
    zoo build vgg16 --head binary --freeze block1-4 --input-size 150
    zoo build recipe.toml --set head.dropout=0.5 --out models/mine
    """
    from zoo.cli._recipe import apply, read_table
    from zoo.compose.build import from_recipe
    from zoo.spec.recipe import Recipe

    table: dict[str, Any] = read_table(Path(name)) if name.endswith(".toml") else {"model": {"name": name}}
    given = {
        "head": head,
        "freeze": freeze,
        "weights": weights,
        "in_channels": in_channels,
        "classes": None if classes is None else int(classes) if classes.isdigit() else _words(classes),
        "input_size": None if input_size is None else _size(input_size),
    }
    table["model"] = {**table["model"], **{key: value for key, value in given.items() if value is not None}}
    if seed is not None:
        table["seed"] = seed
    model = from_recipe(Recipe.from_dict(apply(table, sets)))
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
                "folder": None if out is None else str(out),
            }
        )
        return
    click.echo(summary)
    if out is not None:
        click.echo(f"saved: {out}")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _size(text: str) -> int | list[int]:
    numbers = text.lower().split("x")
    if not all(number.isdigit() for number in numbers) or len(numbers) > 2:
        raise click.BadParameter(f"expected 150 or 150x200, got {text!r}", param_hint="--input-size")
    return int(numbers[0]) if len(numbers) == 1 else [int(number) for number in numbers]
