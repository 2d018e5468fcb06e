"""The demo's four phases over five seeds, beside classical features, on the test part of `materials`.

Each seed draws other labelled patches, other random weights and another order; validation and test patches
are always the same. Beside the phases stand three classical descriptions of a patch with logistic regression:
the histogram of its gray levels, local binary patterns (Ojala et al., 2002) and histograms of oriented
gradients (Dalal and Triggs, 2005); the strength of their regularisation is chosen on the validation patches.

The protocol (recipes, data, seeds, grids) lies in `transfer_protocol.json`, written with `--write-protocol`,
which measures nothing, and committed before the test part was looked at. The script refuses to run on
anything else.

Exits with status 1 unless ImageNet features are at least 15 points above training from scratch, with a 95 %
interval of the paired difference (Student's t over the seeds) without zero, and above the best classical
description. What fine-tuning comes to is printed, whatever it is.

Run it with `python benchmarks/transfer.py` (about ten minutes on two cores).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import stats
from skimage.feature import hog, local_binary_pattern
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo.data.splits import split
from zoo.experiments.phases import Part, run_phase
from zoo.interfaces.dataset import Dataset
from zoo.registry.lookup import recipe_series
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.recipe import Recipe
from zoo.training.recipe_data import with_data

PROTOCOL = Path(__file__).with_name("transfer_protocol.json")
SEEDS = (0, 1, 2, 3, 4)
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
BAR = 0.15
FEATURES, SCRATCH, TUNED = "imagenet features", "from scratch", "fine tuned"

Gray = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]


def gray_levels(patch: Gray) -> Vector:
    """Shares of 32 gray levels."""
    return np.histogram(patch, bins=32, range=(0, 256))[0] / patch.size


def binary_patterns(patch: Gray) -> Vector:
    """Shares of the uniform local binary patterns of 8, 16 and 24 neighbours at distances of 1, 2 and 3."""
    found = []
    for distance in (1, 2, 3):
        codes = local_binary_pattern(patch, 8 * distance, distance, "uniform")
        found.append(np.bincount(codes.astype(int).ravel(), minlength=8 * distance + 2) / patch.size)
    return np.concatenate(found)


def oriented_gradients(patch: Gray) -> Vector:
    """Nine orientations in 6 x 6 cells, normalised in blocks of 2 x 2."""
    cell = patch.shape[0] // 6
    return np.asarray(hog(patch, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)))


CLASSICAL: Mapping[str, Callable[[Gray], Vector]] = {
    "gray levels": gray_levels,
    "local binary patterns": binary_patterns,
    "oriented gradients": oriented_gradients,
}


def phases() -> dict[str, tuple[Path, Recipe]]:
    """The demo's recipes that are trained, by the name of their phase."""
    found = {}
    for file in recipe_series("demo"):
        recipe = Recipe.from_file(file)
        if recipe.trainer is not None:
            found[file.stem.removeprefix("demo-").lstrip("0123456789-").replace("-", " ")] = file, recipe
    return found


def drawn(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with the labelled patches and the random numbers of a seed."""
    assert isinstance(recipe.data, dict)
    return recipe.model_copy(update={"seed": seed, "data": {**recipe.data, "draw": seed}})


def protocol() -> dict[str, Any]:
    """What is going to be run, and on what; nothing is measured."""
    found = phases()
    _, first = next(iter(found.values()))
    return {
        "recipes": {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, (file, _) in found.items()},
        "splits": {str(seed): split(as_dataset(drawn(first, seed).data), seed).hash for seed in SEEDS},
        "epochs and rates": {
            name: {k: v for k, v in recipe.trainer.items() if k != "name"}
            for name, (_, recipe) in found.items()
            if isinstance(recipe.trainer, dict)
        },
        "strengths": list(STRENGTHS),
        "bar": BAR,
    }


def classical(dataset: Dataset, seed: int) -> dict[str, tuple[float, float]]:
    """Accuracy on validation and test patches of each classical description."""
    splits = split(dataset, seed)
    patches = [dataset[i].image[..., 0] for i in range(len(dataset))]
    targets = np.array(dataset.targets)
    scores = {}
    for name, describe in CLASSICAL.items():
        x = np.array([describe(patch) for patch in patches])
        train, val, test = (list(part) for part in (splits.train, splits.val, splits.test))
        fitted = [
            make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=5000)).fit(
                x[train], targets[train]
            )
            for c in STRENGTHS
        ]
        best = max(fitted, key=lambda model: model.score(x[val], targets[val]))
        scores[name] = best.score(x[val], targets[val]), best.score(x[test], targets[test])
    return scores


def difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the paired differences, and their 95 % interval by Student's t."""
    differences = np.subtract(a, b)
    mean = float(differences.mean())
    half = float(stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences))
    return mean, mean - half, mean + half


def measure(seeds: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """Accuracies on validation and test patches, one pair a seed."""
    scores: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        for seed in seeds:
            for name, (_, recipe) in phases().items():
                filled, dataset = with_data(drawn(recipe, seed))
                rest = Part(dataset, split(dataset, seed).test)
                folder = Path(place) / str(seed) / name.replace(" ", "-")
                phase = run_phase(name, filled, rest, folder, seed=seed, progress=False)
                scores.setdefault(name, []).append((phase.validation, phase.score))
                print(f"  seed {seed}, {name:<22} {phase.score:.3f}  {phase.run.seconds:6.1f} s", flush=True)
            for name, pair in classical(dataset, seed).items():
                scores.setdefault(name, []).append(pair)
                print(f"  seed {seed}, {name:<22} {pair[1]:.3f}", flush=True)
    return scores


def main() -> int:
    """Measures, prints, and says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write-protocol", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    now = protocol()
    if given.write_protocol:
        PROTOCOL.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        print(f"written: {PROTOCOL.name}")
        return 0
    if json.loads(PROTOCOL.read_text(encoding="utf-8")) != now:
        print(f"recipes or data are not those of {PROTOCOL.name}: nothing was measured", file=sys.stderr)
        return 2
    started = time.perf_counter()
    scores = measure(SEEDS)
    test = {name: [pair[1] for pair in pairs] for name, pairs in scores.items()}
    print(f"\naccuracy on the test patches, mean and standard deviation over {len(SEEDS)} seeds (validation)")
    for name, values in test.items():
        validation = statistics.fmean(pair[0] for pair in scores[name])
        print(
            f"  {name:<22} {statistics.fmean(values):.3f} +- {statistics.stdev(values):.3f}"
            f"  ({validation:.3f})"
        )
    rival = max(CLASSICAL, key=lambda name: statistics.fmean(test[name]))
    found = {}
    for a, b in ((FEATURES, SCRATCH), (FEATURES, rival), (TUNED, FEATURES), (TUNED, SCRATCH)):
        found[a, b] = difference(test[a], test[b])
        mean, low, high = found[a, b]
        print(f"  {a} - {b}: {100 * mean:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}")
    print(f"{time.perf_counter() - started:.0f} s on {torch.get_num_threads()} threads")
    mean, low, _ = found[FEATURES, SCRATCH]
    return int(mean < BAR or low <= 0 or found[FEATURES, rival][0] <= 0)


if __name__ == "__main__":
    sys.exit(main())
