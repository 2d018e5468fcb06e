"""What `zoo.fit` hands to the loop, and what it makes of the ways in which that ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError, TrainingError, ZooWarning
from zoo.training import fit as module
from zoo.training.record import recording
from zoo.training.record.checkpoint import Killed, write_checkpoint
from zoo.training.run import Outcome

FACES = {"name": "faces", "per_class": 8}
STATE: dict[str, Any] = {
    "step": 0, "means": None, "history": [], "present": [{}], "trainer": {}, "execution": {},
}  # fmt: skip
ROW = {"epoch": 1, "loss": 0.5, "val_loss": 0.25, "val_f1": 1.0, "seconds": 0.0}


def mlp() -> Model:
    return zoo.build("mlp", hidden=[4], head="binary", in_channels=1, input_size=8, seed=0)


class Loop:
    """Stands in for the engine: notes what it is given, writes a checkpoint, and ends as it is told."""

    given: dict[str, Any]
    end: Any = None

    def __init__(self, **given: Any) -> None:
        type(self).given = given

    def run(self) -> Outcome:
        if self.given["on_restored"] is not None:
            self.given["on_restored"]()
        if isinstance(self.end, BaseException):
            raise self.end
        self.given["saving"].write(STATE | {"epoch": 2, "history": [ROW]})
        self.given["on_epoch"]([ROW], {})
        return self.end or Outcome([ROW], ROW, False, False)


@pytest.fixture(autouse=True)
def loop(monkeypatch: pytest.MonkeyPatch) -> type[Loop]:
    class Own(Loop):
        pass

    monkeypatch.setattr(module, "Engine", Own)
    monkeypatch.setattr(recording, "present", lambda package: False)
    return Own


def fit(folder: Path, **more: Any) -> Any:
    return zoo.fit(mlp(), FACES, out=folder, progress=False, **{"epochs": 1, **more})


def test_a_new_run_begins_at_the_beginning(tmp_path: Path, loop: type[Loop]) -> None:
    run = fit(tmp_path / "run", seed=4)
    given = loop.given
    assert (given["lengthened"], given["resumed"], given["on_restored"]) == (None, None, None)
    assert (given["seed"], given["saving"].every, given["augment"]) == (4, 30.0, None)
    assert run.metrics == {"loss": 0.25, "f1": 1.0}
    assert (run.best_epoch, run.interrupted) == (1, False)
    assert json.loads((run.folder / "history.json").read_text()) == [ROW]
    assert json.loads((run.folder / "run.json").read_text())["finished"] is True


def test_a_finished_run_is_lengthened_from_its_last_checkpoint(
    tmp_path: Path, loop: type[Loop], capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(tmp_path / "run")
    assert (run.folder / "checkpoint.safetensors").is_file()
    again = zoo.fit(resume=run.folder, epochs=3, checkpoint_every=5)
    assert (loop.given["lengthened"], loop.given["resumed"]["epoch"]) == (1, 2)
    assert loop.given["trainer"].epochs == 3
    assert loop.given["saving"].every == 5
    assert "goes on after epoch 1 to epoch 3" in capsys.readouterr().err
    assert json.loads((again.folder / "run.json").read_text())["epochs"] == 3


def test_a_schedule_that_is_stretched_is_warned_of(tmp_path: Path) -> None:
    run = fit(tmp_path / "run", schedule="linear")
    with pytest.warns(ZooWarning, match="the linear schedule is stretched from 1 to 3 epochs"):
        zoo.fit(resume=run.folder, epochs=3, progress=False)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(
    tmp_path: Path, loop: type[Loop], capsys: pytest.CaptureFixture[str]
) -> None:
    loop.end = Killed()
    with pytest.raises(Killed):
        fit(tmp_path / "run")
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"run.json", "start", "splits.json"}
    loop.end = None
    zoo.fit(resume=tmp_path / "run")
    assert "was killed before its first checkpoint: it begins anew" in capsys.readouterr().err
    assert (loop.given["resumed"], loop.given["lengthened"]) == (None, None)


def test_a_run_that_is_resumed_is_not_discarded_whatever_happens(tmp_path: Path, loop: type[Loop]) -> None:
    loop.end = Killed()
    with pytest.raises(Killed):
        fit(tmp_path / "run")
    state = STATE | {"epoch": 1, "step": 1}
    write_checkpoint(tmp_path / "run" / "checkpoint.safetensors", state)
    loop.end = TrainingError("no")
    with pytest.raises(TrainingError):
        zoo.fit(resume=tmp_path / "run", progress=False)
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    with pytest.raises(TrainingError):
        fit(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_that_failed_after_an_epoch_stays(tmp_path: Path, loop: type[Loop]) -> None:
    class Failing(loop):  # type: ignore[valid-type,misc]
        def run(self) -> Outcome:
            super().run()
            raise TrainingError("no")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "Engine", Failing)
        with pytest.raises(TrainingError):
            fit(tmp_path / "run")
    assert (tmp_path / "run" / "history.json").is_file()
    assert (tmp_path / "run" / "run.json").is_file()


def test_an_interrupted_run_is_not_finished_and_less_than_an_epoch_replaces_nothing(
    tmp_path: Path, loop: type[Loop]
) -> None:
    loop.end = Outcome([], None, True, False)
    run = fit(tmp_path / "run")
    assert (run.interrupted, run.best_epoch, run.metrics) == (True, None, {})
    assert json.loads((run.folder / "run.json").read_text())["finished"] is False
    weights = run.folder / "model.safetensors"
    assert weights.is_file()  # there was nothing before
    before = weights.stat().st_mtime_ns
    zoo.fit(resume=run.folder, progress=False)
    assert weights.stat().st_mtime_ns == before
    loop.end = Outcome([ROW], ROW, True, False)
    zoo.fit(resume=run.folder, progress=False)
    assert weights.stat().st_mtime_ns != before


@pytest.mark.parametrize("every", [-1.0, float("nan")])
def test_seconds_between_checkpoints_are_not_negative(tmp_path: Path, loop: type[Loop], every: float) -> None:
    with pytest.raises(OptionError, match="checkpoint_every: expected 0 or more seconds"):
        fit(tmp_path / "run", checkpoint_every=every)
    for fine in (0, 0.5):
        fit(tmp_path / str(fine), checkpoint_every=fine)
        assert loop.given["saving"].every == fine


def test_what_a_task_remarks_on_the_validation_images_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[Any]] = []
    model = mlp()
    monkeypatch.setattr(type(model.task), "remarks", lambda self, targets: seen.append(targets) or ["odd"])
    with pytest.warns(ZooWarning, match="^odd$"):
        run = zoo.fit(model, FACES, out=tmp_path / "run", progress=False, epochs=1)
    assert len(seen[0]) == run.images["val"]


def test_metric_objects_come_in_their_order_and_named_ones_are_recorded(
    tmp_path: Path, loop: type[Loop]
) -> None:
    from torchmetrics.classification import BinaryRecall

    from zoo.training.own_metrics import figures_of

    fit(tmp_path / "run", metrics=["precision", BinaryRecall()])
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert list(facts["figures"]) == ["precision", "binary_recall"]
    assert facts["figures"]["binary_recall"] is None
    assert facts["figures"]["precision"]
    assert facts["objects"] == ["metrics"]
    assert figures_of(loop.given["trainer"], None) == {}
