"""What a run says of itself, and what an epoch without its watched value is answered with."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, TrainingError, WeightsError
from zoo.training import undefined_figures
from zoo.training.run import Run
from zoo.training.running_means import RunningMeans
from zoo.training.undefined_figures import MeasuredFigures


def run(**more: Any) -> Run:
    given = {
        "folder": Path("runs/a"), "model": None, "history": ({"epoch": 1}, {"epoch": 2}), "best_epoch": 2,
        "metrics": {"accuracy": 0.5, "f1": 0.25}, "images": {"train": 3}, "seconds": 1.0,
    }  # fmt: skip
    return Run(**{**given, **more})


def test_a_run_tells_its_best_epoch_where_there_is_one() -> None:
    assert "best epoch 2, validation: accuracy 0.5000  f1 0.2500" in repr(run())
    assert "best epoch: 2" in run()._repr_html_()
    assert '<td style="text-align:right">0.2500</td>' in run()._repr_html_()
    for none in (run(best_epoch=None), run(best_epoch=None, metrics={})):
        assert "best epoch" not in repr(none)
        assert "best epoch" not in none._repr_html_()
    assert "<table" not in run(metrics={})._repr_html_()
    many = run(metrics={f"m{i}": 0.5 for i in range(40)})
    assert "more" in repr(many)


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, "trained"), ({"interrupted": True}, "interrupted after"),
     ({"stopped_early": True}, "stopped early after")],
)  # fmt: skip
def test_how_a_run_ended_is_said_first(more: dict[str, bool], words: str) -> None:
    first = repr(run(**more)).splitlines()[0]
    assert words in first
    assert "2 epochs" in first
    assert "1 epochs" not in repr(run(**more, history=({"epoch": 1},))).splitlines()[0]


def test_the_seconds_of_a_resumed_run_are_said_of_its_own_epochs() -> None:
    rows = tuple({"epoch": float(i)} for i in range(1, 6))
    assert repr(run(history=rows, resumed_after=3)).startswith("trained 5 epochs, the last 2 in 1.0 s  (")
    assert repr(run(history=rows)).startswith("trained 5 epochs in 1.0 s  (")


def test_a_curve_beside_the_run_is_shown(tmp_path: Path) -> None:
    (tmp_path / "curves.png").write_bytes(b"png")
    assert "data:image/png" in run(folder=tmp_path)._repr_html_()
    assert "data:image/png" not in run()._repr_html_()


def test_a_watched_value_that_is_not_there_is_answered_with_those_that_are() -> None:
    figures = MeasuredFigures(SimpleNamespace(monitor="val_f1"))
    figures.check({"val_f1": 1.0})
    with pytest.raises(TrainingError, match=r"expected loss, val_loss, got 'val_f1'"):
        figures.check({"epoch": 1, "loss": 0.5, "val_loss": 0.5, "seconds": 1.0})
    figures.reasons["val_f1"] = "no image is of class 1"
    with pytest.raises(TrainingError, match="left out: no image is of class 1"):
        figures.check({"loss": 0.5})


def test_the_first_value_of_a_step_alone_has_to_be_a_number() -> None:
    means = RunningMeans(1, 3)
    means.add({"loss": torch.tensor(1.0), "part": torch.tensor(float("nan"))}, 2)
    means.add({"loss": torch.tensor(4.0), "part": torch.tensor(1.0)}, 1)
    found = means.values()
    assert found["loss"] == 2
    assert found["part"] != found["part"]


@pytest.mark.parametrize(("count", "end"), [(8, "m7 0.5000"), (9, "m7 0.5000  and 1 more")])
def test_eight_figures_are_told_and_the_others_counted(count: int, end: str) -> None:
    line = repr(run(metrics={f"m{i}": 0.5 for i in range(count)})).splitlines()[1]
    assert line.startswith("best epoch 2, validation: m0 0.5000  m1 0.5000")
    assert line.endswith(end)


def test_a_run_says_all_that_it_was_in_order() -> None:
    told = repr(run(seconds=2.34, images={"train": 3, "val": 1}, cache="block1 of 4", interrupted=True))
    assert told.splitlines() == [
        "interrupted after 2 epochs in 2.3 s  (train 3, val 1 images)",
        "best epoch 2, validation: accuracy 0.5000  f1 0.2500",
        "kept frozen outputs: block1 of 4",
        "go on: zoo fit --resume runs/a",
        "saved in runs/a",
    ]
    assert len(repr(run()).splitlines()) == 3


def test_each_figure_that_is_left_out_is_said_once_and_those_of_one_reason_together(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    train: dict[str, str] = {}
    val: dict[str, str] = {}
    told = itertools.cycle([train, val])
    monkeypatch.setattr(undefined_figures, "noting_left_out", lambda: nullcontext(next(told)))
    trainer: Any = SimpleNamespace(
        monitor="val_f1", collect=lambda: {"accuracy": 0.5}, evaluate=lambda batches: {"loss": len(batches)}
    )
    figures = MeasuredFigures(trainer)
    three: Any = ["batch"] * 3
    assert figures.figures(three) == {"accuracy": 0.5, "val_loss": 3}
    assert not recwarn
    train |= {"auc": "one class"}
    val |= {"auc": "one class", "r": "no spread", "f1": "none"}
    for _ in range(2):
        figures.figures(three)
    assert sorted(str(w.message) for w in recwarn) == [
        "left out of the figures: auc, val_auc: one class",
        "left out of the figures: val_r: no spread",
    ]
    with pytest.raises(TrainingError, match="'val_f1', left out: none"):
        figures.check({"loss": 1.0})
    val |= {"new": "one class"}
    figures.figures(three)
    assert len(recwarn) == 3
    assert str(recwarn[-1].message) == "left out of the figures: val_new: one class"


def test_a_model_that_was_given_in_training_mode_comes_back_in_inference_mode(
    make_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = make_model().train()
    run = zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, out=tmp_path / "run", progress=False)
    assert run.model is model
    assert not any(module.training for module in model.modules())


def test_a_loss_that_is_no_number_at_once_is_no_matter_of_the_learning_rate() -> None:
    bad, good = {"loss": torch.tensor(float("nan"))}, {"loss": torch.tensor(1.0)}
    with pytest.raises(TrainingError, match=r"step 1 of 3: expected .*; nothing was learnt yet"):
        RunningMeans(1, 3).add(bad, 1)
    later = RunningMeans(1, 3)
    later.add(good, 1)
    with pytest.raises(TrainingError, match=r"step 2 of 3: .*lower lr"):
        later.add(bad, 1)


def test_an_epoch_whose_answers_are_no_numbers_is_not_the_best_and_ends_no_run() -> None:
    trainer = SimpleNamespace(monitor="val_accuracy")
    measured = MeasuredFigures(trainer)  # type: ignore[arg-type]
    row = {"epoch": 1, "loss": 1.0}
    measured.reasons["val_accuracy"] = "3 of 3 answers are no numbers"
    measured.check(row)
    assert row["val_accuracy"] != row["val_accuracy"]


class Values(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Images with targets of which the fourth is `bad`."""

    def __init__(self, bad: Any, good: Any) -> None:
        self.bad, self.good = bad, good

    def __len__(self) -> int:
        return 12

    def __getitem__(self, i: int) -> Any:
        return torch.full((1, 8, 8), i / 12), self.bad if i == 3 else self.good


