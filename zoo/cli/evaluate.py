"""`zoo evaluate`: measure a model on data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli._common import emit_json, json_option
from zoo.cli._complete import components

if TYPE_CHECKING:
    from zoo.data.splits import Split
    from zoo.inference.asking.views import Views


@click.command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Set an option of the data: target=age  [default: as the model was trained].",
)
@click.option(
    "--split",
    default="test",
    show_default=True,
    help="train, val, test, or all for data that the model never saw.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    shell_complete=components("metric"),
    help="A figure beside those of the model's task, by name; may be given several times.",
)
@click.option("--features", help="Folder of a classifier that looks at what a generative model makes.")
@click.option(
    "--samples", type=click.IntRange(min=1), help="How many to generate.  [default: as many as real]"
)
@click.option("--save", is_flag=True, help="Keep the figures in the model's folder and card.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for metrics.json, images of the confusion matrix and of the worst mistakes.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read images.")
@click.option(
    "--tta",
    type=click.Choice(["flip", "d4"]),
    help="Average over views: each image and its mirror image, or all eight turns and mirror images.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    data: str,
    sets: tuple[str, ...],
    split: Split,
    metrics: tuple[str, ...],
    features: str | None,
    samples: int | None,
    save: bool,
    out: Path | None,
    device: str | None,
    workers: int,
    tta: Views | None,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Measure a saved MODEL on DATA, a folder of class folders, a table, or the name of a data set."""
    from zoo.cli._recipe import apply, in_section, typed_data
    from zoo.inference.evaluate import evaluate
    from zoo.runtime.arguments import check_order

    check_order("evaluate", model, data, "zoo {} {} {}")

    figures = evaluate(
        model,
        apply({"data": typed_data(data)}, in_section(sets))["data"],
        split=split,
        metrics=metrics,
        features=features,
        samples=samples,
        device=device,
        workers=workers,
        tta=tta,
        skip_unreadable=skip_unreadable,
        out=out,
        save=save,
    )
    if as_json:
        emit_json(figures.to_dict())
    else:
        click.echo(figures)
        if out is not None:
            click.echo(f"\nfigures and images: {out}")
