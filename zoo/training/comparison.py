"""A recipe with published weights beside the same network from scratch, on pictures that neither saw."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.compose.build import from_recipe
from zoo.data.splits import split
from zoo.interfaces.dataset import Dataset, Sample
from zoo.spec.errors import RecipeError
from zoo.spec.recipe import Recipe
from zoo.spec.reference import parse_reference
from zoo.training.common import as_dataset
from zoo.training.evaluate import evaluate
from zoo.training.fit import fit
from zoo.training.run import Run

TRANSFERRED, SCRATCH, TRAINED = "transferred", "from scratch", "trained"


@dataclass(kw_only=True)
class Arm:
    """One way to begin, over the seeds.

    Args:
        name: `transferred`, `from scratch`, or `trained` where there is nothing to compare.
        recipe: what is built and trained.
        runs: one a seed.
        scores: the task's first metric on the unseen pictures, one a seed.
        seconds: of training, over all seeds.
    """

    name: str
    recipe: Recipe
    runs: list[Run] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.scores)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds; 0 for one."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else 0.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` found.

    Args:
        arms: the transferred network first.
        metric: what the scores are.
        unseen: the pictures that the first seed's runs never saw.
        labelled: pictures that were trained on, and looked at after each epoch.
    """

    arms: tuple[Arm, ...]
    metric: str
    unseen: Unseen
    labelled: tuple[int, int]


class Unseen(Dataset):
    """Those pictures of a data set that are not among some others.

    Args:
        dataset: the whole.
        seen: keys of the others.
    """

    def __init__(self, dataset: Dataset, seen: set[str]) -> None:
        self.dataset, self.task, self.labels = dataset, dataset.task, dataset.labels
        self.indices = [i for i in range(len(dataset)) if dataset.key(i) not in seen]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[index]]

    @property
    def targets(self) -> Sequence[Any]:
        """Of the pictures left."""
        targets = self.dataset.targets
        return [targets[i] for i in self.indices]

    def name(self, index: int) -> str:
        """As the whole calls it."""
        return self.dataset.name(self.indices[index])


def unseen(recipe: Recipe, seed: int) -> tuple[Unseen, tuple[int, int]]:
    """What is left to measure with, and the numbers of pictures to train on and to validate with.

    Left are the test split and all that the options in the recipe's `data` leave out, `per_class` for one.
    """
    used = as_dataset(recipe.data)
    whole = as_dataset(parse_reference(recipe.data["name"])) if isinstance(recipe.data, dict) else used
    splits = split(used, seed)
    seen = {used.key(i) for i in splits.train + splits.val}
    return Unseen(whole, seen), (len(splits.train), len(splits.val))


def arms(recipe: Recipe) -> tuple[Arm, ...]:
    """The recipe, and the same without weights and without freezing; alone where it names no weights."""
    if recipe.model.weights is None:
        return (Arm(name=TRAINED, recipe=recipe),)
    model = recipe.model.model_copy(update={"weights": None, "freeze": "none"})
    scratch = recipe.model_copy(update={"model": model})
    return Arm(name=TRANSFERRED, recipe=recipe), Arm(name=SCRATCH, recipe=scratch)


def compare(
    recipe: Recipe, folder: Path, *, seeds: Sequence[int], on_run: Callable[[Arm, int], None] | None = None
) -> Comparison:
    """Trains and measures every arm with every seed; both arms have the same pictures, epochs and rates.

    Args:
        recipe: with data, and classes where its head needs them.
        folder: gets a run folder for each.
        seeds: of weights, splits and order.
        on_run: called after each.

    Raises:
        RecipeError: there is no head, or nothing to measure it by.
    """
    found = arms(recipe)
    first, labelled = unseen(recipe, seeds[0])
    metric = ""
    for seed in seeds:
        rest = first if seed == seeds[0] else unseen(recipe, seed)[0]
        for arm in found:
            started = time.perf_counter()
            model = from_recipe(arm.recipe.model_copy(update={"seed": seed}))
            name = f"{arm.name.replace(' ', '-')}-{seed}"
            arm.runs.append(fit(model, recipe.data, seed=seed, out=folder / name, progress=False))
            arm.seconds += time.perf_counter() - started
            figures = evaluate(model, rest, split="all")
            metric = metric or _metric(figures)
            arm.scores.append(figures[metric])
            if on_run is not None:
                on_run(arm, seed)
    return Comparison(arms=found, metric=metric, unseen=first, labelled=labelled)


def _metric(figures: dict[str, Any]) -> str:
    names = [k for k, v in figures.items() if isinstance(v, float) and not k.startswith("loss")]
    if not names:
        raise RecipeError("recipe", expected="a task with a metric beside its loss", got="none")
    return names[0]


def curves(comparison: Comparison, path: Path, title: str) -> Path:
    """Draws validation loss and metric over the epochs; thin lines are seeds, thick ones their mean."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from zoo.training.plots import write_figure

    names = ["val_loss", f"val_{comparison.metric}"]
    figure = Figure(figsize=(5 * len(names), 3.6), dpi=120, layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names)), names, strict=True):
        for arm, colour in zip(comparison.arms, ("#1f5fbf", "#c0571d"), strict=False):
            rows = [[row.get(name, float("nan")) for row in run.history] for run in arm.runs]
            epochs = range(1, min(map(len, rows)) + 1)
            for row in rows:
                axis.plot(epochs, row[: len(epochs)], color=colour, linewidth=0.8, alpha=0.35)
            mean = [statistics.fmean(values) for values in zip(*rows, strict=False)]
            marker = "." if len(epochs) <= 2 else None
            axis.plot(epochs, mean, color=colour, linewidth=2, label=arm.name, marker=marker)
        axis.set_title(name.replace("val_", "validation "), fontsize=10, loc="left")
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(axis="y", color="#e6e8eb", linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    return write_figure(figure, path)
