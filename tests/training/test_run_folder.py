"""What a run's folder knows, and what it refuses to go on with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.compose.formats import FORMAT
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.spec.disk.records import known_run
from zoo.spec.errors import FormatError, OptionError, SaveError, TrainingError
from zoo.spec.trainers.schedule import read_schedule
from zoo.training.own_metrics import check_metrics, metrics_again
from zoo.training.record.checkpoint import newest_numbers, read_newest, read_numbers, write_checkpoint
from zoo.training.record.recording import origin_after
from zoo.training.record.resuming import (
    Lengthening,
    as_epochs,
    asked_epochs,
    check_longer,
    lengthening_line,
    stretched,
)
from zoo.training.record.run_folder import RunFolder
from zoo.weights.tensor_files import read

Make = Callable[..., Model]
FACTS: dict[str, Any] = {
    "format": FORMAT, "finished": False, "epochs": 4, "objects": [], "figures": {}, "precision": "fp32",
    "skip_unreadable": True, "data": "file:/images", "kernels": "fused", "recipe": {"seed": 3, "loss": "bce"},
    "origin": None, "versions": {}, "fixed": [],
}  # fmt: skip


def folder(path: Path, *, behind: int | None = None, **facts: Any) -> RunFolder:
    """A run of which so many epochs are behind; None has no checkpoint."""
    path.mkdir(exist_ok=True)
    (path / "run.json").write_text(json.dumps({**FACTS, **facts}))
    if behind is not None:
        write_checkpoint(path / "checkpoint.safetensors", {"epoch": behind + 1, "step": 0})
    return RunFolder.read(path)


# -- reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "2"}', "7"])
def test_another_json_file_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(FormatError, match=r"run\.json: expected a run of zoo\.fit, got something else"):
        RunFolder.read(tmp_path)


def test_a_newer_run_is_refused_and_one_of_today_is_not(tmp_path: Path) -> None:
    assert folder(tmp_path).facts["format"] == FORMAT
    with pytest.raises(FormatError, match=rf"expected format {FORMAT}, got {FORMAT + 1}; "):
        folder(tmp_path, format=FORMAT + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objects": None}, "expected objects as a list of texts, got None"),
        ({"recipe": {"loss": "bce"}}, "expected recipe as a recipe with its seed, got {'loss': 'bce'}"),
        ({"recipe": {"seed": -1}}, "expected recipe as"),
        ({"epochs": True}, "expected epochs as a whole number from 0 or null, got True"),
        ({"precision": "fp8"}, "expected precision as fp32 or bf16 or fp16, got 'fp8'"),
        ({"lengthened": [{"after": 1}]}, "expected lengthened as a list of epochs before and after"),
        ({"computed": {"device": "cpu", "threads": 0}}, "expected computed as device and threads or null"),
        ({"freezing": {"frozen": []}}, "expected freezing as"),
        ({"versions": {"zoo-core": 1}}, "expected versions as versions by distribution"),
        ({"data": 3}, "expected data as a name or table of data, got 3"),
    ],
)
def test_each_value_of_the_record_is_checked_before_work(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(FormatError, match=re.escape(words)):
        folder(tmp_path, **change)
    assert known_run(tmp_path) == {}


def test_a_record_that_lacks_a_value_says_which(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 1, "finished": false}')
    with pytest.raises(FormatError, match=r"run\.json: expected origin as a text or null, got none"):
        RunFolder.read(tmp_path)


# -- damaged checkpoints -----------------------------------------------------------------------------


def flipped(path: Path, at: int) -> None:
    """Changes one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


STATE: dict[str, Any] = {
    "epoch": 1, "step": 7, "means": None, "present": [], "history": [], "trainer": {}, "execution": {},
}  # fmt: skip


def two_checkpoints(path: Path) -> RunFolder:
    run = folder(path)
    for epoch in (2, 3):
        run.keep(STATE | {"epoch": epoch, "weights": torch.arange(64.0)})
    return run


