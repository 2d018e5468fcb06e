"""`zoo evaluate`: measure a model on data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli._common import emit_json, json_option, table

_MOST_CLASSES = 12
_MOST_MISTAKES = 5


@click.command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option(
    "--split",
    default="test",
    show_default=True,
    help="train, val, test, or all for data that the model never saw.",
)
@click.option("--features", help="Folder of a classifier that looks at what a generative model makes.")
@click.option(
    "--samples", type=click.IntRange(min=1), help="How many to generate.  [default: as many as real]"
)
@click.option("--save", is_flag=True, help="Keep the figures in the model's folder and card.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for metrics.json, pictures of the confusion matrix and of the worst mistakes.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    data: str,
    split: str,
    features: str | None,
    samples: int | None,
    save: bool,
    out: Path | None,
    device: str | None,
    workers: int,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Measure a saved MODEL on DATA, a folder of class folders or the name of a data set."""
    from zoo.training.common import as_model, check_order
    from zoo.training.verbs import evaluate

    check_order("evaluate", model, data, "zoo {} {} {}")

    figures = evaluate(
        model,
        data,
        split=split,
        features=features,
        samples=samples,
        device=device,
        workers=workers,
        skip_unreadable=skip_unreadable,
        out=out,
    )
    if save:
        from zoo.hub.folder import save as save_model

        loaded, folder = as_model(model)
        kept = {k: v for k, v in figures.items() if isinstance(v, float)}
        loaded.metrics = {**loaded.metrics, split: kept}
        save_model(loaded, str(folder))
    if as_json:
        emit_json(figures)
    else:
        click.echo(describe(figures))
        if out is not None:
            click.echo(f"\nfigures and pictures: {out}")


def describe(figures: dict[str, Any]) -> str:
    """The figures as tables for people.

    Example:
        >>> print(describe({"split": "test", "pictures": 30, "loss": 0.25}))
        test split, 30 pictures
        loss  0.2500
    """
    lines = [f"{figures['split']} split, {figures['pictures']} pictures"]
    if "samples" in figures:
        lines[0] += f", {figures['samples']} generated"
    numbers = {name: value for name, value in figures.items() if isinstance(value, float)}
    width = max(map(len, numbers), default=0)
    lines += [f"{name:<{width}}  {value:.4f}" for name, value in numbers.items()]
    if "classes" in figures:
        shares = [[label, f"{share:.1%}"] for label, share in figures["classes"].items()]
        lines += ["", table(shares, ["TAKEN FOR", "SHARE"], right=[1])]
    if figures.get("rates"):
        rows = [
            [f"{row['false_accepts']:.1%}", f"{row['threshold']:.3f}", f"{row['true_accepts']:.1%}"]
            for row in figures["rates"]
        ]
        lines += ["", table(rows, ["FALSE ACCEPTS", "THRESHOLD", "TRUE ACCEPTS"], right=[0, 1, 2])]
    if "per_class" in figures:
        rows = [
            [label, *(f"{v:.3f}" if isinstance(v, float) else f"{v:,}" for v in row.values())]
            for label, row in figures["per_class"].items()
        ]
        names: dict[str, Any] = next(iter(figures["per_class"].values()), {})
        lines += ["", table(rows, ["CLASS", *map(str.upper, names)], right=[*range(1, len(names) + 1)])]
    labels = figures.get("labels", [])
    if "confusion" in figures and len(labels) <= _MOST_CLASSES:
        rows = [[label, *row] for label, row in zip(labels, figures["confusion"], strict=True)]
        header = ["TRUTH \\ ANSWER", *labels]
        lines += ["", table(rows, header, right=list(range(1, len(header))))]
    worst = figures.get("worst", [])[:_MOST_MISTAKES]
    if worst:
        rows = [
            [
                item["name"],
                item["label"],
                "" if item["score"] is None else f"{item['score']:.1%}",
                item["truth"],
            ]
            for item in worst
        ]
        score = "IOU" if "iou" in figures else "SCORE"
        header = ["WORST MISTAKES", "ANSWER", score, "TRUTH"]
        if "psnr" in figures:  # the answer is a picture
            rows, header = [row[:2] for row in rows], ["WORST PICTURES", "PSNR"]
        lines += ["", table(rows, header, right=[2] if len(header) > 2 else [1])]
    return "\n".join(lines)
