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
@click.option("--data", help="Folder of class folders, or a data set's name.")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change the recipe: trainer.epochs=5."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run  [default: runs/MODEL-N]")
@click.option(
    "--seed", type=int, help="Of weights, splits, order and dropout  [default: the recipe's, else 0]"
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@json_option
def command(
    *,
    recipe: str | None,
    name: str | None,
    head: str | None,
    data: str | None,
    sets: tuple[str, ...],
    out: Path | None,
    seed: int | None,
    device: str | None,
    workers: int,
    as_json: bool,
) -> int:
    """Train a model on pictures.

    RECIPE is a TOML file, or the folder of a saved model to train on.

    \b
    zoo fit recipe.toml --set trainer.epochs=5 --set head.dropout=0.5
    zoo fit --model resnet18 --head binary --data photos/cats-and-dogs
    """
    from zoo.training.verbs import fit

    model, options, data_given = _model(recipe=recipe, name=name, head=head, data=data, sets=sets, seed=seed)
    run = fit(model, data_given, seed=seed, out=out, device=device, workers=workers, **options)
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
            }
        )
    else:
        click.echo(run)
    return _INTERRUPTED if run.interrupted else 0


def _model(
    *,
    recipe: str | None,
    name: str | None,
    head: str | None,
    data: str | None,
    sets: tuple[str, ...],
    seed: int | None,
) -> tuple[Any, dict[str, Any], Any]:
    """The model to train, options of the default trainer, and the data."""
    from zoo.cli._recipe import apply, read_table, trainer_options, with_labels
    from zoo.compose.build import from_recipe
    from zoo.spec.errors import RecipeError
    from zoo.spec.recipe import Recipe
    from zoo.training.common import as_dataset, as_model

    if (recipe is None) == (name is None):
        got = "both" if recipe else "neither"
        raise RecipeError("fit", expected="a recipe or --model", got=got, hint="zoo fit --help")
    if recipe is not None and Path(recipe).is_dir():
        saved, _ = as_model(recipe)
        table = apply({"model": {"name": saved.recipe.model.name}}, sets)
        if table.pop("model") != {"name": saved.recipe.model.name} or head:
            hint = "set trainer, loss, augment or data"
            raise RecipeError(
                "a saved model", expected="its parts as they are", got="changes to them", hint=hint
            )
        table, options = trainer_options(table)
        changed = Recipe.from_dict({"model": {"name": "any"}, **table})
        update = {key: getattr(changed, key) for key in table}
        saved.recipe = saved.recipe.model_copy(update=update)
        return saved, options, data
    base: dict[str, Any] = read_table(Path(recipe)) if recipe is not None else {"model": {"name": name}}
    if head is not None:
        base["model"]["head"] = head
    if seed is not None:
        base["seed"] = seed
    table, options = trainer_options(apply(base, sets))
    checked = Recipe.from_dict(table)
    checked = checked.model_copy(update={"seed": 0}) if checked.seed is None else checked
    source = data if data is not None else checked.data
    if source is None:
        hint = "add --data FOLDER, or data = ... to the recipe"
        raise RecipeError("fit", expected="data", got="none", hint=hint)
    dataset = as_dataset(source)
    return from_recipe(with_labels(checked, dataset.labels)), options, source
