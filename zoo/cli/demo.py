"""`zoo demo`: a recipe that a plugin ships, from names to a saved model that another process uses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.model import Model
    from zoo.training.run import Run

DEMO = "demo"
_MOST_ON_SHEET = 24
_SMALL = 1_000_000


@click.command("demo")
@click.argument("name", default=DEMO)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run  [default: runs/MODEL-N]")
def command(name: str, out: Path | None) -> None:
    """Run the recipe NAME that a plugin ships: build, train, measure, save, load elsewhere, predict."""
    from zoo.registry.lookup import recipe_file

    started = time.perf_counter()
    file = recipe_file(name)
    click.secho(f"zoo demo, recipe {file}", bold=True)
    click.echo("".join(f"    {line}\n" for line in file.read_text(encoding="utf-8").strip().splitlines()))

    with _stage(1, "compose the model by name"):
        model, dataset, data = _compose(file)
        click.echo(_indented(str(model.summary())))
    with _threads_for(model):
        closing = _train_and_show(model, dataset, data, out)
    click.secho("\ndone", bold=True, nl=False)
    click.echo(f" in {time.perf_counter() - started:.0f} s\n")
    click.echo(closing)


def _train_and_show(model: Model, dataset: Dataset, data: Any, out: Path | None) -> str:
    with _stage(2, f"train on {len(dataset)} pictures: {', '.join(dataset.labels)}"):
        from zoo.training.verbs import evaluate, fit

        run = fit(model, data, out=out)
        click.echo(_indented(str(run)))
    with _stage(3, "measure on the test split, which training never saw"):
        figures = evaluate(model, data)
        from zoo.cli.evaluate import describe

        click.echo(_indented(describe(figures)))
    with _stage(4, "save, load in a new process, compare the outputs"):
        count = _compare(model, dataset, run)
        click.echo(f"   outputs for {count} test pictures are identical, bit for bit")
    with _stage(5, "look at predictions"):
        sheet = _sheet(model, dataset, run)
        click.echo(f"   drawn in {sheet}")
    return _closing(model, run, figures, sheet)


@contextmanager
def _threads_for(model: Model) -> Iterator[None]:
    """One thread for a small network, whose threads would wait for each other more than they work.

    Beside other load that waiting makes an epoch ten times as long (measured on two busy cores).
    """
    import torch

    before = torch.get_num_threads()
    if sum(p.numel() for p in model.parameters()) < _SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _stage(number: int, title: str) -> Iterator[None]:
    click.secho(f"{number}. {title}", fg="cyan", bold=True)
    started = time.perf_counter()
    yield
    click.secho(f"   {time.perf_counter() - started:.1f} s\n", dim=True)


def _compose(file: Path) -> tuple[Model, Dataset, Any]:
    from zoo.cli._recipe import with_labels
    from zoo.compose.build import from_recipe
    from zoo.spec.errors import RecipeError
    from zoo.spec.recipe import Recipe
    from zoo.training.common import as_dataset

    recipe = Recipe.from_file(file)
    if recipe.data is None:
        raise RecipeError(f"recipe {file}", expected="data", got="none", hint="train it with zoo fit --data")
    dataset = as_dataset(recipe.data)
    return from_recipe(with_labels(recipe, dataset.labels)), dataset, recipe.data


def _compare(model: Model, dataset: Dataset, run: Run) -> int:
    """Saves the model with its test figures; raises unless a new process gets the same outputs from it."""
    import torch

    from zoo.data.batches import Batches
    from zoo.data.splits import split
    from zoo.hub.folder import save
    from zoo.spec.errors import TrainingError
    from zoo.training.common import pick_seed
    from zoo.training.replay import in_new_process, outputs

    save(model, run.folder)
    indices = split(dataset, pick_seed(None, model)).of("test")
    batch = next(iter(Batches(dataset, indices, model.input_spec, batch_size=len(indices))))
    here, there = outputs(model, batch["image"]), in_new_process(run.folder, batch["image"])
    if not torch.equal(here, there):
        worst = float((here - there).abs().max())
        raise TrainingError(
            "the saved model", expected="identical outputs", got=f"a difference of {worst:.3g}"
        )
    return len(indices)


def _sheet(model: Model, dataset: Dataset, run: Run) -> Path:
    """A picture of test pictures with what the model says of each, classes in turn."""
    from zoo.data.splits import split
    from zoo.training.common import pick_seed
    from zoo.training.plots import SHEET_FILE, sheet
    from zoo.training.verbs import predict

    indices = split(dataset, pick_seed(None, model)).of("test")
    places: dict[Any, int] = {}
    turns = []
    for i in indices:
        target = dataset.targets[i]
        places[target] = places.get(target, -1) + 1
        turns.append((places[target], target, i))
    chosen = [i for _, _, i in sorted(turns)][:_MOST_ON_SHEET]
    pictures = [dataset[i].picture for i in chosen]
    found = predict(model, pictures)
    return sheet(
        pictures,
        [item.label for item in found],
        [item.score for item in found],
        run.folder / SHEET_FILE,
        truths=[dataset.labels[dataset.targets[i]] for i in chosen] if dataset.labels else None,
        title=f"{model.recipe.model.name} on test pictures",
    )


def _closing(model: Model, run: Run, figures: dict[str, Any], sheet: Path) -> str:
    from zoo.hub.folder import CARD_FILE
    from zoo.training.history import HISTORY_FILE
    from zoo.training.plots import CURVES_FILE

    summary = model.summary()
    measured = [
        (f"test {name}", f"{value:.4f}") for name, value in figures.items() if isinstance(value, float)
    ]
    rows = [
        ("model", summary.title),
        ("parameters", f"{summary.parameters:,} ({summary.trainable:,} trained)"),
        ("epochs", f"{len(run.history)}, best {run.best_epoch}"),
        *measured,
        ("new process", "identical outputs"),
        ("model card", str(run.folder / CARD_FILE)),
        ("curves", str(run.folder / CURVES_FILE)),
        ("predictions", str(sheet)),
        ("history", str(run.folder / HISTORY_FILE)),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows]
    return "\n".join([*lines, "", f"Use it: zoo predict {run.folder} YOUR_PICTURE.jpg"])


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())
