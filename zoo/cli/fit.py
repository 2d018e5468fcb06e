"""`zoo fit`: train a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli._common import emit_json, json_option

_INTERRUPTED = 130


@click.command("fit")
@click.argument("recipe", required=False)
@click.option("--model", "name", help="Backbone or model, instead of a recipe.")
@click.option("--head", help="Head of the model, with --model.")
@click.option("--freeze", help="Blocks to freeze, with --model: block1-4.")
@click.option("--weights", help="Tag, file or repository of published weights, with --model.")
@click.option("--data", help="Folder of class folders, or a data set's name.")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change the recipe: trainer.epochs=5."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run  [default: runs/MODEL-N]")
@click.option(
    "--seed", type=int, help="Of weights, splits, order and dropout  [default: the recipe's, else 0]"
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option(
    "--precision", type=click.Choice(["fp32", "bf16", "fp16"]), help="Of forwards and losses  [default: fp32]"
)
@click.option(
    "--cache/--no-cache", default=None, help="Keep what frozen blocks compute  [default: if possible]"
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out pictures that cannot be decoded.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was killed or interrupted.")
@click.option(
    "--checkpoint-every", default=30.0, show_default=True, help="Seconds between checkpoints, at least."
)
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@click.option("--quiet", is_flag=True, help="Say nothing of how it goes; warnings and errors stay.")
@json_option
def command(
    *,
    recipe: str | None,
    name: str | None,
    head: str | None,
    freeze: str | None,
    weights: str | None,
    data: str | None,
    sets: tuple[str, ...],
    out: Path | None,
    seed: int | None,
    device: str | None,
    precision: str | None,
    cache: bool | None,
    skip_unreadable: bool,
    resume: str | None,
    checkpoint_every: float,
    workers: int,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train a model on pictures.

    RECIPE is a TOML file, or the folder of a saved model to train on.

    \b
    zoo fit recipe.toml --set trainer.epochs=5 --set head.dropout=0.5
    zoo fit --model resnet18 --head binary --freeze block1-4 --data photos/cats-and-dogs
    zoo fit --resume runs/resnet18-1
    """
    from zoo.training.verbs import fit

    parts = {"head": head, "freeze": freeze, "weights": weights}
    if resume is not None:
        _check_alone(
            resume, {"RECIPE": recipe, "--model": name, "--data": data, "--set": sets or None, **parts}
        )
        model, options, data_given = None, dict[str, Any](), None
    else:
        model, options, data_given = _model(
            recipe=recipe,
            name=name,
            parts=parts,
            data=data,
            sets=sets,
            seed=seed,
        )
    run = fit(
        model,
        data_given,
        seed=seed,
        out=out,
        device=device,
        precision=precision,
        cache=cache,
        skip_unreadable=skip_unreadable,
        resume=resume,
        checkpoint_every=checkpoint_every,
        workers=workers,
        progress=not quiet,
        **options,
    )
    if as_json:
        emit_json(
            {
                "folder": str(run.folder),
                "epochs": len(run.history),
                "best_epoch": run.best_epoch,
                "metrics": run.metrics,
                "pictures": run.pictures,
                "seconds": round(run.seconds, 3),
                "interrupted": run.interrupted,
                "stopped_early": run.stopped_early,
            }
        )
    else:
        click.echo(run)
    return _INTERRUPTED if run.interrupted else 0


def _check_alone(resume: str, others: dict[str, Any]) -> None:
    from zoo.spec.errors import RecipeError, listing

    if given := [
        name if name.isupper() else f"--{name.strip('-')}"
        for name, value in others.items()
        if value is not None
    ]:
        hint = "leave it out: the run knows it"
        raise RecipeError(f"--resume {resume}", expected="no other settings", got=listing(given), hint=hint)


def _model(
    *,
    recipe: str | None,
    name: str | None,
    parts: dict[str, Any],
    data: str | None,
    sets: tuple[str, ...],
    seed: int | None,
) -> tuple[Any, dict[str, Any], Any]:
    """The model or recipe to train, options of the default trainer, and the data beside a saved model."""
    from zoo.cli._recipe import apply, read_table, trainer_options
    from zoo.spec.errors import RecipeError
    from zoo.spec.recipe import Recipe
    from zoo.training.common import as_model

    if (recipe is None) == (name is None):
        got = "both" if recipe else "neither"
        raise RecipeError("fit", expected="a recipe or --model", got=got, hint="zoo fit --help")
    given = {} if data is None else {"data": data}
    if recipe is not None and Path(recipe).is_dir():
        saved, _ = as_model(recipe)
        table = apply({"model": {"name": saved.recipe.model.name}, **given}, sets)
        if table.pop("model") != {"name": saved.recipe.model.name} or any(parts.values()):
            hint = "set trainer, loss, augment or data"
            raise RecipeError(
                "a saved model", expected="its parts as they are", got="changes to them", hint=hint
            )
        table, options = trainer_options(table)
        changed = Recipe.from_dict({"model": {"name": "any"}, **table})
        update = {key: getattr(changed, key) for key in table}
        saved.recipe = saved.recipe.model_copy(update=update)
        return saved, options, changed.data
    base: dict[str, Any] = read_table(Path(recipe)) if recipe is not None else {"model": {"name": name}}
    base["model"] |= {key: value for key, value in parts.items() if value is not None}
    base |= given if seed is None else {**given, "seed": seed}
    table, options = trainer_options(apply(base, sets))
    checked = Recipe.from_dict(table)
    if checked.data is None:
        hint = "add --data FOLDER, or data = ... to the recipe"
        raise RecipeError("fit", expected="data", got="none", hint=hint)
    return checked, options, None
