"""`zoo verify`: whether two images show the same person or thing."""

from __future__ import annotations

from dataclasses import asdict

import click

from zoo.cli._common import emit_json, json_option


@click.command("verify")
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.option(
    "--threshold", type=float, help="Least cosine of two images of the same.  [default: the model's own]"
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@json_option
def command(
    *, model: str, a: str, b: str, threshold: float | None, device: str | None, as_json: bool
) -> None:
    """Say whether images A and B show the same, by the embeddings of a saved MODEL.

    \b
    zoo verify runs/people door.jpg passport.jpg
    zoo verify runs/people door.jpg passport.jpg --threshold 0.6 --json
    """
    from zoo.inference.verify import verify

    found = verify(model, a, b, threshold=threshold, device=device)
    if as_json:
        emit_json(asdict(found))
    else:
        click.echo(found)
