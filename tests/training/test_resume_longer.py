"""A run that goes on for more epochs than it was begun with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo.builtin.supervised import Supervised
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.model import Model
from zoo.spec.errors import FormatError, OptionError, TrainingError, ZooWarning
from zoo.testing import killed_after
from zoo.training.record.run_folder import RunFolder
from zoo.training.run import Run

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SETTINGS: dict[str, Any] = {"batch_size": 6, "augment": "noise", "clip_norm": 1.0, "checkpoint_every": 0}
CHECKPOINT = "checkpoint.safetensors"


def rows(run: Run) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]


def same_end(one: Run, two: Run) -> None:
    a, b = one.model.state_dict(), two.model.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert rows(one) == rows(two)
    assert one.best_epoch == two.best_epoch
    assert one.model.origin == two.model.origin
    assert one.model.recipe == two.model.recipe


@pytest.mark.parametrize(
    "schedule",
    [
        "constant",
        {"name": "step", "every": 1, "by": 0.5, "warmup": 0.5},
        pytest.param({"name": "plateau", "patience": 0, "by": 0.5}, marks=pytest.mark.slow),
        pytest.param({"name": "exponential", "by": 0.7}, marks=pytest.mark.slow),
    ],
)
def test_a_finished_run_goes_on_as_if_it_had_been_longer_from_the_start(
    make_model: Make, tmp_path: Path, schedule: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {**SETTINGS, "schedule": schedule}
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", epochs=4, **options)
    short = zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=2, **options)
    assert all(line.startswith("epoch ") for line in capsys.readouterr().err.splitlines())
    longer = zoo.fit(resume=short.folder, epochs=4)
    assert capsys.readouterr().err.startswith("goes on after epoch 2 to epoch 4 at learning rate ")
    same_end(whole, longer)
    assert (whole.resumed_after, longer.resumed_after) == (0, 2)
    assert {p.name for p in short.folder.iterdir()} == {p.name for p in whole.folder.iterdir()}
    facts = json.loads((short.folder / "run.json").read_text())
    assert (facts["finished"], facts["epochs"], facts["recipe"]["trainer"]["epochs"]) == (True, 4, 4)
    assert facts["lengthened"] == [{"after": 2, "before": 2, "epochs": 4}]
    assert json.loads((short.folder / "config.json").read_text())["recipe"]["trainer"]["epochs"] == 4


@pytest.mark.filterwarnings("ignore:frozen blocks")
def test_it_may_be_lengthened_again_and_be_killed_on_the_way(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", epochs=5, **SETTINGS)
    run = tmp_path / "run"
    zoo.fit(make_model(freeze="block1"), FACES, out=run, epochs=1, **SETTINGS)
    frozen = zoo.fit(make_model(freeze="block1"), FACES, out=tmp_path / "frozen", epochs=3, **SETTINGS)
    with killed_after(2):
        zoo.fit(resume=run, epochs=3, checkpoint_every=0)
    assert not json.loads((run / "run.json").read_text())["finished"]
    same_end(frozen, zoo.fit(resume=run))
    with killed_after(4):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", epochs=2, **SETTINGS)
    zoo.fit(resume=tmp_path / "cut", epochs=3)  # of an unfinished one
    same_end(whole, zoo.fit(resume=tmp_path / "cut", epochs=5))


@pytest.mark.parametrize(("schedule", "rate"), [("cosine", "0.0005"), ("linear", "0.0005")])
def test_a_schedule_over_all_epochs_is_stretched_and_that_is_told(
    make_model: Make, tmp_path: Path, schedule: str, rate: str
) -> None:
    run = tmp_path / "run"
    zoo.fit(make_model(), FACES, out=run, epochs=2, schedule=schedule, **SETTINGS)
    said = f"goes on after epoch 2 to epoch 4 at learning rate {rate}: "
    said += f"the {schedule} schedule is stretched from 2 to 4 epochs"
    seen: list[float] = []
    step = Supervised.step

    def watched(self: Supervised, batch: Any) -> Any:
        seen.append(self.rates["backbone"])
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patched, pytest.warns(ZooWarning, match=said):
        patched.setattr(Supervised, "step", watched)
        zoo.fit(resume=run, epochs=4)
    per_epoch = len(seen) // 2
    expected = zoo.spec.trainers.schedule.read_schedule(schedule)
    assert seen == pytest.approx([1e-3 * expected.factor(2 + i / per_epoch, 4) for i in range(len(seen))])


def test_an_unfinished_run_is_not_stretched_from_wherever_it_was_killed(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(out: str) -> Run:
        return zoo.fit(make_model(), FACES, out=tmp_path / out, epochs=2, schedule="cosine", **SETTINGS)

    whole = fit("whole")
    with killed_after(4):
        fit("cut")
    with pytest.raises(TrainingError, match=r"expected a finished run, since its cosine schedule .* got one"
                       r" with 1 of 2 epochs behind; zoo fit --resume .* trains those 2, then"):  # fmt: skip
        zoo.fit(resume=tmp_path / "cut", epochs=4)
    same_end(whole, zoo.fit(resume=tmp_path / "cut", epochs=2))  # as many as it has


def test_a_run_that_stopped_early_waits_anew(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(out: str, **options: Any) -> Run:
        return zoo.fit(
            make_model(), FACES, out=tmp_path / out, lr=1e-9, monitor="val_accuracy", **SETTINGS, **options
        )

    run = fit("run", epochs=6, early_stopping=2)  # no better accuracy after the first
    assert (run.stopped_early, len(run.history)) == (True, 3)
    with killed_after(1):
        zoo.fit(resume=run.folder, epochs=8, checkpoint_every=10**6)
    longer = zoo.fit(resume=run.folder)  # nothing was written since, and still it knows
    assert (longer.stopped_early, len(longer.history), longer.best_epoch) == (True, 5, 1)
    assert rows(longer) == rows(fit("whole", epochs=5))
    # Where patience does not end before, it goes on counting.
    short = fit("short", epochs=2, early_stopping=2)
    assert not short.stopped_early
    assert len(zoo.fit(resume=short.folder, epochs=6).history) == 3


def test_objects_come_again_and_a_trainer_brings_its_epochs(make_model: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((16, 16, 1), dtype=np.float32), i % 2) for i in range(24)])

    def net() -> torch.nn.Module:
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 2), torch.nn.Dropout(0.1))

    loss = torch.nn.CrossEntropyLoss()
    parts = {"data": data, "loss": loss}
    whole = zoo.fit(net(), **parts, trainer=Supervised(epochs=3), out=tmp_path / "whole")
    run = zoo.fit(net(), **parts, trainer=Supervised(epochs=1), out=tmp_path / "run")
    with pytest.raises(TrainingError, match="more than the 1 behind, got 1"):
        zoo.fit(net(), **parts, trainer=Supervised(epochs=1), resume=run.folder)
    for epochs in (1, 3):
        with pytest.raises(OptionError) as error:
            zoo.fit(net(), **parts, trainer=Supervised(epochs=epochs), epochs=3, resume=run.folder)
        assert str(error.value) == (
            f"resume {run.folder}: expected the epochs of the trainer object, got epochs=3 beside its "
            f"epochs={epochs}; give them to it: trainer=Supervised(epochs=3, ...)"
        )
    same_end(whole, zoo.fit(net(), **parts, trainer=Supervised(epochs=3), resume=run.folder))


def test_what_cannot_go_on_says_why_in_one_line(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=2, **SETTINGS)
    for epochs in (2, 1, 0, "4", True, 3.5):
        with pytest.raises(TrainingError, match="epochs: expected more than the 2 behind, got"):
            zoo.fit(resume=run.folder, epochs=epochs)
    with pytest.raises(TrainingError, match=r"an unfinished run, got a finished one; .* --epochs 4 goes on"):
        zoo.fit(resume=run.folder)
    with pytest.raises(OptionError, match="expected nothing that the run was begun with, got lr"):
        zoo.fit(resume=run.folder, epochs=4, lr=1e-4)
    with pytest.raises(OptionError, match="expected nothing that the run was begun with, got trainer"):
        zoo.fit(resume=run.folder, epochs=4, trainer=Supervised(epochs=2))
    facts = json.loads((run.folder / "run.json").read_text())
    assert (facts["finished"], facts["epochs"]) == (True, 2)

    class Own(Supervised):
        schedule = None  # type: ignore[assignment]

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.schedule = None

    own = zoo.fit(make_model(), FACES, trainer=Supervised(epochs=1), out=tmp_path / "own")
    with pytest.raises(TrainingError, match=r"trainer Own: expected a schedule of its rate, got none; begin"):
        zoo.fit(resume=own.folder, trainer=Own(epochs=2))
    (run.folder / CHECKPOINT).unlink()  # as an older version left it
    for epochs in (None, 4):
        with pytest.raises(
            TrainingError, match=rf"its last {CHECKPOINT}, got .*; zoo fit .* --data \.\.\. begins"
        ):
            zoo.fit(resume=run.folder, **({} if epochs is None else {"epochs": epochs}))


def test_the_last_checkpoint_holds_the_best_weights_once(make_model: Make, tmp_path: Path) -> None:
    from zoo.training.record.checkpoint import read_checkpoint

    last = zoo.fit(
        make_model(),
        FACES,
        out=tmp_path / "last",
        epochs=2,
        monitor="val_accuracy",
        lr=1e-9,
        **{**SETTINGS, "checkpoint_every": 1e6},
    )
    assert last.best_epoch == 1
    state = read_checkpoint(last.folder / CHECKPOINT)
    assert (state["epoch"], state["best"] is None) == (3, False)
    first = zoo.fit(make_model(), FACES, out=tmp_path / "first", epochs=1, **SETTINGS)
    assert read_checkpoint(first.folder / CHECKPOINT)["best"] is None


def test_a_run_that_trained_more_than_the_model_has_today_is_refused(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_after(1):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=2, **SETTINGS)
    real = RunFolder.take_up

    def with_more(self: RunFolder, *given: Any) -> Any:
        checkpoint = real(self, *given)
        assert checkpoint is not None
        checkpoint["present"][0]["backbone.block9.conv.weight"] = torch.zeros(1)
        return checkpoint

    monkeypatch.setattr(RunFolder, "take_up", with_more)
    wanted = "got one with 1 tensor more, of backbone.block9.conv, .*; zoo fit .*run --data .* begins"
    with pytest.raises(FormatError, match=wanted):
        zoo.fit(resume=tmp_path / "run")
