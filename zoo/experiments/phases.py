"""Recipes on the same data: trained one after the other, measured on images that none of them saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.compose.build import from_recipe
from zoo.data.splits import split
from zoo.inference.evaluate import evaluate
from zoo.interfaces.dataset import Dataset, Sample
from zoo.reports.files import write_figure
from zoo.reports.style import BLUE, GRAY, GREEN, GRID, ORANGE, PURPLE, RED, new_figure, open_frame, set_title
from zoo.runtime.arguments import as_dataset
from zoo.spec.errors import RecipeError, quote
from zoo.spec.recipe import Recipe
from zoo.spec.reference import parse_reference
from zoo.training.fit import fit
from zoo.training.run import Run

_COLOURS = (GRAY, ORANGE, BLUE, GREEN, PURPLE, RED)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One recipe, trained and measured.

    Args:
        name: what it is called in tables and figures.
        recipe: what was built and trained.
        run: the training.
        metric: the task's first metric.
        score: its value on the unseen images.
    """

    name: str
    recipe: Recipe
    run: Run
    metric: str
    score: float

    @property
    def validation(self) -> float:
        """The metric on the validation images, of the best epoch."""
        return self.run.metrics[self.metric]


class Part(Dataset):
    """A subset of a data set's images.

    Args:
        dataset: the whole.
        indices: of the part.
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset, self.task, self.labels = dataset, dataset.task, dataset.labels
        self.indices = [*indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[index]]

    @property
    def targets(self) -> Sequence[Any]:
        """Targets of the images of the part."""
        targets = self.dataset.targets
        return [targets[i] for i in self.indices]

    def name(self, index: int) -> str:
        """The name that the whole set gives it."""
        return self.dataset.name(self.indices[index])


def unseen(recipe: Recipe, seed: int) -> tuple[Part, tuple[int, int]]:
    """Images that are left to measure with, and the numbers to train on and to validate with.

    Where the data make their own splits, the test split; else that, and all that the options in the recipe's
    `data` leave out, `per_class` for one.
    """
    used = as_dataset(recipe.data)
    splits = split(used, seed)
    labelled = len(splits.train), len(splits.val)
    if any(used.split_of(i) for i in range(len(used))):
        return Part(used, splits.of("test")), labelled
    whole = as_dataset(parse_reference(recipe.data["name"])) if isinstance(recipe.data, dict) else used
    seen = {used.key(i) for i in splits.train + splits.val}
    return Part(whole, [i for i in range(len(whole)) if whole.key(i) not in seen]), labelled


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
        RecipeError: there is no head, or nothing to measure it by.
    """
    model = from_recipe(recipe.model_copy(update={"seed": seed}))
    run = fit(model, recipe.data, seed=seed, out=folder, progress=progress)
    figures = evaluate(model, rest, split="all").metrics
    metric = _metric(figures)
    return Phase(name=name, recipe=recipe, run=run, metric=metric, score=figures[metric])


def best(phases: Sequence[Phase]) -> Phase:
    """The phase that is best on the validation images, the first of equals; unseen images decide nothing."""
    return max(phases, key=lambda phase: phase.validation)


def _metric(figures: Mapping[str, float]) -> str:
    names = [name for name in figures if not name.startswith("loss")]
    if not names:
        raise RecipeError("recipe", expected="a task with a metric beside its loss", got="none")
    return names[0]


def curves(phases: Sequence[Phase], path: Path, title: str) -> Path:
    """Draws loss and metric over the epochs, all phases on the same axes; training is dotted."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(11, 4.2)
    for axis, name in zip(figure.subplots(1, 2), ("loss", phases[0].metric), strict=True):
        for phase, colour in zip(phases, _COLOURS, strict=False):
            epochs = [row["epoch"] for row in phase.run.history]
            for key, style, label in ((name, ":", None), (f"val_{name}", "-", phase.name)):
                values = [row.get(key, float("nan")) for row in phase.run.history]
                marker = "." if len(epochs) <= 2 else None
                axis.plot(epochs, values, style, color=colour, linewidth=2 if label else 1.2, label=label,
                          marker=marker)  # fmt: skip
        axis.set_title(f"{name}: validation, and training (dotted)", fontsize=10, loc="left")
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(axis="y", color=GRID, linewidth=0.8)
        open_frame(axis)
        axis.legend(frameon=False, fontsize=9)
    set_title(figure, title)
    return write_figure(figure, path)
