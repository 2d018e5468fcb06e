"""Values, levels and several labels from the command line, beside constant answers and linear models.

Three sets are made of the embedded images, each a folder of PNG files with a `labels.csv`:

* **tilt** (`head="regression"`): the drawn letters of `glyphs`, each turned by an angle drawn uniformly
  from -45 to 45 degrees, which is the target. Splits are those of `glyphs`, by typeface.
* **blur** (`head="ordinal"`): the crops of `photos` in gray at 48 x 48, each blurred by a Gaussian of
  one of five radii, whose number is the target. Splits are those of `photos`, by photograph.
* **pair** (`head="multilabel"`): two handwritten `digits` at places drawn at random in 16 x 32 pixels;
  the labels are which digits there are. Splits divide the digits first, so that no handwriting is in
  two of them.

`zoo fit`, `zoo evaluate` and `zoo predict` run as commands. On the same test images stand the best
constant answer of the training images and scikit-learn's ridge or logistic regression on pixels, whose
strength is chosen on the validation images. Compared are mean absolute errors (degrees, levels), and
for several labels one less the mean Jaccard index of an image's labels; the interval is a bootstrap of
10,000 draws over the test images, for blur over the crops, all levels of one together.

Exits with status 1 unless each model is better than both, with a 95 % interval of the paired difference
without zero.

Run it with `python benchmarks/targets.py` (a few minutes on two cores).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo.runtime.data_arguments import as_dataset

Vector = npt.NDArray[np.float64]
Gray = npt.NDArray[np.uint8]

STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
DRAWS = 10_000
ANGLE = 45.0
RADII = (0.0, 0.6, 1.2, 2.4, 4.8)
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Row:
    """An image, its target as a table has it, its split, and what it is drawn with in a bootstrap."""

    image: Gray
    target: str
    split: str
    unit: str


@dataclass(frozen=True)
class Task:
    """A set, and how it is learnt and compared.

    Args:
        rows: makes the images.
        command: options of `zoo fit` behind the data.
        truth: of a cell of the table.
        answer: of what `zoo predict` says of an image.
        error: of answers and truths, an image each.
        constant: the best constant answer of the training images.
        linear: a model on pixels for a strength of regularisation.
        unit: of the error.
    """

    rows: Callable[[], list[Row]]
    command: tuple[str, ...]
    truth: Callable[[str], Any]
    answer: Callable[[dict[str, Any]], Any]
    error: Callable[[Vector, Vector], Vector]
    constant: Callable[[Vector], Any]
    linear: Callable[[float], Any]
    unit: str


# -- sets ----------------------------------------------------------------------------------------------


def tilted() -> list[Row]:
    """Letters turned by a known angle."""
    data, rng, rows = as_dataset({"name": "glyphs", "per_class": 66}), np.random.default_rng(0), []
    for i in range(len(data)):
        angle = round(float(rng.uniform(-ANGLE, ANGLE)), 2)
        letter = Image.fromarray(np.asarray(data[i].image)[..., 0])
        image = np.asarray(letter.rotate(angle, Image.Resampling.BICUBIC))
        rows.append(Row(image, str(angle), data.split_of(i) or "", str(i)))
    return rows


def blurred() -> list[Row]:
    """Crops of photographs, blurred by one of five radii."""
    data, rows = as_dataset("photos"), []
    for i in range(len(data)):
        crop = Image.fromarray(np.asarray(data[i].image).squeeze()).convert("L").resize((48, 48))
        for level, radius in enumerate(RADII):
            image = np.asarray(crop.filter(ImageFilter.GaussianBlur(radius)))
            rows.append(Row(image, str(level), data.split_of(i) or "", str(i)))
    return rows


def paired() -> list[Row]:
    """Two digits in an image; of the digits six tenths are trained on, two each validated and tested with."""
    data, rng, rows = as_dataset("digits"), np.random.default_rng(0), []
    order = rng.permutation(len(data))
    ends = np.cumsum([round(0.6 * len(data)), round(0.2 * len(data))])
    for split, digits, count in zip(SPLITS, np.split(order, ends), (3000, 500, 1000), strict=True):
        for _ in range(count):
            image, names = np.zeros((16, 32), np.uint8), set()
            for half, i in enumerate(rng.choice(digits, 2, replace=False)):
                top, left = rng.integers(0, 9), 16 * half + rng.integers(0, 9)
                image[top : top + 8, left : left + 8] = np.asarray(data[int(i)].image)[..., 0]
                names.add(data.labels[data.targets[int(i)]])
            rows.append(Row(image, "|".join(sorted(names)), split, str(len(rows))))
    return rows


# -- figures -------------------------------------------------------------------------------------------


def absolute(answers: Vector, truths: Vector) -> Vector:
    """Absolute errors."""
    return np.abs(answers - truths)


def unlike(answers: Vector, truths: Vector) -> Vector:
    """One less the Jaccard index of each row of labels; every image has a label."""
    both, either = (answers * truths).sum(1), np.maximum(answers, truths).sum(1)
    return 1 - both / either


def labels(names: Sequence[str]) -> list[float]:
    """A row of ten, one for each digit."""
    return [float(str(digit) in names) for digit in range(10)]


def best_labels(truths: Vector) -> list[float]:
    """The set of labels with the least mean error on the training images, of all 1,024."""
    sets = (np.arange(1024)[:, None] >> np.arange(10) & 1).astype(float)
    errors = [unlike(np.broadcast_to(row, truths.shape), truths).mean() for row in sets]
    return [*sets[int(np.argmin(errors))]]


def said(answer: dict[str, Any]) -> list[float]:
    """The labels that a model gives an image: those of a probability over a half."""
    return labels([label for label, score in answer["scores"].items() if score > 0.5])


def interval(gain: Vector, units: Sequence[str]) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean, all images of a unit drawn together."""
    numbers = np.unique(units, return_inverse=True)[1]
    sums, counts = np.bincount(numbers, gain), np.bincount(numbers)
    drawn = np.random.default_rng(0).integers(0, len(sums), (DRAWS, len(sums)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    return float(low), float(high)


def logistic(strength: float) -> Any:
    """Logistic regression."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))


TASKS = {
    "tilt": Task(
        rows=tilted,
        command=(
            *("--head", "regression", "--in-channels", "1", "--input-size", "32"),
            *("--epochs", "20", "--lr", "2e-3"),
        ),
        truth=float,
        answer=lambda answer: next(iter(answer["scores"].values())),
        error=absolute,
        constant=lambda truths: float(np.median(truths)),
        linear=lambda strength: make_pipeline(StandardScaler(), Ridge(alpha=1 / strength)),
        unit="degrees",
    ),
    "blur": Task(
        rows=blurred,
        command=(
            *("--head", "ordinal", "--in-channels", "1", "--input-size", "48"),
            *("--epochs", "20", "--lr", "2e-3"),
        ),
        truth=float,
        answer=lambda answer: float(answer["label"]),
        error=absolute,
        constant=lambda truths: float(np.median(truths)),
        linear=logistic,
        unit="levels",
    ),
    "pair": Task(
        rows=paired,
        command=(
            *("--head", "multilabel", "--in-channels", "1", "--input-size", "16x32"),
            *("--epochs", "20", "--lr", "2e-3"),
        ),
        truth=lambda cell: labels(cell.split("|")),
        answer=said,
        error=unlike,
        constant=best_labels,
        linear=lambda strength: OneVsRestClassifier(logistic(strength)),
        unit="1 - Jaccard",
    ),
}


# -- the run -------------------------------------------------------------------------------------------


def written(rows: Sequence[Row], folder: Path) -> Path:
    """A folder of images, those to test on apart, with the table; returns the table."""
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "target", "split"])
        for i, row in enumerate(rows):
            name = f"{row.split}/{i:05d}.png"
            (folder / row.split).mkdir(exist_ok=True)
            Image.fromarray(row.image).save(folder / name)
            table.writerow([name, row.target, row.split])
    return folder / "labels.csv"


def zoo(*words: str, cwd: Path) -> Any:
    """What a command prints as JSON."""
    code = "from zoo.cli import main; main()"
    command = [sys.executable, "-c", code, *words, "--json"]
    done = subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def linear(task: Task, rows: Sequence[Row], truths: Vector) -> tuple[Vector, float]:
    """Answers on the test images, and the strength that was best on the validation images."""
    pixels = np.stack([row.image.ravel() for row in rows]).astype(np.float64) / 255
    of = {split: np.array([row.split == split for row in rows]) for split in SPLITS}
    varies = pixels[of["train"]].std(0) > 0
    pixels, found = pixels[:, varies], []
    for strength in STRENGTHS:
        model = task.linear(strength).fit(pixels[of["train"]], truths[of["train"]])
        error = task.error(model.predict(pixels[of["val"]]), truths[of["val"]]).mean()
        found.append((error, strength, model))
    _, strength, model = min(found, key=lambda one: one[0])
    return model.predict(pixels[of["test"]]), strength


def compared(name: str, task: Task, folder: Path, *, split: str) -> bool:
    """Trains, asks and prints; returns whether the model is better than both."""
    started, rows = time.perf_counter(), task.rows()
    table = written(rows, folder)
    zoo("fit", "--model", "small_cnn", *task.command, "--data", str(table), "--out", "run", cwd=folder)
    told = zoo("evaluate", "run", str(table), "--split", split, cwd=folder)
    answers = zoo("predict", "run", str(folder / split), cwd=folder)
    by_file = {Path(answer["source"]).name: task.answer(answer) for answer in answers}
    truths = np.array([task.truth(row.target) for row in rows])
    chosen = [i for i, row in enumerate(rows) if row.split == split]
    own = np.array([by_file[f"{i:05d}.png"] for i in chosen])
    if split == "test":
        other, strength = linear(task, rows, truths)
    trained = truths[[row.split == "train" for row in rows]]
    constant = np.broadcast_to(task.constant(trained), own.shape)
    errors = task.error(own, truths[chosen])
    counts = ", ".join(f"{sum(row.split == s for row in rows)} {s}" for s in SPLITS)
    print(f"{name}: {counts} images; {task.unit} on {split}")
    figures = {figure: round(value, 4) for figure, value in told.items() if isinstance(value, float)}
    print(f"  {'zoo':24} {errors.mean():8.3f}   zoo evaluate: {json.dumps(figures)}")
    beside = {"constant": constant} | ({f"linear, strength {strength:g}": other} if split == "test" else {})
    better = True
    for title, answer in beside.items():
        error = task.error(answer, truths[chosen])
        low, high = interval(error - errors, [rows[i].unit for i in chosen])
        better &= low > 0
        print(f"  {title:24} {error.mean():8.3f}   better by {low:.3f} to {high:.3f}")
    print(f"  {time.perf_counter() - started:.0f} s")
    return better


def main() -> int:
    """All three; 1 where one is not better."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=[*TASKS], help="one of the sets")
    parser.add_argument(
        "--split", choices=("val", "test"), default="test", help="val while options are chosen"
    )
    given = parser.parse_args()
    fine = True
    for name in [given.only] if given.only else TASKS:
        with tempfile.TemporaryDirectory() as folder:
            fine &= compared(name, TASKS[name], Path(folder).resolve(), split=given.split)
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
