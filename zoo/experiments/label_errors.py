"""Label errors of data, by the answers of a run, or of all folds, to images that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.as_trained import as_trained
from zoo.data.splits import split
from zoo.experiments.fold_record import holds_folds
from zoo.inference.measuring.probabilities import class_probabilities
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.metrics.label_errors import ConfidentJoint, confident_joint
from zoo.runtime.arguments import SPLITS_FILE, as_model, pick_seed
from zoo.runtime.data_arguments import as_dataset, classes_of
from zoo.runtime.data_checks import for_model
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import SPLITS
from zoo.spec.disk.schema import misfit
from zoo.spec.display import Table, counted, more
from zoo.spec.errors import DataError, warn
from zoo.spec.files import FOLDS_FILE

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LabelError:
    """An image whose label is probably wrong.

    Args:
        index: of the image in the data.
        name: of it.
        given: its label.
        likely: the label that it probably has.
        confidence: probability of the given label.
        margin: that less the largest of the others; the less, the surer the error.
        trained_on: whether the model was trained on the image with this label.
    """

    index: int
    name: str
    given: str
    likely: str
    confidence: float
    margin: float
    trained_on: bool


@dataclass(frozen=True, slots=True, repr=False)
class LabelErrors:
    """Label errors of data, the surest first; `print` them.

    Args:
        errors: of the images that were asked about.
        labels: of the model.
        joint: counts by label and likely class, and the thresholds.
        asked: images that the model was asked about.
        trained_on: images that were trained on, and left out unless they were asked for.
        data: that the indices are of.
    """

    errors: tuple[LabelError, ...]
    labels: tuple[str, ...]
    joint: ConfidentJoint
    asked: int
    trained_on: int
    data: Dataset

    @property
    def headline(self) -> str:
        """Number of errors, and of which images, in words."""
        of = f"{counted(len(self.errors), 'label')} of {counted(self.asked, 'image')} probably wrong"
        left = self.trained_on if not any(error.trained_on for error in self.errors) else 0
        return f"{of}, {left} more were trained on and left out" if left else of

    def table(self) -> Table:
        """The surest errors."""
        rows = [
            [
                e.name,
                e.given,
                e.likely,
                f"{e.confidence:.1%}",
                f"{e.margin:+.3f}",
                "yes" if e.trained_on else "",
            ]
            for e in self.errors[:_SHOWN]
        ]
        header = ["IMAGE", "LABEL", "PROBABLY", "P(LABEL)", "MARGIN", "TRAINED ON"]
        used = 6 if any(row[5] for row in rows) else 5
        rest = more(len(self.errors), _SHOWN, "(--json lists all)")
        return Table(header[:used], [row[:used] for row in rows], right=(3, 4), below=rest)

    def __repr__(self) -> str:
        return f"{self.headline}\n\n{self.table().text()}" if self.errors else self.headline

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        names = ("name", "given", "likely", "confidence", "margin", "trained_on")
        return {
            "labels": list(self.labels),
            "joint": [list(row) for row in self.joint.counts],
            "thresholds": [None if np.isnan(value) else value for value in self.joint.thresholds],
            "asked": self.asked,
            "trained_on": self.trained_on,
            "errors": [{name: getattr(error, name) for name in names} for error in self.errors],
        }


def label_errors(
    place: str, data: Any, *, trained: bool = False, skip_unreadable: bool = False, progress: bool = True
) -> LabelErrors:
    """Finds labels that are probably wrong, by confident learning; see `zoo.metrics.label_errors`.

    A run answers to its validation and test images; of folds each run answers to the images that it left
    out, so that all have an answer of a model that never saw them.

    Args:
        place: folder of a run, of folds, or of a saved model.
        data: as the model was trained on them.
        trained: ask about images that were trained on too; there a model may have learnt the error itself.
        skip_unreadable: leave out images that cannot be read.
        progress: whether to show a bar where it takes longer.

    Raises:
        DataError: the data do not fit the model, or all images were trained on.
        OptionError: the model gives no class.
    """
    folders = _folds(Path(place)) if holds_folds(place) else [place]
    answered: dict[int, tuple[np.ndarray[Any, Any], bool]] = {}
    dataset: Dataset | None = None
    model: Model | None = None
    seen: set[int] = set()
    for folder in folders:
        model, found = as_model(folder)
        if dataset is None:
            section = as_trained(data, model.recipe.data, "data")
            read = as_dataset(
                section,
                **reading_of(model),
                skip_unreadable=skip_unreadable,
                values=model.input_spec.reading,
            )
            dataset = for_model(model, read, "data")
        sides = _sides(model, found, dataset, several=len(folders) > 1)
        seen |= sides[1]
        mine = [i for i in range(len(dataset)) if i in sides[0] or (trained and i in sides[1])]
        table = class_probabilities(model, dataset, mine, progress=progress)
        for i, row in zip(mine, table, strict=True):
            if i not in answered or answered[i][1]:
                answered[i] = row, i in sides[1]
    assert dataset is not None  # noqa: S101 - there is one folder or more
    assert model is not None  # noqa: S101
    if not answered:
        hint = "give a run that left some out, or folds; --trained asks about all"
        raise DataError("label errors", expected="images that were not trained on", got="none", hint=hint)
    return _result(model, dataset, answered, seen)


def _result(
    model: Model, dataset: Dataset, answered: dict[int, tuple[np.ndarray[Any, Any], bool]], seen: set[int]
) -> LabelErrors:
    indices = sorted(answered)
    given, table = [dataset.targets[i] for i in indices], np.stack([answered[i][0] for i in indices])
    joint = confident_joint(given, table)
    _warn_of_guessing(joint, given, table.argmax(axis=1).tolist())
    labels = tuple(model.labels or dataset.labels) or tuple(map(str, range(len(joint.counts))))
    errors = tuple(
        LabelError(
            i := indices[s.index], dataset.name(i), labels[s.given], labels[s.likely], s.confidence, s.margin,
            answered[i][1],
        )
        for s in joint.suspects
    )  # fmt: skip
    return LabelErrors(errors, labels, joint, len(indices), len(seen - {*indices}), dataset)


def reading_of(model: Model) -> dict[str, Any]:
    """Reading of targets by a model, as arguments of `zoo.runtime.data_arguments.as_dataset`."""
    return {"task": model.task, "classes": classes_of(model), "part": bool(model.labels)}


def asked_model(place: str) -> Model:
    """The model of a run, or of the first of folds: all of them read data alike."""
    folder = _folds(Path(place))[0] if holds_folds(place) else place
    return as_model(folder)[0]


def _warn_of_guessing(joint: ConfidentJoint, given: Sequence[int], likely: Sequence[int]) -> None:
    """Warns where a model finds no more of each class than one answer for all images does."""
    classes = sorted({*given})
    shares = [
        np.mean([found == label for own, found in zip(given, likely, strict=True) if own == label])
        for label in classes
    ]
    constant = 1 / max(len(classes), 1)
    if joint.suspects and len(classes) > 1 and np.mean(shares) <= constant:
        found = f"finds {np.mean(shares):.1%} of a class on average, one answer for all {constant:.1%}"
        warn(
            f"label errors: the model {found}: what it calls wrong says nothing; ask one that has learnt more"
        )


def _folds(home: Path) -> Sequence[str]:
    facts = read_json(home / FOLDS_FILE)
    done = facts.get("results", []) if isinstance(facts, dict) else []
    if not done:
        got, hint = "none that is done", "let them come to their end: zoo fit --resume"
        raise DataError(f"folds in {home}", expected="folds", got=got, hint=hint)
    return [str(home / f"fold-{number}") for number in range(1, len(done) + 1)]


def _sides(
    model: Model, folder: Path | None, dataset: Dataset, *, several: bool
) -> tuple[set[int], set[int]]:
    """Images that a run did not train on, of folds those that it left out; and those that it did."""
    keys = [dataset.key(i) for i in range(len(dataset))]
    record = _record(folder) if folder is not None else None
    if record is not None:
        trained = {item["key"] for item in record["train"]}
        left = {item["key"] for item in record.get("test", ())}
        seen = {i for i, key in enumerate(keys) if key in trained}
        if several:
            return {i for i, key in enumerate(keys) if key in left}, seen
        # Of images that came later nothing was learnt either
        return {*range(len(keys))} - seen, seen
    splits = split(dataset, pick_seed(None, model), training=False)
    if splits.hash != model.recipe.data_hash:
        hint = "give the folder of its run, and the data that it was trained on"
        got = "a model whose splits are not known"
        raise DataError("label errors", expected=f"a run with {SPLITS_FILE}", got=got, hint=hint)
    return {*splits.val, *splits.test}, {*splits.train}


def _record(folder: Path) -> dict[str, Any] | None:
    try:
        record = read_json(folder / SPLITS_FILE)
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and not misfit(record, SPLITS, ("train", "val")) else None
