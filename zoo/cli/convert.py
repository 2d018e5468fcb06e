"""`zoo convert`: weights of another program, as a file that `weights=` takes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from zoo.cli._common import emit_json, json_option
from zoo.cli._complete import MODELS, components
from zoo.cli._options import CLASSES, SIZE


@click.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to", required=True, shell_complete=components(*MODELS), help="Network that the weights are for."
)
@click.option(
    "--in-channels",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Channels of the images.  [default: the file's own]",
)
@click.option(
    "--classes",
    type=CLASSES,
    metavar="CLASSES",
    help="Of a complete model: their number, or their labels with commas between.",
)
@click.option(
    "--input-size",
    type=SIZE,
    metavar="PIXELS",
    help="150, or 150x200 for height and width.  [default: the file's own]",
)
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="An option: options.width=0.5.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write.  [default: FILE with .safetensors]"
)
@json_option
def command(
    *,
    file: Path,
    to: str,
    in_channels: int | None,
    classes: int | list[str] | None,
    input_size: int | list[int] | None,
    sets: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Make a file for --weights of FILE, which torch, timm, Lightning or another program has saved.

    \b
    zoo convert checkpoint.pth --to vgg16
    zoo build vgg16 --head binary --weights file:checkpoint.safetensors
    """
    from zoo.cli._recipe import apply
    from zoo.compose.foreign.convert import convert

    model = apply({"model": {"name": to}}, sets)["model"]
    given = {"in_channels": in_channels, "classes": classes, "input_size": input_size}
    options = {**model.pop("options", {}), **model, **{k: v for k, v in given.items() if v is not None}}
    done = convert(file, options.pop("name"), out=out, **options)
    if as_json:
        emit_json({**asdict(done), "file": str(done.file)})
    else:
        click.echo(done)
