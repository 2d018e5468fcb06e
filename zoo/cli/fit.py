"""`zoo fit`: train a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import INTERRUPTED
from zoo.cli._common import emit_json, json_option
from zoo.cli._complete import MODELS, components, folders, recipe_files
from zoo.cli._kept import FEATURES, Kept, kept
from zoo.cli._options import MODEL_OPTIONS, NAME, RATE, model_options
from zoo.cli._unknown import Answering
from zoo.spec.hints.spoken import speaking

if TYPE_CHECKING:
    from zoo.runtime.processes import Precision
    from zoo.training.run import Run

_SECTIONS = {
    "Model": ("name", *MODEL_OPTIONS),
    "Data": ("data", "augment", "skip_unreadable", "workers"),
    "Training": ("epochs", "lr", "batch_size", "loss", "trainer", "metric", "seed", "sets"),
    "Run": ("out", "folds", "resume", "checkpoint_every", "quiet"),
    "Computing": ("device", "precision", "cache", "no_cache"),
}


@click.command("fit", cls=Answering, sections=_SECTIONS)
@click.argument("recipe", required=False, shell_complete=recipe_files)
@click.option(
    "--model",
    "name",
    metavar="NAME",
    help="Backbone or model, instead of RECIPE.",
    shell_complete=components(*MODELS),
)
@model_options
@click.option(
    "--data",
    metavar="DATA",
    help="Folder of class folders, or a data set's name.",
    shell_complete=components("dataset", files="dir"),
)
@click.option(
    "--augment",
    type=NAME,
    multiple=True,
    metavar="NAME",
    shell_complete=components("augmenter"),
    help="Augmenter of the training images; several make a chain: --augment flip --augment noise.",
)
@click.option("--epochs", type=int, metavar="NUMBER", help="Passes over the training images.")
@click.option(
    "--lr", type=RATE, metavar="RATE", help="Learning rate, or one a part: backbone=1e-5,head=1e-3."
)
@click.option("--batch-size", type=int, metavar="NUMBER", help="Images a step.")
@click.option("--loss", metavar="NAME", help="Loss  [default: the task's]", shell_complete=components("loss"))
@click.option(
    "--trainer", metavar="NAME", help="Trainer  [default: the model's]", shell_complete=components("trainer")
)
@click.option(
    "--metric",
    multiple=True,
    metavar="NAME",
    shell_complete=components("metric"),
    help="Figure beside the task's, on validation images; several: --metric recall --metric mcc.",
)
@click.option(
    "--seed",
    type=int,
    metavar="NUMBER",
    help="Of weights, splits, order and dropout  [default: the recipe's, else 0]",
)
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="All the rest: trainer.schedule=cosine."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Of the run  [default: runs/MODEL-N]"
)
@click.option(
    "--folds",
    type=int,
    metavar="NUMBER",
    help="Of cross-validation: a run for each, measured on the images left out.",
)
@click.option(
    "--resume",
    metavar="RUN",
    shell_complete=folders,
    help="Go on with a run that was killed or interrupted; with --epochs, also for longer.",
)
@click.option(
    "--checkpoint-every",
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Between checkpoints, at least.",
)
@click.option("--device", metavar="NAME", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    metavar="NAME",
    help="fp32, bf16 or fp16, of forwards and losses  [default: fp32]",
)
@click.option(
    "--cache",
    type=Kept(),
    is_flag=False,
    flag_value=FEATURES,
    metavar="[pixels]",
    help="Keep what frozen blocks compute, or pixels  [default: what is possible]",
)
@click.option("--no-cache", is_flag=True, help="Keep neither.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out images that cannot be decoded.")
@click.option(
    "--workers",
    type=int,
    metavar="NUMBER",
    help="Processes that read images, 0 for none beside this one  [default: as many as pay]",
)
@click.option("--quiet", is_flag=True, help="Say nothing of how it goes; warnings and errors stay.")
@json_option
def command(
    *,
    recipe: str | None,
    name: str | None,
    sets: tuple[str, ...],
    out: Path | None,
    seed: int | None,
    device: str | None,
    precision: Precision | None,
    cache: str | None,
    no_cache: bool,
    skip_unreadable: bool,
    folds: int | None,
    resume: str | None,
    checkpoint_every: float,
    workers: int | None,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train a model on images.

    RECIPE is a TOML file, or a saved model to train on: its folder, or hf://owner/name. A flag goes before
    what RECIPE says.

    \b
    zoo fit --model vgg16 --head binary --freeze block1-4 --data ./cats
    zoo fit recipe.toml --lr 1e-4 --set head.dropout=0.5
    zoo fit recipe.toml --folds 5
    zoo fit --resume runs/vgg16-1 --epochs 20
    """
    from zoo.cli._fit import check_alone, model_and_options
    from zoo.cli._recipe import spoken_of
    from zoo.experiments.fit import fit
    from zoo.experiments.fold_figures import Folds

    if resume is not None:
        check_alone(resume, {"recipe": recipe, "model": name, "set": sets or None, **flags})
        # A run knows all the rest, which `check_alone` has refused
        model, data, options = None, None, {k: flags[k] for k in ("epochs",) if flags[k] is not None}
    else:
        model, data, options = model_and_options(recipe, name, {**flags, "seed": seed}, sets)
    with speaking(spoken_of(recipe, sets)):
        run = fit(
            model,
            data,
            seed=seed,
            out=out,
            device=device,
            precision=precision,
            cache=kept(cache, none=no_cache),
            skip_unreadable=skip_unreadable,
            folds=folds,
            resume=resume,
            checkpoint_every=checkpoint_every,
            workers=workers,
            progress=not quiet,
            **options,
        )
    if as_json:
        emit_json(run.to_dict() if isinstance(run, Folds) else _facts(run))
    else:
        click.echo(run)
    return INTERRUPTED if run.interrupted else 0


def _facts(run: Run) -> dict[str, Any]:
    """Plain data of a run, for a program."""
    return {
        "folder": str(run.folder),
        "epochs": len(run.history),
        "best_epoch": run.best_epoch,
        "metrics": run.metrics,
        "images": run.images,
        "chosen_workers": run.chosen_workers,
        "seconds": round(run.seconds, 3),
        "interrupted": run.interrupted,
        "stopped_early": run.stopped_early,
    }
