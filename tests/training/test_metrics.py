"""Figures that are asked for, in fit and in evaluate: by name, own ones, and what is left out."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
from sklearn import metrics as sk
from torchmetrics.classification import BinaryAUROC, BinaryRecall, BinarySpecificity

import zoo
from zoo.data.batches import Batches
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import split
from zoo.errors import OptionError, TrainingError
from zoo.interfaces import Metric, TargetCounts, TorchMetric
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.runtime.data_arguments import as_dataset
from zoo.testing import killed_after
from zoo.trainers import Score

from .test_resume import same_end

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SHORT: dict[str, Any] = {"epochs": 2, "batch_size": 6, "progress": False}


class Prevalence(Metric):
    """Share of images that are taken for the second class."""

    name, forms, higher_is_better = "prevalence", ("binary",), None

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        class Share(torchmetrics.MeanMetric):
            def update(self, scored: torch.Tensor, target: torch.Tensor) -> None:
                super().update((scored >= 0.5).float())

        return Share()

    def missing(self, seen: TargetCounts) -> str | None:
        return f"{seen.count} images are too few" if seen.count < self.least else None


def truth_and_answers(model: Model, data: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    dataset = as_dataset(data)
    indices = range(len(dataset)) if name == "all" else getattr(split(dataset, 0), name)
    (batch,) = Batches(dataset, indices, model.input_spec, batch_size=1000)
    with torch.no_grad():
        return batch["target"].numpy(), (model.eval()(batch["image"]) > 0).squeeze(1).int().numpy()


class Named(list[Any]):
    classes = ("no", "yes")


def one_sided(count: int = 24, others: int = 0) -> TorchData:
    """Images of the first of two classes; of the second there are too few for a validation split."""
    rng = np.random.default_rng(0)
    return TorchData(
        Named((rng.random((16, 16, 1), dtype=np.float32), int(i < others)) for i in range(count))
    )


# -- evaluate ----------------------------------------------------------------------------------------


def test_figures_by_name_are_beside_those_of_the_task(make_model: Make) -> None:
    model = make_model()
    asked = ["precision", {"name": "recall", "called": "sensitivity"}, BinarySpecificity(), Prevalence()]
    found = zoo.evaluate(model, FACES, split="all", metrics=asked)
    truth, answer = truth_and_answers(model, FACES, "all")
    assert found.metrics["precision"] == pytest.approx(sk.precision_score(truth, answer, zero_division=0))
    assert found.metrics["sensitivity"] == pytest.approx(sk.recall_score(truth, answer))
    assert found.metrics["binary_specificity"] == pytest.approx(sk.recall_score(truth, answer, pos_label=0))
    assert found.metrics["prevalence"] == pytest.approx(answer.mean())
    assert set(zoo.evaluate(model, FACES, split="all").metrics) < set(found.metrics)
    assert model.metrics["all"].keys() == {"loss", "accuracy", "f1", "auroc"}


def test_what_is_left_out_is_said_wherever_figures_are(make_model: Make, tmp_path: Path) -> None:
    found = zoo.evaluate(
        make_model(), one_sided(8), split="all", metrics=["recall", Prevalence(10)], out=tmp_path / "out"
    )
    reason = "no image is of class 1"
    reasons = {"auroc": reason, "f1": reason, "recall": reason, "prevalence": "8 images are too few"}
    assert found.left_out == reasons
    assert reasons.keys().isdisjoint(found.metrics)
    assert found.to_dict()["left_out"] == reasons
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["left_out"] == reasons
    assert "recall      left out: no image is of class 1" in str(found).splitlines()
    assert "left out: 8 images are too few" in found._repr_html_()


def test_generated_images_have_figures_of_their_own() -> None:
    with pytest.raises(OptionError, match="metrics of generated images: expected none, got mae"):
        zoo.evaluate(
            zoo.build("dcgan", seed=0), {"name": "digits", "per_class": 2}, split="all", metrics=["mae"]
        )


# -- fit ---------------------------------------------------------------------------------------------


def test_figures_by_name_are_measured_after_each_epoch_and_recorded(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, metrics=["precision", "recall"], out=tmp_path / "run", **SHORT)
    for row in run.history:
        assert {"val_precision", "val_recall"} < set(row)
    truth, answer = truth_and_answers(run.model, FACES, "val")
    assert run.metrics["recall"] == pytest.approx(sk.recall_score(truth, answer))
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["trainer"]["metrics"]
    assert [item["name"] for item in recorded] == ["core:precision", "core:recall"]
    loaded = zoo.load(tmp_path / "run")
    assert loaded.metrics["val"]["recall"] == run.metrics["recall"]
    again = zoo.fit(loaded, out=tmp_path / "again", progress=False)  # as the recipe says
    assert "val_recall" in again.history[0]


def test_a_run_can_be_watched_by_a_figure_that_was_asked_for(make_model: Make, tmp_path: Path) -> None:
    given = {"metrics": ["recall", "calibration-error"], "out": tmp_path / "run"}
    run = zoo.fit(make_model(), FACES, monitor="val_calibration_error", **given, **SHORT)
    values = [row["val_calibration_error"] for row in run.history]
    assert run.best_epoch == 1 + values.index(min(values))


def test_asking_for_figures_changes_no_weight(make_model: Make, tmp_path: Path) -> None:
    one = zoo.fit(make_model(), FACES, metrics=["recall", Prevalence()], out=tmp_path / "one", **SHORT)
    two = zoo.fit(make_model(), FACES, out=tmp_path / "two", **SHORT)
    for a, b in zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_recipe_asks_for_figures(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        'data = {name = "faces", per_class = 12}\n'
        '[model]\nname = "tiny_resnet"\nhead = "binary"\nin_channels = 1\ninput_size = 16\n'
        '[trainer]\nname = "supervised"\nepochs = 1\nbatch_size = 6\n'
        'metrics = ["recall", {name = "precision", called = "hits"}]\n'
    )
    recipe = zoo.Recipe.from_file(tmp_path / "r.toml")
    run = zoo.fit(recipe, out=tmp_path / "run", progress=False)
    assert {"val_recall", "val_hits"} < set(run.history[0])


def test_what_the_validation_images_leave_undefined_is_said_once(make_model: Make, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = zoo.fit(
            make_model(), one_sided(others=2), metrics=["mcc"], out=tmp_path / "run", **{**SHORT, "epochs": 3}
        )
    said = [str(item.message) for item in caught if "left out" in str(item.message)]
    assert said == [
        "left out of the figures: val_auroc, val_f1: no image is of class 1",
        "left out of the figures: val_mcc: all images are of one class",
    ]
    for row in run.history:
        assert {"val_f1", "val_auroc", "val_mcc"}.isdisjoint(row)
        assert "val_accuracy" in row


def test_every_trainer_that_scores_says_so_without_a_word_of_its_own(tmp_path: Path) -> None:
    model = zoo.build("autoencoder", in_channels=1, input_size=16, seed=0)
    with pytest.warns(zoo.ZooWarning, match=r"left out of the figures: val_far: too few images"):
        zoo.fit(
            model, {"name": "digits", "per_class": 12}, metrics=[Far()], epochs=1, batch_size=8,
            out=tmp_path / "run", progress=False,
        )  # fmt: skip


class Far(Metric):
    """A figure that is never defined."""

    name, forms, higher_is_better = "far", ("images",), False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        return torchmetrics.MeanSquaredError()

    def missing(self, seen: TargetCounts) -> str | None:
        return "too few images"


def test_a_run_cannot_be_watched_by_what_is_left_out(make_model: Make, tmp_path: Path) -> None:
    said = (
        "trainer Supervised: monitor: expected a figure that is defined, got 'val_auroc', left out: "
        'no image is of class 1; monitor="val_loss", or other validation images'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zoo.ZooWarning)
        with pytest.raises(TrainingError) as error:
            zoo.fit(make_model(), one_sided(others=2), monitor="val_auroc", out=tmp_path / "run", **SHORT)
    assert str(error.value) == said


def test_unknown_ones_and_those_for_other_tasks_are_said_before_any_work(
    make_model: Make, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"out": tmp_path / "run", **SHORT}
    with pytest.raises(zoo.ZooError, match="recal"):
        zoo.fit(make_model(), FACES, metrics=["recal"], **given)
    with pytest.raises(OptionError, match="metric mae: expected a task whose answers are values or images"):
        zoo.fit(make_model(), FACES, metrics=["mae"], **given)
    with pytest.raises(OptionError, match="expected each name once, got 'recall' twice"):
        zoo.fit(make_model(), FACES, metrics=["recall", {"name": "recall"}], **given)
    with pytest.raises(OptionError, match="bad metrics"):
        zoo.fit(make_model(), FACES, metrics=[3], **given)
    other = type("Other", (Prevalence,), {"name": "accuracy"})()
    with pytest.raises(
        OptionError, match="metric accuracy: expected a name of its own, got that of a figure"
    ):
        zoo.fit(make_model(), FACES, metrics=[other], **given)
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").iterdir())


# -- resume ------------------------------------------------------------------------------------------

RESUMED: dict[str, Any] = {"epochs": 3, "batch_size": 6, "checkpoint_every": 0, "progress": False}


@pytest.mark.parametrize("at", [2, 5])
def test_a_resumed_run_with_figures_ends_as_an_unbroken_one(
    make_model: Make, tmp_path: Path, at: int
) -> None:
    given = {"metrics": ["recall", "average-precision"], "monitor": "val_recall", **RESUMED}
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", **given)
    with killed_after(at):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", **given)
    same_end(whole, zoo.fit(resume=tmp_path / "cut", progress=False))


OWN: dict[str, Any] = {"metrics": ["recall", Prevalence(), BinaryRecall()], **RESUMED}


@pytest.mark.parametrize("again", [[BinaryRecall(), Prevalence()], ["recall", Prevalence(), BinaryRecall()]])
def test_a_run_with_metric_objects_is_resumed_by_giving_them_again(
    make_model: Make, tmp_path: Path, again: list[Any]
) -> None:
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", **OWN)
    with killed_after(5):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", **OWN)
    assert json.loads((tmp_path / "cut" / "run.json").read_text())["objects"] == ["metrics"]
    resumed = zoo.fit(resume=tmp_path / "cut", metrics=again, progress=False)
    same_end(whole, resumed)
    assert [*resumed.history[-1]] == [*whole.history[-1]]


def test_a_run_with_the_name_of_version_0_1_goes_on_with_it(make_model: Make, tmp_path: Path) -> None:
    old = "binary_a_u_r_o_c"
    given = {"monitor": f"val_{old}", **RESUMED}
    began = TorchMetric(BinaryAUROC(), called=old)
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", metrics=[began], **given)
    with killed_after(5):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", metrics=[began], **given)
    other = [TorchMetric(BinaryAUROC(), called="another")]
    with pytest.raises(TrainingError, match=f"begun with \\({old}\\), which no file holds, got another"):
        zoo.fit(resume=tmp_path / "cut", metrics=other, progress=False)
    same_end(whole, zoo.fit(resume=tmp_path / "cut", metrics=[BinaryAUROC()], progress=False))


@pytest.mark.parametrize(
    ("kind", "name"),
    [("BinaryAUROC", "binary_auroc"), ("MulticlassF1Score", "multiclass_f1_score"), ("ROC", "roc"),
     ("BinaryFBetaScore", "binary_f_beta_score"), ("CLIPScore", "clip_score"), ("Own_Name", "own_name")],
)  # fmt: skip
def test_capitals_in_a_row_are_one_word_of_a_figures_name(kind: str, name: str) -> None:
    assert TorchMetric(type(kind, (BinaryRecall,), {})()).name == name


def test_metric_objects_that_are_missing_at_resuming_are_named(make_model: Make, tmp_path: Path) -> None:
    with killed_after(5):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", **OWN)
    said = (
        f"resume {tmp_path / 'cut'}: expected the metric objects that it was begun with (prevalence, "
        "binary_recall), which no file holds, got {}; zoo.fit(resume=..., metrics=[...])"
    )
    for given, got in (({}, "none"), ({"metrics": [Prevalence()]}, "prevalence"),
                       ({"metrics": ["mcc"]}, "mcc"), ({"metrics": []}, "nothing")):  # fmt: skip
        with pytest.raises(TrainingError) as error:
            zoo.fit(resume=tmp_path / "cut", progress=False, **given)
        assert str(error.value) == said.format(got)
    with pytest.raises(OptionError, match="expected nothing that the run was begun with, got trainer"):
        zoo.fit(resume=tmp_path / "cut", trainer="supervised", metrics=OWN["metrics"], progress=False)


def test_a_run_without_metric_objects_knows_its_metrics(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, metrics=["recall"], out=tmp_path / "run", **SHORT)
    with pytest.raises(OptionError, match="expected nothing that the run was begun with, got metrics"):
        zoo.fit(resume=run.folder, epochs=4, metrics=["recall"], progress=False)


def test_a_run_with_metric_objects_goes_on_for_longer(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, out=tmp_path / "run", **OWN)
    longer = zoo.fit(resume=run.folder, epochs=4, metrics=OWN["metrics"], progress=False)
    assert len(longer.history) == 4
    assert "val_prevalence" in longer.history[-1]


def test_a_training_without_them_looks_at_no_target_in_its_steps(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Targets are looked at where validation ends, once an epoch."""
    looks = []
    add = TargetCounts.add
    monkeypatch.setattr(
        TargetCounts, "add", lambda self, target: (looks.append(len(target)), add(self, target))
    )
    zoo.fit(make_model(), FACES, out=tmp_path / "run", **SHORT)
    assert len(looks) == SHORT["epochs"]
    assert Score.add  # which is the way there


