"""What is no saved model yet: unfinished runs, folders without one, damaged ones, files in the way."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests import small_disks
from zoo.interfaces.model import Model
from zoo.runtime.arguments import new_run_folder
from zoo.spec.disk.locks import take
from zoo.spec.disk.unfinished import unfinished_run
from zoo.spec.errors import FormatError, SaveError, TrainingError, WeightsError, ZooError
from zoo.training.record.run_lock import RunLock

Make = Callable[..., Model]
GOES_ON = "got an unfinished run; zoo fit --resume run goes on with it"
USES: dict[str, Callable[[Any], Any]] = {
    "load": lambda model: zoo.load("run"),
    "evaluate": lambda model: zoo.evaluate("run", "faces"),
    "predict": lambda model: zoo.predict("run", "a.jpg"),
    "push": lambda model: zoo.push("run", "file:hub"),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was killed before its end."""
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("run/run.json").write_text('{"finished": false, "objects": []}')
    return Path("run")


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_run_that_was_killed_says_how_it_goes_on_wherever_a_model_is_meant(
    run: Path, make: Make, use: Callable[[Any], Any]
) -> None:
    with pytest.raises(FormatError, match=f"^run is not a saved model: .*{GOES_ON}$"):
        use(None)


def test_weights_of_a_run_that_was_killed_say_so_too(run: Path) -> None:
    with pytest.raises(WeightsError, match="got an unfinished run in run; zoo fit --resume run goes on"):
        zoo.build("mlp", head="binary", input_size=16, weights="file:run")


def test_a_run_that_is_trained_now_is_waited_for(run: Path, tmp_path: Path) -> None:
    with RunLock() as lock:
        lock.take(run)
        with pytest.raises(
            FormatError, match=r"got a run that is being trained now; wait until it has ended$"
        ):
            zoo.load("run")
        with pytest.raises(
            TrainingError, match=r"being trained now; wait until it has ended, or choose another$"
        ):
            new_run_folder("run", "x")
    assert unfinished_run(run) == ("an unfinished run", "zoo fit --resume run goes on with it")
    # The file of a killed run's lock, which nobody holds, and which stays for whoever resumes it
    (run / ".zoo-run.lock").write_text("")
    assert unfinished_run(run) == ("an unfinished run", "zoo fit --resume run goes on with it")
    held = take(run / ".zoo-run.lock")
    assert held is not None  # looking has let go of it
    held.release()


def test_a_folder_of_a_run_is_never_said_to_be_removed(run: Path) -> None:
    with pytest.raises(TrainingError, match=f"^run folder run: .*{GOES_ON}, or choose another$"):
        new_run_folder("run", "x")
    (run / "run.json").write_text('{"finished": true}')
    with pytest.raises(TrainingError, match=r"got a finished run; choose another$"):
        new_run_folder("run", "x")
    (run / "run.json").write_text("mine")
    with pytest.raises(TrainingError, match=r"got a full one; choose another$"):
        new_run_folder("run", "x")


def test_a_folder_without_a_model_is_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"expected a folder with config\.json, got a folder without it$"):
        zoo.load(tmp_path)


def test_a_config_that_was_cut_off_says_where_and_what_to_do(tmp_path: Path, make: Make) -> None:
    folder = zoo.save(make("mlp"), tmp_path / "model")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text[:300])
    step = "on; it is damaged or was cut off; pull or save the model again"
    with pytest.raises(FormatError, match=rf"expected JSON, got no JSON from line \d+ column \d+ {step}$"):
        zoo.load(folder)
    for write in (zoo.save, lambda model, place: zoo.push(model, f"file:{place}")):
        with pytest.raises(
            SaveError, match=r"if they are a damaged model, remove them by hand and save again$"
        ):
            write(make("mlp"), folder)
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet18"}))  # another library's
    with pytest.raises(SaveError, match=r"choose another folder$"):
        zoo.save(make("mlp"), folder)


@pytest.mark.parametrize("below", ["x", "x/y"])
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_what_stands_in_the_way_of_a_folder_is_named(
    tmp_path: Path, make: Make, kind: str, below: str
) -> None:
    (tmp_path / "mine").write_text("") if kind == "file" else (tmp_path / "mine").symlink_to("nowhere/at/all")
    found = re.escape(f"got a {kind} at {tmp_path / 'mine'}")
    for use in (
        lambda place: zoo.save(make("mlp"), place),
        lambda place: zoo.push(make("mlp"), f"file:{place}"),
        lambda place: new_run_folder(place, "x"),
    ):
        with pytest.raises(ZooError, match=found):
            use(tmp_path / "mine" / below)


def test_a_disk_that_is_full_and_read_only_is_read_only_first(tmp_path: Path, make: Make) -> None:
    with small_disks.small_disk(tmp_path / "disk", "64k") as disk:
        model = make("mlp", hidden=[512, 64], input_size=16)
        with pytest.raises(SaveError, match=r"expected [\d.]+ [kM]B of disk space, got 6\d\.\d kB free"):
            zoo.save(model, disk / "model")
        small_disks.remount(disk, "ro")
        assert not os.access(disk, os.W_OK)
        with pytest.raises(SaveError, match="got Read-only file system"):
            zoo.save(model, disk / "model")
