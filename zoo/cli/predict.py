"""`zoo predict`: what a model sees in pictures."""

from __future__ import annotations

from dataclasses import asdict

import click

from zoo.cli._common import emit_json, json_option, table


@click.command("predict")
@click.argument("model")
@click.argument("pictures", nargs=-1, required=True)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@json_option
def command(
    *, model: str, pictures: tuple[str, ...], device: str | None, workers: int, as_json: bool
) -> None:
    """Say what a saved MODEL sees in PICTURES, files or folders."""
    from zoo.training.verbs import predict

    found = predict(model, list(pictures), device=device, workers=workers)
    if as_json:
        emit_json([asdict(item) for item in found])
        return
    rows = [[item.source, item.label, "" if item.score is None else f"{item.score:.1%}"] for item in found]
    click.echo(table(rows, ["PICTURE", "LABEL", "SCORE"], right=[2]))
