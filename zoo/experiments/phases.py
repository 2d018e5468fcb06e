"""Recipes on the same data: trained one after the other, measured on images that none of them saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.compose.build import from_recipe
from zoo.data.splits import split
from zoo.data.view import Subset
from zoo.inference.evaluate import evaluate
from zoo.inference.evaluation import Evaluation
from zoo.interfaces.dataset import Dataset
from zoo.reports.files import write_figure
from zoo.reports.style import BLUE, GRAY, GREEN, GRID, ORANGE, PURPLE, RED, new_figure, open_frame, set_title
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import RecipeError, listing, quote
from zoo.spec.recipe import Recipe
from zoo.spec.reference import parse_reference
from zoo.trainers.score import Score
from zoo.training.fit import fit
from zoo.training.run import Run

_COLOURS = (GRAY, ORANGE, BLUE, GREEN, PURPLE, RED)
_MARKERS = (None, "o", "s", "^", "D")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One recipe, trained and measured.

    Args:
        name: what it is called in tables and figures.
        recipe: what was built and trained.
        run: the training.
        metric: the task's first metric that both the validation and the unseen images define.
        score: its value on the unseen images.
        higher_is_better: its direction.
    """

    name: str
    recipe: Recipe
    run: Run
    metric: str
    score: float
    higher_is_better: bool = True

    @property
    def validation(self) -> float:
        """The metric on the validation images, of the best epoch."""
        return self.run.metrics[self.metric]


def unseen(recipe: Recipe, seed: int) -> tuple[Subset, tuple[int, int]]:
    """Images that are left to measure with, and the numbers to train on and to validate with.

    Where the data make their own splits, the test split; else that, and all that the options in the recipe's
    `data` leave out, `per_class` for one.
    """
    used = as_dataset(recipe.data)
    splits = split(used, seed)
    labelled = len(splits.train), len(splits.val)
    table = recipe.data if isinstance(recipe.data, dict) else {}
    # Whoever made the splits has said which images are to be measured on
    if any(used.split_of(i) for i in range(len(used))):
        return Subset(used, splits.of("test")), labelled
    whole = as_dataset(parse_reference(table["name"])) if "name" in table else used
    # By content: the whole numbers its images otherwise, and may hold one twice
    seen = {used.key(i) for i in splits.train + splits.val}
    return Subset(whole, [i for i in range(len(whole)) if whole.key(i) not in seen]), labelled


def check_same_data(recipes: Mapping[str, Recipe]) -> None:
    """Raises RecipeError unless all recipes are trained on the same data, with the same seed."""
    (first_name, first), *others = recipes.items()
    for name, recipe in others:
        for key in ("data", "seed"):
            mine, theirs = getattr(recipe, key), getattr(first, key)
            if mine != theirs:
                expected = f"the {key} of {first_name}, {quote(theirs)}"
                raise RecipeError(f"{name}: {key}", expected=expected, got=quote(mine))


def run_phase(
    name: str, recipe: Recipe, rest: Dataset, folder: Path, *, seed: int, progress: bool = True
) -> Phase:
    """Builds, trains and measures one recipe.

    Args:
        name: of the phase.
        recipe: with data, and classes where its head needs them.
        rest: images that it does not see, from `unseen`.
        folder: of the run.
        seed: of weights, order and augmentation.
        progress: as `zoo.fit` takes it.

    Raises:
        RecipeError: there is nothing to measure it by.
        TrainingError: the model has no task.
    """
    model = from_recipe(recipe.model_copy(update={"seed": seed}))
    run = fit(model, recipe.data, seed=seed, out=folder, progress=progress)
    found = evaluate(model, rest, split="all")
    metric = _metric(name, found, run)
    assert model.task is not None  # noqa: S101 - evaluate has looked
    higher = Score(model.task, model.outputs, None, labels=model.labels).higher_is_better(metric)
    return Phase(
        name=name, recipe=recipe, run=run, metric=metric, score=found.metrics[metric], higher_is_better=higher
    )


def best(phases: Sequence[Phase]) -> Phase:
    """The phase that is best on the validation images, the first of equals; unseen images decide nothing.

    Raises:
        RecipeError: they are not measured by one metric.
    """
    first = phases[0]
    if other := next((phase for phase in phases if phase.metric != first.metric), None):
        expected, got = f"{first.metric}, as {first.name}", other.metric
        raise RecipeError(f"{other.name}: metric", expected=expected, got=got)
    sign = 1 if first.higher_is_better else -1
    return max(phases, key=lambda phase: sign * phase.validation)


def _metric(name: str, found: Evaluation, run: Run) -> str:
    """The first metric of the task that the validation images and the unseen ones define.

    Raises:
        RecipeError: there is none.
    """
    names = [figure for figure in found.metrics if not figure.startswith("loss")]
    if metric := next((figure for figure in names if figure in run.metrics), None):
        return metric
    if not names and not found.left_out:
        raise RecipeError("recipe", expected="a task with a metric beside its loss", got="none")
    reasons = [f"{figure} (left out of the unseen images: {why})" for figure, why in found.left_out.items()]
    got = listing([*reasons, *(f"{figure} (left out of the validation images)" for figure in names)], 3)
    expected, hint = "a metric that the validation images and the unseen ones define", "give more images"
    raise RecipeError(f"{name}: metric", expected=expected, got=got, hint=hint)


def curves(phases: Sequence[Phase], path: Path, title: str) -> Path:
    """Draws loss and metric over the epochs, all phases on the same axes; training is dotted."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(11, 4.2)
    for axis, name in zip(figure.subplots(1, 2), ("loss", phases[0].metric), strict=True):
        for number, phase in enumerate(phases):
            # Where the colours begin anew, points tell the curves apart
            again, colour = divmod(number, len(_COLOURS))
            epochs = [row["epoch"] for row in phase.run.history]
            for key, style, label in ((name, ":", None), (f"val_{name}", "-", phase.name)):
                values = [row.get(key, float("nan")) for row in phase.run.history]
                # A line through one or two points is hardly seen
                marker = _MARKERS[again % len(_MARKERS)] or ("." if len(epochs) <= 2 else None)
                axis.plot(
                    epochs, values, style, color=_COLOURS[colour], linewidth=2 if label else 1.2,
                    label=label, marker=marker,
                )  # fmt: skip
        axis.set_title(f"{name}: validation, and training (dotted)", fontsize=10, loc="left")
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(axis="y", color=GRID, linewidth=0.8)
        open_frame(axis)
        axis.legend(frameon=False, fontsize=9)
    set_title(figure, title)
    return write_figure(figure, path)