@pytest.mark.parametrize(
    ("head", "bad", "good"),
    [
        ("regression", float("nan"), 1.0),
        ("regression", float("-inf"), 1.0),
        ("multilabel", [0.0, float("nan")], [0.0, 1.0]),
    ],
)
def test_a_target_that_is_no_number_is_refused_before_work_and_its_image_is_named(
    head: str, bad: Any, good: Any, tmp_path: Path
) -> None:
    classes = 2 if head == "multilabel" else None
    model = zoo.build("mlp", hidden=[4], head=head, classes=classes, in_channels=1, input_size=8, seed=0)
    words = r"targets: expected numbers, got (nan|-inf) for Values\[3\]; mend the target, or leave"
    with pytest.raises(DataError, match=f"fit: {words}"):
        zoo.fit(model, Values(bad, good), epochs=1, out=tmp_path / "run")
    with pytest.raises(DataError, match=f"evaluate: {words}"):
        zoo.evaluate(model, Values(bad, good), split="all")
    assert not (tmp_path / "run").exists()


def test_weights_that_are_no_numbers_are_not_trained(
    make_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = make_model()
    model.head.last.bias.data.fill_(float("inf"))
    with pytest.raises(
        WeightsError, match=r"fit: weights: expected numbers, got .* in head\.last\.bias; the"
    ):
        zoo.fit(model, "faces", epochs=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
