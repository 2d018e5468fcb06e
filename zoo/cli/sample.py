"""`zoo sample`: new images of a generative model."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("sample")
@click.argument("model")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Image file for all on one sheet, or a folder for a file each.",
)
@click.option("--count", type=click.IntRange(min=1), default=16, show_default=True, help="How many.")
@click.option("--seed", type=int, help="The same seed draws the same.  [default: another one each time]")
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
def command(*, model: str, out: Path, count: int, seed: int | None, device: str | None) -> None:
    """Draw images from the saved generative MODEL.

    \b
    zoo sample runs/dcgan-1 --out samples.png --count 64 --seed 0
    """
    from zoo.cli._common import counted
    from zoo.inference.sample import sample

    made = sample(model, count, seed=seed, out=out, device=device)
    height, width = made.shape[2:]
    click.echo(f"{counted(len(made), 'image')} of {width}x{height}: {out}")