def test_what_is_named_beside_a_metric_object_is_recorded(make_model, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, metrics=["precision", BinaryRecall()], lr=0.05, optimizer="sgd",
                  epochs=1, out=tmp_path / "run", progress=False)  # fmt: skip
    trainer = zoo.load(run.folder).recipe.trainer
    assert (trainer["lr"], trainer["optimizer"]["name"]) == (0.05, "sgd")
    assert [metric["name"] for metric in trainer["metrics"]] == ["core:precision"]


@pytest.mark.parametrize("broken", ["measure", "update", "compute", "none", "inf"])
def test_a_broken_metric_is_named(make_model, broken: str) -> None:
    class Sum(torchmetrics.SumMetric):
        def update(self, preds, target):
            if broken == "update":
                raise KeyError("q")
            super().update(preds)

        def compute(self):
            if broken == "compute":
                raise ValueError("nothing")
            return super().compute() * (math.inf if broken == "inf" else 1)

    class Broken(Metric):
        name, forms = "broken", ("binary",)

        def measure(self, task, outputs):
            if broken == "measure":
                raise RuntimeError("boom")
            return None if broken == "none" else Sum()

    if broken == "inf":
        assert "broken" in zoo.evaluate(make_model(), FACES, metrics=[Broken()]).left_out
        return
    with pytest.raises(OptionError, match="metric broken: expected"):
        zoo.evaluate(make_model(), FACES, metrics=[Broken()])
