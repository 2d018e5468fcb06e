"""`zoo demo`: recipes that a plugin ships, from names to a pushed model that another process pulls."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli._common import counted
from zoo.cli._complete import shipped_recipes

if TYPE_CHECKING:
    from zoo.experiments.phases import Phase
    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.model import Model
    from zoo.spec.recipe import Recipe

DEMO = "demo"
HUB = "hub"
_MOST_ON_SHEET = 24
_MOST_COMPARED = 200
_MOST_NAMED = 12
_SMALL = 1_000_000  # parameters, see `_threads_for`
_MARGIN = "   "


@dataclass(frozen=True)
class _Step:
    """A recipe of the series, and what the screen says of it."""

    title: str
    about: str
    file: Path
    recipe: Recipe

    @property
    def trained(self) -> bool:
        """Whether it is trained; published weights with their own head are asked as they are."""
        from zoo.spec.recipe import ORIGINAL

        return self.recipe.model.head != ORIGINAL or self.recipe.trainer is not None


@click.command("demo")
@click.argument("name", default=DEMO, shell_complete=shipped_recipes)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the demo  [default: runs/NAME-N]")
@click.option("--seed", type=int, help="Of weights, order and augmentation  [default: the recipes']")
def command(name: str, out: Path | None, seed: int | None) -> None:
    """Run the recipe NAME that a plugin ships, or all called NAME-...: train, measure, push, pull, predict.

    Recipes of a series are trained on the same data, and set side by side. One with the original head of its
    weights and without a trainer names the images of its data instead.
    """
    from zoo.experiments.requirements import fetch_weights, installed_series
    from zoo.reports.style import DRAWS
    from zoo.runtime.arguments import new_run_folder
    from zoo.spec.errors import RecipeError

    started = time.perf_counter()
    files = installed_series(name, [DRAWS])
    steps = [_step(file, name) for file in files]
    trained = [step for step in steps if step.trained]
    if not trained:
        raise RecipeError(f"demo {name}", expected="a recipe that is trained", got="none")
    fetch_weights([step.recipe for step in steps])
    folder = new_run_folder(out, name.replace(":", "-"))
    phases, rest, labelled = _train(trained, len(steps), folder, seed)
    for number, step in enumerate(steps, 1):
        if not step.trained:
            with _heading(number, len(steps), step):
                _name(step, folder)
    place = _hand_on(phases, rest, folder, name)
    click.secho("\ndone", bold=True, nl=False)
    click.echo(f" in {time.perf_counter() - started:.0f} s\n")
    click.echo(_closing(phases, rest, labelled, folder, place))


def _step(file: Path, series: str) -> _Step:
    """The recipe of a file, checked; `demo-2-frozen-features.toml` is called `frozen features`."""
    from zoo.spec.errors import RecipeError
    from zoo.spec.recipe import ORIGINAL, Recipe
    from zoo.training.recipe_data import with_data

    recipe = Recipe.from_file(file)
    if recipe.data is None:
        raise RecipeError(f"recipe {file}", expected="data", got="none", hint="train it with zoo fit --data")
    # The published classifier has its own classes, whatever those of the data
    if recipe.model.head != ORIGINAL:
        recipe = with_data(recipe)[0]
    first = file.read_text(encoding="utf-8").lstrip().partition("\n")[0]
    about = first.lstrip("# ") if first.startswith("#") else ""
    title = file.stem.removeprefix(f"{series.rpartition(':')[2]}-").lstrip("0123456789-").replace("-", " ")
    return _Step(title or file.stem, about, file, recipe)


def _train(
    steps: Sequence[_Step], count: int, folder: Path, seed: int | None
) -> tuple[list[Phase], Dataset, tuple[int, int]]:
    """The phases, the images that none of them saw, and how many they had."""
    from zoo.experiments.phases import check_same_data, run_phase, unseen

    recipes = {step.title: step.recipe for step in steps}
    check_same_data(recipes)
    seed = seed if seed is not None else steps[0].recipe.seed or 0
    rest, labelled = unseen(steps[0].recipe, seed)
    phases = []
    for number, step in enumerate(steps, 1):
        with _heading(number, count, step), _threads_for(step.recipe):
            where = folder / step.title.replace(" ", "-")
            shown = sys.stderr.isatty()  # a hundred lines an epoch would bury what a log is read for
            phases.append(run_phase(step.title, step.recipe, rest, where, seed=seed, progress=shown))
            click.echo(_said(phases[-1]))
    return phases, rest, labelled


@contextmanager
def _heading(number: int, count: int, step: _Step) -> Iterator[None]:
    """A title, the recipe's first line of comment, and where it lies."""
    click.secho(f"{number}/{count} {step.title}", fg="cyan", bold=True)
    if step.about:
        click.echo(f"{_MARGIN}{step.about}")
    click.secho(f"{_MARGIN}{step.file}", dim=True)
    yield
    click.echo()


@contextmanager
def _threads_for(recipe: Recipe) -> Iterator[None]:
    """One thread for a small network, whose threads would wait for each other more than they work.

    Beside other load that waiting makes an epoch ten times as long (measured on two busy cores).
    """
    import torch

    from zoo.compose.plan import plan

    before = torch.get_num_threads()
    if sum(p.numel() for p in plan(recipe.model).meta_model.parameters()) < _SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _said(phase: Phase) -> str:
    run, summary = phase.run, phase.run.model.summary()
    return (
        f"{_MARGIN}{phase.recipe.model.called}: {summary.trainable:,} of {summary.parameters:,} parameters "
        f"trained\n{_MARGIN}{counted(len(run.history), 'epoch')} in {run.seconds:.1f} s, "
        f"best {run.best_epoch}: validation {phase.metric} {phase.validation:.3f}"
    )


