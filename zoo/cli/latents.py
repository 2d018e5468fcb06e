"""`zoo latents`: where images lie in a model's latent space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli._common import counted, emit_json, json_option

if TYPE_CHECKING:
    from zoo.data.splits import Split

_FILE = "latents.png"


@click.command("latents")
@click.argument("model")
@click.argument("data")
@click.option("--split", default="test", show_default=True, help="train, val, test, or all.")
@click.option(
    "--out", type=click.Path(path_type=Path), help=f"Image file.  [default: {_FILE}; with --json none]"
)
@click.option(
    "--grid",
    type=click.Path(path_type=Path),
    help="Image file of decoded images, for two numbers an image.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read images.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    data: str,
    split: Split,
    out: Path | None,
    grid: Path | None,
    device: str | None,
    workers: int,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Draw where the images of DATA lie in the latent space of a saved MODEL, coloured by class.

    \b
    zoo latents runs/ae digits --out latents.png --grid grid.png
    zoo latents runs/ae holiday/ --split all --json
    """
    from zoo.inference.latents import latents
    from zoo.spec.disk.paths import need_folder

    # A program gets the numbers, and no file that it did not ask for
    if out is None and not as_json:
        need_folder(f"file {_FILE}", "--out")
    file = out or (None if as_json else Path(_FILE))
    options = {"device": device, "workers": workers, "skip_unreadable": skip_unreadable}
    found = latents(model, data, split=split, out=file, grid=grid, **options)  # type: ignore[arg-type]
    if as_json:
        known = [found.labels[i] if found.labels else str(i) for i in found.classes]
        # Data without classes have no label for any image
        labels: list[str | None] = [*known] or [None] * len(found.names)
        rows = zip(found.names, labels, found.vectors.tolist(), strict=True)
        emit_json([{"name": name, "label": label, "latent": vector} for name, label, vector in rows])
        return
    count, numbers = found.vectors.shape
    click.echo(f"{split} split, {counted(count, 'image')}, {counted(numbers, 'number')} each")
    click.echo(f"axes: {found.axes[0]}; {found.axes[1]}")
    for title, path in (("plot", file), ("grid", grid)):
        if path is not None:
            click.echo(f"{title}: {path}")