def test_the_checkpoint_before_the_newest_is_kept(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    assert read_numbers(tmp_path / "checkpoint.safetensors")["epoch"] == 3
    assert read_numbers(tmp_path / "checkpoint-before.safetensors")["epoch"] == 2


@pytest.mark.parametrize("at", [-20, 100, 300])
def test_a_damaged_checkpoint_names_the_one_that_is_whole(tmp_path: Path, at: int) -> None:
    run = two_checkpoints(tmp_path)
    flipped(tmp_path / "checkpoint.safetensors", at)
    words = (
        r"checkpoint-before\.safetensors is whole \(epoch 2, step 7\): rm \S+checkpoint\.safetensors goes on"
    )
    with pytest.raises(FormatError, match=words) as caught:
        read_newest(run.folder, "otherwise")
    assert "expected a whole checkpoint" in str(caught.value)
    (tmp_path / "checkpoint.safetensors").unlink()  # as it says
    found = read_newest(run.folder, "otherwise")
    assert found is not None and found["epoch"] == 2


def test_where_no_checkpoint_is_whole_the_way_on_is_another(tmp_path: Path) -> None:
    run = two_checkpoints(tmp_path)
    for name in ("checkpoint", "checkpoint-before"):
        flipped(tmp_path / f"{name}.safetensors", -20)
    with pytest.raises(FormatError, match=r"other bytes than zoo wrote: it is damaged.*; otherwise$"):
        read_newest(run.folder, "otherwise")


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"epoch": "3"}, "epoch as a whole number from 1, got '3'"),
        ({"epoch": None}, "epoch as a whole number from 1"),
        ({"step": 1.5}, "step as a whole number from 0, got 1.5"),
        ({"present": [1]}, "present as a list of tables"),
        ({"history": [{"epoch": "1"}]}, "history as a list of epochs"),
        ({"means": 3}, "means as a table or null"),
    ],
)
def test_a_state_of_another_form_is_refused(tmp_path: Path, odd: dict[str, Any], words: str) -> None:
    run = two_checkpoints(tmp_path)
    run.keep(STATE | {"epoch": 4} | odd)
    with pytest.raises(FormatError, match=f"checkpoint .*expected {words}.*is whole .epoch 3, step 7"):
        read_newest(run.folder, "otherwise")
    if {*odd} <= {"epoch", "step"}:
        with pytest.raises(FormatError, match=words):
            newest_numbers(run.folder, "otherwise")


def test_a_header_that_is_damaged_is_told_before_a_run_is_lengthened(tmp_path: Path) -> None:
    run = two_checkpoints(tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"checkpoint-before\.safetensors is whole"):
        run.lengthening(8)


def test_a_crash_between_the_two_renames_leaves_the_older_one(tmp_path: Path) -> None:
    run = two_checkpoints(tmp_path)
    (tmp_path / "checkpoint.safetensors").unlink()
    found = read_newest(run.folder, "otherwise")
    assert found is not None and found["epoch"] == 2
    numbers = newest_numbers(run.folder, "otherwise")
    assert numbers is not None and numbers["epoch"] == 2


def test_a_finished_run_keeps_one_checkpoint(tmp_path: Path) -> None:
    run = two_checkpoints(tmp_path)
    run.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.safetensors", "run.json"]


def test_what_nobody_may_remove_is_no_harm_to_a_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = two_checkpoints(tmp_path)

    def denied(file: Path, **_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", denied)
        run.finish()
    assert json.loads((tmp_path / "run.json").read_text())["finished"] is True
    found = read_newest(tmp_path, "otherwise")
    assert found is not None and found["epoch"] == 3


def test_a_folder_without_a_run_says_whether_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"got nothing there$"):
        RunFolder.read(tmp_path / "none")
    with pytest.raises(TrainingError, match="got none in it; if it was killed before it began, begin a new"):
        RunFolder.read(tmp_path)


# -- further epochs ----------------------------------------------------------------------------------


