"""`zoo demo`: recipes that a plugin ships, from names to a pushed model that another process pulls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli._complete import shipped_recipes

if TYPE_CHECKING:
    from zoo.interfaces.model import Model
    from zoo.spec.recipe import Recipe
    from zoo.training.comparison import Arm, Comparison

DEMO = "demo"
SEEDS = 3
HUB = "hub"
_MOST_ON_SHEET = 24
_MOST_COMPARED = 200
_SMALL = 1_000_000


@click.command("demo")
@click.argument("name", default=DEMO, shell_complete=shipped_recipes)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the demo  [default: runs/NAME-N]")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=SEEDS,
    show_default=True,
    help="Runs of each network, each with other random weights and other training pictures.",
)
def command(name: str, out: Path | None, seeds: int) -> None:
    """Run the recipe NAME that a plugin ships, or all called NAME-...: train, measure, push, pull, predict.

    Where a recipe names weights, the same network from scratch is trained beside it.
    """
    from zoo.registry.lookup import recipe_series
    from zoo.training.common import new_run_folder

    started = time.perf_counter()
    files = recipe_series(name)
    recipes = [_recipe(file) for file in files]
    folder = new_run_folder(out, name.replace(":", "-"))
    rows, place = [], ""
    for number, (file, recipe) in enumerate(zip(files, recipes, strict=True), 1):
        with _phase(number, len(files), file):
            row, place = _run(recipe, file.stem, folder, seeds)
            rows += row
    click.secho("done", bold=True, nl=False)
    click.echo(f" in {time.perf_counter() - started:.0f} s\n")
    click.echo(_closing(rows, folder, place, seeds))


def _run(recipe: Recipe, name: str, folder: Path, seeds: int) -> tuple[list[list[str]], str]:
    """One recipe's rows of the closing table, and where its model is pulled from."""
    from zoo.compose.build import from_recipe
    from zoo.training.common import pick_seed
    from zoo.training.comparison import compare, curves, unseen

    model = from_recipe(recipe)
    seed = pick_seed(None, model)
    rest, (train, val) = unseen(recipe, seed)
    click.echo(_indented(str(model.summary())))
    click.echo(
        f"\n   {train} pictures to train on, {val} to pick the epoch, {len(rest)} unseen to measure by"
    )
    with _threads_for(model):
        found = compare(recipe, folder / name, seeds=range(seed, seed + seeds), on_run=_tell)
        best = found.arms[0].runs[0].model
        curves(found, folder / name / "curves.png", f"{name}: {found.labelled[0]} training pictures")
        _sheet(best, found, folder / name / "predictions.png", name)
        place = _push_and_pull(best, found, f"file:{folder / HUB / name}")
    return _rows(found, name), place


def _recipe(file: Path) -> Recipe:
    from zoo.spec.errors import RecipeError
    from zoo.spec.recipe import Recipe
    from zoo.training.recipes import with_data

    recipe = Recipe.from_file(file)
    if recipe.data is None:
        raise RecipeError(f"recipe {file}", expected="data", got="none", hint="train it with zoo fit --data")
    return with_data(recipe)[0]


@contextmanager
def _phase(number: int, count: int, file: Path) -> Iterator[None]:
    """A heading, the recipe's first line of comment, and in the end the seconds."""
    click.secho(f"{number}/{count} {file.stem}", fg="cyan", bold=True)
    first = file.read_text(encoding="utf-8").lstrip().partition("\n")[0]
    if first.startswith("#"):
        click.echo(f"   {first.lstrip('# ')}")
    click.secho(f"   recipe {file}\n", dim=True)
    started = time.perf_counter()
    yield
    click.secho(f"   {time.perf_counter() - started:.1f} s\n", dim=True)


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


def _tell(arm: Arm, seed: int) -> None:
    run = arm.runs[-1]
    epochs = f"{len(run.history)} epochs in {run.seconds:.1f} s"
    click.echo(f"   seed {seed}, {arm.name:<12}  {epochs:<20}  unseen: {arm.scores[-1]:.3f}")


def _push_and_pull(model: Model, found: Comparison, place: str) -> str:
    """Pushes the model; raises unless a new process gets the same outputs from what it pulls."""
    import torch

    from zoo.data.batches import Batches
    from zoo.hub.push import push
    from zoo.spec.errors import TrainingError
    from zoo.training.replay import in_new_process, outputs

    pushed = push(model, place)
    indices = range(0, len(found.unseen), -(-len(found.unseen) // _MOST_COMPARED))
    batch = next(iter(Batches(found.unseen, indices, model.input_spec, batch_size=len(indices))))
    here, there = outputs(model, batch["image"]), in_new_process(pushed.reference, batch["image"])
    if not torch.equal(here, there):
        worst = float((here - there).abs().max())
        raise TrainingError(
            "the pulled model", expected="identical outputs", got=f"a difference of {worst:.3g}"
        )
    click.echo(f"   pushed to {pushed.reference}, pulled in a new process:")
    click.echo(f"   its outputs for {len(indices)} unseen pictures are identical, bit for bit")
    return pushed.reference


def _sheet(model: Model, found: Comparison, path: Path, name: str) -> None:
    """A picture of unseen pictures with what the model says of each, classes in turn."""
    from zoo.training.plots import sheet
    from zoo.training.verbs import predict

    data = found.unseen
    places: dict[Any, int] = {}
    turns = []
    for i, target in enumerate(data.targets):
        places[target] = places.get(target, -1) + 1
        turns.append((places[target], target, i))
    chosen = [i for _, _, i in sorted(turns)][:_MOST_ON_SHEET]
    pictures = [data[i].picture for i in chosen]
    answers = predict(model, pictures)
    sheet(
        pictures,
        [item.label for item in answers],
        [item.score for item in answers],
        path,
        truths=[data.labels[data.targets[i]] for i in chosen] if data.labels else None,
        title=f"{name}: {model.recipe.model.name} on pictures it never saw",
    )


def _rows(found: Comparison, name: str) -> list[list[str]]:
    rows = []
    for arm in found.arms:
        summary = arm.runs[0].model.summary()
        score = f"{arm.score:.3f}" + (f" +- {arm.spread:.3f}" if len(arm.scores) > 1 else "")
        rows.append(
            [
                name if arm is found.arms[0] else "",
                arm.name,
                f"{summary.trainable:,}",
                str(found.labelled[0]),
                str(len(found.unseen)),
                f"{score} {found.metric}",
                f"{arm.seconds:.1f} s",
            ]
        )
    return rows


def _closing(rows: list[list[str]], folder: Path, place: str, seeds: int) -> str:
    from zoo.cli._common import table

    header = ["PHASE", "NETWORK", "PARAMETERS", "TRAINED ON", "MEASURED ON", "UNSEEN PICTURES", "TRAINING"]
    said = f"mean and standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    paths = [
        ("curves", f"{folder}/*/curves.png"),
        ("predictions", f"{folder}/*/predictions.png"),
        ("models", f"{folder / HUB}/*"),
        ("runs", f"{folder}/*/*-*"),
    ]
    lines = [f"  {name:<12} {path}" for name, path in paths]
    steps = [f"  zoo predict {place.removeprefix('file:')} YOUR_PICTURE.png", f"  zoo pull {place}"]
    return "\n".join([table(rows, header, right=[2, 3, 4, 6]), f"({said})", "", *lines, "", "next", *steps])


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())
