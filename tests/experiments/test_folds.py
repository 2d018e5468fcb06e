"""`zoo.fit(folds=)`: a run for each fold, measured once on the images left out, in a folder that goes on."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.data.splits import split
from zoo.errors import DataError, OptionError, TrainingError
from zoo.experiments import folds as folds_module
from zoo.experiments.fold_figures import Fold, Folds
from zoo.runtime.data_arguments import as_dataset
from zoo.testing import killed_after
from zoo.weights.tensor_files import read

FACES = {"name": "faces", "per_class": 12}
HOW: dict[str, Any] = {"epochs": 1, "batch_size": 8, "progress": False}


def model(seed: int = 0) -> zoo.Model:
    return zoo.build("small_cnn", head="binary", in_channels=1, input_size=16, seed=seed)


def test_each_fold_is_a_run_measured_on_the_images_left_out(tmp_path: Path) -> None:
    given = model()
    before = {name: value.clone() for name, value in given.state_dict().items()}
    found = zoo.fit(given, FACES, folds=3, out=tmp_path / "f", **HOW)
    assert all(torch.equal(before[name], value) for name, value in given.state_dict().items())
    data = as_dataset(FACES)
    tested: list[str] = []
    for number, fold in enumerate(found.folds, 1):
        assert fold.folder == tmp_path / "f" / f"fold-{number}"
        expected = split(as_dataset({**FACES, "fold": f"{number}/3"}), 0)
        sides = json.loads((fold.folder / "splits.json").read_text())
        assert [item["key"] for item in sides["test"]] == [data.key(i) for i in expected.test]
        assert fold.images == {"train": len(expected.train), "val": len(expected.val), "test": 8}
        tested += [item["key"] for item in sides["test"]]
        # The run that is made by itself is the same, to the last bit
        alone = zoo.fit(model(), FACES, fold=f"{number}/3", out=tmp_path / f"alone{number}", **HOW)
        weights = read(fold.folder / "model.safetensors")
        assert all(torch.equal(weights[name], value) for name, value in alone.model.state_dict().items())
        figures = zoo.evaluate(alone.model, {**FACES, "fold": f"{number}/3"})
        assert fold.metrics == pytest.approx(figures.metrics)
        assert fold.validation == pytest.approx(alone.metrics)
        assert zoo.load(fold.folder).metrics["test"] == pytest.approx(figures.metrics)
        assert json.loads((fold.folder / "metrics.json").read_text())["on"]["looks"] == 1
    assert sorted(tested) == sorted(data.key(i) for i in range(24))
    values = [fold.metrics["accuracy"] for fold in found.folds]
    assert found.mean["accuracy"] == pytest.approx(np.mean(values))
    assert found.spread["accuracy"] == pytest.approx(np.std(values, ddof=1))
    record = json.loads((tmp_path / "f" / "folds.json").read_text())
    assert record["mean"] == pytest.approx(found.mean)
    assert (tmp_path / "f" / "folds.png").exists()
    assert not (tmp_path / "f" / "start").exists()
    mean = next(line for line in str(found).splitlines() if line.startswith("mean")).split()
    assert mean[1] == f"{statistics.fmean(fold.metrics['loss'] for fold in found.folds):.4f}"
    assert "data:image/png" in found._repr_html_()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> zoo.Folds:
    """Two folds that nothing has interrupted."""
    loss = torch.nn.BCEWithLogitsLoss()
    out = tmp_path_factory.mktemp("folds") / "whole"
    return zoo.fit(model(), FACES, folds=2, out=out, augment="flip", loss=loss, **{**HOW, "epochs": 2})


@pytest.mark.parametrize("checkpoints", [2, 7], ids=["in the first", "in the second"])
def test_killed_folds_go_on_and_nothing_is_done_twice(
    tmp_path: Path, whole: zoo.Folds, checkpoints: int
) -> None:
    loss, place = torch.nn.BCEWithLogitsLoss(), tmp_path / "f"
    how = {**HOW, "epochs": 2, "checkpoint_every": 0, "augment": "flip"}
    with killed_after(checkpoints):
        zoo.fit(model(), FACES, folds=2, out=place, loss=loss, **how)
    assert (place / "fold-2" / "run.json").exists() == (checkpoints == 7)
    first = place / "fold-1" / "model.safetensors"
    before = first.stat().st_mtime_ns if checkpoints == 7 else None
    with pytest.raises(TrainingError, match="expected the loss of the folds, which no file holds, got none"):
        zoo.fit(resume=place)
    with pytest.raises(OptionError, match="expected the 2 that they were begun with, got 3"):
        zoo.fit(resume=place, folds=3, loss=loss)
    with pytest.raises(OptionError, match="nothing that the folds were begun with, got epochs"):
        zoo.fit(resume=place, loss=loss, epochs=5)
    found = zoo.fit(resume=place, loss=loss, progress=False)
    assert [fold.metrics for fold in found.folds] == [fold.metrics for fold in whole.folds]
    assert before in (None, first.stat().st_mtime_ns)
    for number in (1, 2):
        ours, theirs = (read(f.folder / f"fold-{number}" / "model.safetensors") for f in (found, whole))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    with pytest.raises(TrainingError, match="expected unfinished folds, got finished ones"):
        zoo.fit(resume=place)


def test_what_was_trained_and_not_yet_measured_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OffError(Exception):
        """As if the machine went off."""

    def off(*args: Any, **named: Any) -> None:
        raise OffError

    with monkeypatch.context() as patched, pytest.raises(OffError):
        patched.setattr(folds_module, "evaluate", off)
        zoo.fit(model(), FACES, folds=2, out=tmp_path / "f", **HOW)
    fit, trained = folds_module.fit, []
    monkeypatch.setattr(folds_module, "fit", lambda *a, **n: (trained.append(n["out"].name), fit(*a, **n))[1])
    found = zoo.fit(resume=tmp_path / "f", progress=False)
    assert trained == ["fold-2"]
    assert [fold.number for fold in found.folds] == [1, 2]


class Scaled(torch.nn.Module):
    """A loss with a weight that is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(self.scale * output, target.float())


