"""`zoo predict`: what a model sees in pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

import click

from zoo.cli._common import emit_json, json_option

_INPUT = "-"


@click.command("predict")
@click.argument("model")
@click.argument("pictures", nargs=-1)
@click.option(
    "--files-from", type=click.File("r"), help="File with a path on each line; - for standard input."
)
@click.option("--top", type=click.IntRange(min=1), default=1, show_default=True, help="Classes to show.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Draw the pictures with their labels or masks: sheet.png; a folder takes each mask or picture.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    pictures: tuple[str, ...],
    files_from: IO[str] | None,
    top: int,
    out: Path | None,
    device: str | None,
    workers: int,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Say what a saved MODEL sees in PICTURES: files, folders, or - for one picture on standard input.

    \b
    zoo predict runs/cats holiday/ --top 3 --out sheet.png
    curl -s https://example.org/cat.jpg | zoo predict runs/cats -
    find . -name '*.jpg' -newer last | zoo predict runs/cats --files-from - --json
    """
    from zoo.inference.predict import predict
    from zoo.inference.predictions import describe
    from zoo.runtime.arguments import check_order

    check_order("predict", model, pictures, "zoo {} {} {}")

    sources = [_picture(name) for name in pictures] + _listed(files_from)
    if not sources:
        raise click.UsageError("no image is given beside the model", click.get_current_context())
    options = {"device": device, "workers": workers, "skip_unreadable": skip_unreadable, "out": out}
    found = predict(model, sources, **options)  # type: ignore[arg-type]  # of several types
    if as_json:
        emit_json([item.to_dict() for item in found])
        return
    click.echo(describe(found, top))
    if out is not None:
        click.echo(f"\nwritten: {out}")


def _picture(name: str) -> Any:
    """A path as it is, standard input as an open file."""
    from zoo.spec.errors import DataError

    if name != _INPUT:
        return name
    if sys.stdin.isatty():
        hint = "zoo predict MODEL - < picture.jpg"
        raise DataError("standard input", expected="a picture", got="a terminal", hint=hint)
    return sys.stdin.buffer


def _listed(file: IO[str] | None) -> list[str]:
    """Paths, one on each line."""
    if file is None:
        return []
    return [line.rstrip("\n") for line in file if line.strip()]