def _name(step: _Step, folder: Path) -> None:
    """What published weights say of the images, with the classes that they were published with."""
    from zoo.compose.build import from_recipe
    from zoo.inference.predict import predict
    from zoo.reports.plots import sheet
    from zoo.runtime.data_arguments import as_dataset

    data = as_dataset(step.recipe.data)
    names = [data.name(i) for i in range(min(len(data), _MOST_NAMED))]
    images = [data[i].image for i in range(len(names))]
    answers = predict(from_recipe(step.recipe), images)
    for name, answer in zip(names, answers, strict=True):
        best = ", ".join(f"{label} {score:.0%}" for label, score in answer.top(3).items())
        click.echo(f"{_MARGIN}{name}: {best}")
    sheet(
        images,
        [answer.label for answer in answers],
        [answer.score for answer in answers],
        folder / f"{step.title.replace(' ', '-')}.png",
        names=names,
        title=f"{step.recipe.model.called}, as it was published",
    )


def _hand_on(phases: Sequence[Phase], rest: Dataset, folder: Path, name: str) -> str:
    """Draws curves and predictions, pushes the best phase's model and pulls it; returns its reference."""
    from zoo.experiments.phases import best, curves

    chosen = best(phases)
    click.secho(f"push and pull: {chosen.name}, the best on the validation images", fg="cyan", bold=True)
    curves(phases, folder / "curves.png", f"{name}: {', '.join(phase.name for phase in phases)}")
    _sheet(chosen, rest, folder / "predictions.png")
    return _push_and_pull(chosen.run.model, rest, f"file:{folder / HUB / chosen.name.replace(' ', '-')}")


def _push_and_pull(model: Model, rest: Dataset, place: str) -> str:
    """Pushes the model; raises unless a new process gets the same outputs from what it pulls."""
    import torch

    from zoo.data.batches import Batches
    from zoo.hub.push import push
    from zoo.hub.reproduce import in_new_process, outputs
    from zoo.spec.errors import TrainingError

    pushed = push(model, place)
    # Every n-th, rounded up: _MOST_COMPARED at most, from all over the data
    indices = range(0, len(rest), -(-len(rest) // _MOST_COMPARED))
    # One batch, as the other process gets one: sums over another number may differ in the last bit
    batch = next(iter(Batches(rest, indices, model.input_spec, batch_size=len(indices))))
    here, there = outputs(model, batch["image"]), in_new_process(pushed.reference, batch["image"])
    if not torch.equal(here, there):
        worst = float((here - there).abs().max())
        got = f"a difference of {worst:.3g}"
        raise TrainingError("the pulled model", expected="identical outputs", got=got)
    click.echo(f"{_MARGIN}pushed to {pushed.reference}, pulled in a new process:")
    click.echo(f"{_MARGIN}its outputs for {len(indices)} unseen images are identical, bit for bit")
    return pushed.reference


def _sheet(phase: Phase, data: Dataset, path: Path) -> None:
    """An image of unseen images with what the model says of each, classes in turn."""
    from zoo.inference.predict import predict
    from zoo.reports.plots import sheet

    places: dict[Any, int] = {}
    turns = []
    for i, target in enumerate(data.targets):
        places[target] = places.get(target, -1) + 1
        # The first of each class, then the second of each, ...
        turns.append((places[target], target, i))
    chosen = [i for _, _, i in sorted(turns)][:_MOST_ON_SHEET]
    images = [data[i].image for i in chosen]
    answers = predict(phase.run.model, images)
    sheet(
        images,
        [item.label for item in answers],
        [item.score for item in answers],
        path,
        truths=[data.labels[data.targets[i]] for i in chosen] if data.labels else None,
        title=f"{phase.name}: images that it never saw",
    )


def _closing(
    phases: Sequence[Phase], rest: Dataset, labelled: tuple[int, int], folder: Path, place: str
) -> str:
    from zoo.cli._common import table

    metric = phases[0].metric
    rows = [
        [
            phase.name,
            phase.recipe.model.called,
            f"{phase.run.model.summary().trainable:,}",
            f"{phase.validation:.3f}",
            f"{phase.score:.3f}",
            f"{phase.run.seconds:.1f} s",
        ]
        for phase in phases
    ]
    header = ["PHASE", "NETWORK", "TRAINED PARAMETERS", "VALIDATION", "UNSEEN", "TRAINING"]
    said = (
        f"({metric} on {labelled[1]} validation images and on {len(rest)} that no phase saw; "
        f"trained on {labelled[0]}; one seed)"
    )
    paths: Mapping[str, str] = {
        "curves": f"{folder}/curves.png",
        "predictions": f"{folder}/predictions.png",
        "models": f"{folder}/*/",
        "pushed": place,
    }
    lines = [f"  {name:<12} {path}" for name, path in paths.items()]
    return "\n".join(
        [
            table(rows, header, right=[2, 3, 4, 5]),
            said,
            "",
            *lines,
            "",
            "next, with a folder of class folders of yours",
        ]
        + [f"  {line}" for line in _next(phases)]
    )


def _next(phases: Sequence[Phase]) -> list[str]:
    """The best phase's recipe as a command on a user's own images."""
    from zoo.experiments.phases import best

    section = best(phases).recipe.model
    parts = {"--model": section.name, "--weights": section.weights, "--freeze": section.freeze}
    flags = " ".join(f"{flag} {value}" for flag, value in parts.items() if value not in (None, "none"))
    return [
        f"zoo fit {flags} --head multiclass --data YOUR_FOLDER --out runs/mine",
        "zoo predict runs/mine IMAGE",
    ]