def test_a_loss_that_learns_begins_each_fold_anew(tmp_path: Path) -> None:
    loss = Scaled()
    found = zoo.fit(model(), FACES, folds=2, out=tmp_path / "f", loss=loss, **{**HOW, "lr": 0.05})
    assert loss.scale.item() == 1
    zoo.fit(model(), FACES, fold="2/2", out=tmp_path / "alone", loss=Scaled(), **{**HOW, "lr": 0.05})
    ours = read(found.folds[1].folder / "loss.safetensors")
    theirs = read(tmp_path / "alone" / "loss.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_what_no_fold_can_be_made_of_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="folds: expected 2 or more, such as 5, got 1"):
        zoo.fit(model(), FACES, folds=1)
    with pytest.raises(TrainingError, match=r"a model of zoo, or a recipe, got a Linear.*fold=\"1/5\""):
        zoo.fit(torch.nn.Linear(2, 2), FACES, folds=5, loss=torch.nn.CrossEntropyLoss())
    with pytest.raises(DataError, match="30 folds: expected at least 30 images or groups of them, got 24"):
        zoo.fit(model(), FACES, folds=30, out=tmp_path / "f")
    with pytest.raises(OptionError, match=r"all folds, or one, got folds=3 beside fold=1/3"):
        zoo.fit(model(), FACES, folds=3, fold="1/3", out=tmp_path / "f")
    with pytest.raises(zoo.ZooError):
        zoo.fit(model(), FACES, folds=2, out=tmp_path / "f", loss="nothing_like_it", progress=False)
    assert not (tmp_path / "f").exists()
    run = zoo.fit(model(), FACES, out=tmp_path / "run", **HOW)
    with pytest.raises(TrainingError, match="expected the folder of folds"):
        zoo.fit(resume=run.folder, folds=5)


def test_a_recipe_is_built_for_the_classes_of_the_data(tmp_path: Path) -> None:
    recipe = zoo.Recipe.from_dict(
        {
            "model": {"name": "mlp", "head": "multiclass"},
            "data": {"name": "digits", "per_class": 6},
            "seed": 3,
        }
    )
    found = zoo.fit(recipe, folds=2, out=tmp_path / "f", metrics=["mcc"], **HOW)
    assert {"accuracy", "mcc"} <= found.mean.keys()
    assert json.loads((tmp_path / "f" / "folds.json").read_text())["seed"] == 3


def test_what_folds_make_of_lists_of_splits_is_said_once(tmp_path: Path) -> None:
    names = {"train": range(6), "val": range(6, 8), "test": range(8, 9)}
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(9):
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(
                tmp_path / f"d/{label}/{i}.png"
            )
    for name, numbers in names.items():
        lines = [f"{label}/{i}.png" for label in "ab" for i in numbers]
        (tmp_path / "d" / f"{name}.txt").write_text("\n".join(lines))
    small = zoo.build("small_cnn", head="binary", in_channels=1, input_size=8, seed=0)
    with pytest.warns(zoo.ZooWarning) as heard:
        found = zoo.fit(small, tmp_path / "d", folds=2, out=tmp_path / "f", workers=0, **HOW)
    assert [str(warning.message).partition("d: ")[2] or str(warning.message) for warning in heard] == [
        "splits are those of test.txt, train.txt, val.txt in it",
        "folds are drawn of all images that the data have for train and val, whichever of both; "
        "test images are in no fold",
    ]
    assert sum(fold.images["test"] for fold in found.folds) == 16


def test_folds_in_time_say_what_measured_them() -> None:
    folds = tuple(
        Fold(
            number=n,
            folder=Path("f"),
            metrics={},
            validation={},
            images={"train": 10 * n, "val": 2, "test": 10},
        )
        for n in (1, 2)
    )
    assert repr(Folds(folder=Path("f"), folds=folds, count=2)).startswith("2 folds in time, each measured by")