def test_an_unfinished_run_goes_on_as_planned_unless_it_gets_other_epochs(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", behind=2)
    assert run.lengthening(None) is None
    assert run.lengthening(4) is None
    assert run.lengthening(6) == Lengthening(before=4, epochs=6, done=2, finished=False)
    assert run.lengthening(3) == Lengthening(before=4, epochs=3, done=2, finished=False)
    begun = folder(tmp_path / "begun")
    assert begun.lengthening(1) == Lengthening(before=4, epochs=1, done=0, finished=False)


def test_a_finished_run_needs_more_epochs_and_its_checkpoint(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", behind=4, finished=True)
    assert run.lengthening(6) == Lengthening(before=4, epochs=6, done=4, finished=True)
    with pytest.raises(TrainingError, match="more than the 4 behind, got 4"):
        run.lengthening(4)
    with pytest.raises(TrainingError, match="--epochs 8 goes on longer"):
        run.lengthening(None)
    for epochs in (None, 6):
        with pytest.raises(TrainingError, match="a run with its last checkpoint"):
            folder(tmp_path / "bare", finished=True).lengthening(epochs)


def test_a_run_that_does_not_say_its_epochs_goes_on_as_planned_alone(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", behind=1, epochs=None)
    assert run.lengthening(None) is None
    with pytest.raises(TrainingError, match="expected a run that says how many epochs it has, got none"):
        run.lengthening(6)


@pytest.mark.parametrize("epochs", [0, -1, 2, True, "5", 5.0, None])
def test_a_number_of_epochs_is_a_whole_number_above_those_behind(epochs: Any) -> None:
    with pytest.raises(TrainingError, match="resume r: epochs: expected more than the 2 behind, got"):
        as_epochs("r", epochs, 2)
    assert as_epochs("r", 3, 2) == 3
    assert as_epochs("r", 1, 0) == 1
    with pytest.raises(TrainingError, match="expected 1 or more, got 0"):
        as_epochs("r", 0, 0)


def test_a_run_remembers_each_time_that_it_was_lengthened(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", finished=True, behind=4)
    assert run.lengthened is None
    run.lengthen(Lengthening(4, 6, 4, True), {"epochs": 6})
    run.lengthen(Lengthening(6, 9, 5, False), None)
    assert not RunFolder.read(run.folder).facts.get("lengthened")
    run.record()
    again = RunFolder.read(run.folder)
    assert again.facts["lengthened"] == [
        {"after": 4, "before": 4, "epochs": 6}, {"after": 5, "before": 6, "epochs": 9},
    ]  # fmt: skip
    assert (again.lengthened, again.facts["epochs"], again.facts["finished"]) == (5, 9, False)
    assert again.facts["recipe"] == {**FACTS["recipe"], "trainer": {"epochs": 6}}


class Advancing(Loss):
    def advance(self, position: float, epochs: int) -> None:
        pass

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return output.mean()


class Still(Loss):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return output.mean()


def trainer(schedule: Any, **rates: float) -> Any:
    asked: list[int] = []
    how = read_schedule(schedule) if schedule is not None else None
    return SimpleNamespace(schedule=how, rates=rates, check_longer=asked.append, asked=asked)


@pytest.mark.parametrize(
    ("schedule", "loss", "words"),
    [
        ("constant", None, ""),
        ("constant", Still(), ""),
        ("constant", nn.MSELoss(), ""),
        ("cosine", Still(), "cosine schedule"),
        ("constant", Advancing(), "schedule of the loss"),
        ("cosine", Advancing(), "cosine schedule and schedule of the loss"),
        (None, Advancing(), ""),
    ],
)
def test_what_depends_on_the_number_of_epochs_is_named(schedule: Any, loss: Any, words: str) -> None:
    assert stretched(Lengthening(4, 6, 4, True), trainer(schedule), loss) == words
    assert stretched(Lengthening(4, 4, 2, True), trainer(schedule), loss) == ""


def test_a_schedule_is_stretched_from_the_end_of_a_run_alone(tmp_path: Path) -> None:
    unfinished, finished = Lengthening(4, 6, 2, False), Lengthening(4, 6, 4, True)
    run = folder(tmp_path)
    with pytest.raises(TrainingError, match=r"since its cosine schedule depends .* one with 2 of 4 epochs"):
        check_longer(run, unfinished, trainer("cosine"), None)
    check_longer(run, finished, trainer("cosine"), None)
    check_longer(run, unfinished, trainer("constant"), None)
    asked = trainer("constant")
    check_longer(run, unfinished, asked, None)
    assert asked.asked == [4]
    with pytest.raises(TrainingError, match="expected a schedule of its rate, got none"):
        check_longer(run, finished, trainer(None), None)


@pytest.mark.parametrize(
    ("rates", "at"),
    [
        ({}, ""),
        ({"backbone": 0.001, "head": 0.001}, " at learning rate 0.001"),
        ({"backbone": 0.00012345, "head": 0.1}, " at learning rate backbone 0.0001234, head 0.1"),
    ],
)
def test_where_a_run_goes_on_is_said_with_its_rates(rates: dict[str, float], at: str) -> None:
    line = lengthening_line(Lengthening(4, 6, 3, True), trainer("constant", **rates), None)
    assert line == f"goes on after epoch 3 to epoch 6{at}"


def test_epochs_of_a_trainer_object_count_where_the_run_was_begun_with_one(tmp_path: Path) -> None:
    from zoo.builtin.supervised import Supervised

    own, named = folder(tmp_path / "own", objects=["trainer"]), folder(tmp_path / "named")
    assert asked_epochs(own, Supervised(epochs=7), {}) == 7
    assert asked_epochs(named, Supervised(epochs=7), {}) is None
    assert asked_epochs(named, Supervised(epochs=7), {"epochs": 5}) == 5
    assert asked_epochs(own, None, {"epochs": 5}) == 5
    with pytest.raises(OptionError, match="got epochs=5 beside its epochs=7; give them to it"):
        asked_epochs(own, Supervised(epochs=7), {"epochs": 5})


# -- what is given at resuming -----------------------------------------------------------------------


def test_only_what_no_file_holds_is_taken(tmp_path: Path) -> None:
    run = folder(tmp_path, objects=["loss", "data"])
    parts: dict[str, Any] = {"model": None, "loss": "l", "data": "d", "metrics": None}
    run.check_given(parts, {"lr": None})
    with pytest.raises(OptionError, match="nothing that the run was begun with, got model, lr, seed"):
        run.check_given({**parts, "model": "m"}, {"lr": 1, "out": None, "seed": 0})
    with pytest.raises(TrainingError, match=r"expected the loss, data of the run"):
        run.check_given({**parts, "loss": None, "data": None}, {})
    with pytest.raises(TrainingError, match=r"expected the data of the run, .* got none; .*data=\.\.\.\)"):
        run.check_given({**parts, "data": None}, {})


def test_metric_objects_have_to_come_again_with_the_words_of_their_own(tmp_path: Path) -> None:
    run = folder(tmp_path, objects=["metrics"], figures={"mine": None, "recall": "recall"})
    with pytest.raises(TrainingError, match=r"the metric objects that it was begun with \(mine\).* got none"):
        run.check_given({"metrics": None}, {})
    run.check_given({"metrics": ["m"]}, {})
    check_metrics("r", {"mine": None}, [])


def test_options_without_metric_objects_stay_as_they_are(tmp_path: Path) -> None:
    given = {"epochs": 3}
    found = folder(tmp_path).options(given)
    assert found == given
    assert found is not given


def test_metrics_come_in_the_order_of_the_run_and_none_may_be_missing() -> None:
    from zoo.runtime.arguments import metrics_of

    (recall, precision) = metrics_of(["recall", "precision"])
    figures = {"precision": None, "recall": "recall"}
    assert metrics_again("r", figures, [precision]) == [precision, "recall"]
    assert metrics_again("r", figures, [recall, precision]) == [precision, "recall"]
    for given in ([recall], [precision, *metrics_of(["mae"])], []):
        with pytest.raises(TrainingError, match=r"begun with \(precision\), which no file holds"):
            metrics_again("r", figures, given)


def test_parts_are_those_given_or_those_that_the_run_knows(tmp_path: Path) -> None:
    run = folder(tmp_path)
    assert run.settings == (3, "fp32", True)
    assert run.parts({"loss": None, "data": None, "augment": None}) == {
        "loss": "bce", "data": "file:/images", "augment": None,
    }  # fmt: skip
    assert run.parts({"loss": 0, "data": "mine"}) == {"loss": 0, "data": "mine"}


def test_a_run_of_an_earlier_version_has_no_fused_kernels(tmp_path: Path) -> None:
    assert folder(tmp_path).fused is True
    assert folder(tmp_path, kernels="other").fused is False
    assert RunFolder(tmp_path, {}).fused is False


# -- writing -----------------------------------------------------------------------------------------


def test_a_finished_run_keeps_its_checkpoint_and_loses_its_start(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", behind=4)
    (run.folder / "start").mkdir()
    (run.folder / "start" / "config.json").write_text("{}")
    run.finish()
    assert sorted(p.name for p in run.folder.iterdir()) == ["checkpoint.safetensors", "run.json"]
    assert RunFolder.read(run.folder).facts["finished"] is True
    run.finish()  # with nothing left to remove


def test_what_is_discarded_leaves_what_others_wrote(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", behind=1)
    (run.folder / "start").mkdir()
    (run.folder / "notes.txt").write_text("mine")
    run.discard()
    assert [p.name for p in run.folder.iterdir()] == ["notes.txt"]
    run.discard()


@pytest.mark.parametrize("write", [RunFolder.record, RunFolder.finish])
def test_a_run_that_cannot_be_written_says_where(tmp_path: Path, monkeypatch, write: Any) -> None:
    from zoo.training.record import run_folder

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    run = folder(tmp_path / "run", behind=1)
    (run.folder / "start").mkdir()
    monkeypatch.setattr(run_folder, "write_json", full)
    with pytest.raises(SaveError, match=r"cannot write .*run\.json.* No space left on device"):
        write(run)
    assert (run.folder / "start").is_dir()


class Weighed(Loss):
    """A loss that learns how much the output counts."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return ((output.flatten() * self.weight - target.float().flatten()) ** 2).mean()


def test_what_a_loss_has_learnt_lies_beside_the_model(make_model: Make, tmp_path: Path) -> None:
    loss = Weighed()
    data = {"name": "faces", "per_class": 8}
    run = zoo.fit(make_model(), data, loss=loss, epochs=1, lr=0.1, out=tmp_path / "run", progress=False)
    kept = read(run.folder / "loss.safetensors", copy=True)
    assert kept.keys() == {"weight"}
    assert torch.equal(kept["weight"], loss.weight.detach())
    assert loss.weight.item() != 1
    facts = json.loads((run.folder / "run.json").read_text())
    assert (facts["finished"], facts["epochs"], facts["objects"]) == (True, 1, ["loss"])
    assert facts["data"]["per_class"] == 8
    (figures,) = json.loads((run.folder / "config.json").read_text())["measured"].values()
    assert figures["count"] == len(json.loads((run.folder / "splits.json").read_text())["val"])
    assert 0 < run.seconds < 600
    assert zoo.load(run.folder).metrics["val"] == run.metrics


def test_data_that_were_trained_on_again_are_said_once() -> None:
    assert origin_after("a", None) == "trained on a"
    assert origin_after("a", "trained on a") == "trained on a 2 times"
    assert origin_after("a", "trained on a 2 times, starting from net imagenet") == (
        "trained on a 3 times, starting from net imagenet"
    )
    # As version 0.1 wrote it
    assert origin_after("a", "trained on a, starting from trained on a") == "trained on a 3 times"
    assert origin_after("b", "trained on a") == "trained on b, starting from trained on a"
