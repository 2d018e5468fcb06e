import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.execution import Execution
from zoo.interfaces.model import Model
from zoo.spec.errors import FormatError, OptionError, SaveError, TrainingError, ZooWarning
from zoo.testing import killed_after
from zoo.training.record.checkpoint import watched
from zoo.training.run import Run

Make = Callable[..., Model]
SETTINGS: dict[str, Any] = {
    "epochs": 3, "batch_size": 6, "augment": "noise", "schedule": "cosine", "clip_norm": 1.0,
    "optimizer": "adam", "checkpoint_every": 0,
}  # fmt: skip
FACES = {"name": "faces", "per_class": 12}


def same_end(one: Run, two: Run) -> None:
    a, b = one.model.state_dict(), two.model.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in run.history] for run in (one, two)]
    assert rows[0] == rows[1]
    assert one.best_epoch == two.best_epoch


@pytest.mark.parametrize(
    ("at", "workers"), [(1, 0), pytest.param(3, 0, marks=pytest.mark.slow), (5, 2), (8, 0)]
)
def test_a_resumed_run_ends_as_an_unbroken_one(
    make_model: Make, tmp_path: Path, at: int, workers: int
) -> None:
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", **SETTINGS)
    with killed_after(at):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", workers=workers, **SETTINGS)
    assert {"run.json", "start", "checkpoint.safetensors"} <= {p.name for p in (tmp_path / "cut").iterdir()}
    resumed = zoo.fit(resume=tmp_path / "cut", workers=2 - workers)
    same_end(whole, resumed)
    left = {p.name for p in (tmp_path / "cut").iterdir()}
    assert left == {p.name for p in (tmp_path / "whole").iterdir()}
    assert "checkpoint.safetensors" in left
    assert "start" not in left


def test_objects_are_asked_for_and_everything_else_is_known(make_model: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((16, 16, 1), dtype=np.float32), i % 2) for i in range(24)])
    loss = torch.nn.BCEWithLogitsLoss()
    with killed_after(2):
        zoo.fit(make_model(), data, loss=loss, out=tmp_path / "cut", **SETTINGS)
    with pytest.raises(TrainingError, match="expected the data, loss of the run, which no file holds"):
        zoo.fit(resume=tmp_path / "cut")
    with pytest.raises(OptionError, match="got model, lr;"):
        zoo.fit(make_model(), data, loss=loss, resume=tmp_path / "cut", epochs=3, lr=1)
    resumed = zoo.fit(data=data, loss=loss, resume=tmp_path / "cut")
    same_end(zoo.fit(make_model(), data, loss=loss, out=tmp_path / "whole", **SETTINGS), resumed)


def test_any_module_can_be_resumed_too(tmp_path: Path) -> None:
    def module() -> torch.nn.Module:
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(625, 2), torch.nn.Dropout(0.1))

    options = {**SETTINGS, "loss": torch.nn.CrossEntropyLoss()}
    with killed_after(4):
        zoo.fit(module(), FACES, out=tmp_path / "cut", **options)
    with pytest.raises(TrainingError, match="the module that was trained"):
        other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(625, 2, bias=False))
        zoo.fit(other, loss=options["loss"], resume=tmp_path / "cut")
    resumed = zoo.fit(module(), loss=options["loss"], resume=tmp_path / "cut")
    same_end(zoo.fit(module(), FACES, out=tmp_path / "whole", **options), resumed)


def test_changed_data_finished_runs_and_other_folders_are_refused(
    make_model: Make, photos: Path, tmp_path: Path
) -> None:
    with killed_after(1):
        zoo.fit(make_model(in_channels=3), photos, out=tmp_path / "cut", **SETTINGS)
    (photos / "dark" / "3.png").unlink()
    with pytest.raises(TrainingError, match="expected the same images, got others"):
        zoo.fit(resume=tmp_path / "cut")
    run = zoo.fit(make_model(), FACES, out=tmp_path / "done", epochs=1)
    with pytest.raises(TrainingError, match="an unfinished run, got a finished one"):
        zoo.fit(resume=run.folder)
    with pytest.raises(TrainingError, match=r"expected the folder of a run, with run.json, got none"):
        zoo.fit(resume=photos)
    (tmp_path / "cut" / "run.json").write_text("{" * 1000)
    with pytest.raises(FormatError, match="expected JSON"):
        zoo.fit(resume=tmp_path / "cut")


def test_another_version_is_said(make_model: Make, tmp_path: Path) -> None:
    with killed_after(1):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", **SETTINGS)
    facts = json.loads((tmp_path / "cut" / "run.json").read_text())
    facts["versions"]["torch"] = "1.0"
    (tmp_path / "cut" / "run.json").write_text(json.dumps(facts))
    with pytest.warns(zoo.ZooWarning, match=r"begun with torch 1\.0 \(now "):
        zoo.fit(resume=tmp_path / "cut")


def test_a_full_disk_stops_the_run_with_its_last_checkpoint_kept(
    make_model: Make, tmp_path: Path, monkeypatch
) -> None:
    from zoo.training.record import run_folder

    write, seen = run_folder.keep_checkpoint, iter(range(1, 10**6))

    def full(path: Path, state: Any) -> None:
        if next(seen) == 5:
            raise OSError(28, "No space left on device")
        write(path, state)

    monkeypatch.setattr(run_folder, "keep_checkpoint", full)
    with pytest.raises(SaveError, match=r"No space left on device; free space, then zoo fit --resume"):
        zoo.fit(make_model(), FACES, out=tmp_path / "cut", **SETTINGS)
    monkeypatch.undo()
    same_end(
        zoo.fit(make_model(), FACES, out=tmp_path / "whole", **SETTINGS), zoo.fit(resume=tmp_path / "cut")
    )


def test_a_full_disk_in_the_first_epoch_leaves_a_run_that_its_hint_resumes(
    make_model: Make, tmp_path: Path, monkeypatch
) -> None:
    from zoo.training.record import run_folder

    def full(path: Path, state: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "keep_checkpoint", full)
        with pytest.raises(SaveError, match=r"free space, then zoo fit --resume"):
            zoo.fit(make_model(), FACES, out=tmp_path / "cut", **SETTINGS)
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == ["run.json", "splits.json", "start"]
    same_end(
        zoo.fit(make_model(), FACES, out=tmp_path / "whole", **SETTINGS), zoo.fit(resume=tmp_path / "cut")
    )


def test_a_run_that_another_process_trains_is_not_touched(
    make_model: Make, tmp_path: Path, monkeypatch
) -> None:
    from zoo.training.record import run_lock

    monkeypatch.setattr(run_lock, "_PATIENCE", 0.05)
    seen: list[str] = []

    def again() -> None:
        if not seen:
            with pytest.raises(TrainingError, match="a run at rest, got one that another process is"):
                zoo.fit(resume=tmp_path / "run")
            seen.append("refused")

    with watched(again):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", **SETTINGS)
    assert seen == ["refused"]
    assert not [p.name for p in (tmp_path / "run").iterdir() if p.name.startswith(".")]


def test_what_a_killed_run_was_writing_is_swept_when_it_goes_on(make_model: Make, tmp_path: Path) -> None:
    with killed_after(2):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", **SETTINGS)
    (tmp_path / "run" / ".zoo-01234567.part").write_text("half a checkpoint")
    zoo.fit(resume=tmp_path / "run")
    assert not [p.name for p in (tmp_path / "run").iterdir() if p.name.startswith(".")]


def test_another_number_of_threads_is_told(make_model: Make, tmp_path: Path) -> None:
    with killed_after(2):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", **SETTINGS)
    threads = torch.get_num_threads()
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["computed"] == {"device": "cpu", "threads": threads}
    torch.set_num_threads(threads + 1)
    try:
        words = rf"begun with {threads} threads? \(now {threads + 1}\).*OMP_NUM_THREADS={threads} before it"
        with pytest.warns(ZooWarning, match=words):
            zoo.fit(resume=tmp_path / "run")
    finally:
        torch.set_num_threads(threads)


KILL_ME = """
import sys, zoo
head = {"name": "binary", "dropout": 0.2}
model = zoo.build("tiny_resnet", head=head, in_channels=1, input_size=16, seed=0)
print("ready", flush=True)
zoo.fit(model, {"name": "faces", "per_class": 20}, out=sys.argv[1], augment="noise", epochs=6, batch_size=5,
        schedule="one-cycle", workers=int(sys.argv[2]), checkpoint_every=0, early_stopping=5)
"""
RESUME = """
import sys, zoo
print("ready", flush=True)
zoo.fit(resume=sys.argv[1], workers=int(sys.argv[2]), checkpoint_every=0)
"""


def start(code: str, folder: Path, workers: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(workers)], stdout=subprocess.PIPE, text=True,
        env=environment, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_twenty_random_moments_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    assert start(KILL_ME, tmp_path / "whole", 0).wait() == 0
    rng = random.Random(0)
    kills, cut = 0, tmp_path / "cut0"
    runs = [cut]
    process = start(KILL_ME, cut, 2)
    while kills < 20:
        deadline = time.monotonic() + rng.uniform(0.2, 3.0)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is None and (cut / "run.json").exists():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            finished = json.loads((cut / "run.json").read_text())["finished"]
        else:
            finished = process.wait() == 0
        if finished:  # the next kills hit another run
            cut = tmp_path / f"cut{len(runs)}"
            runs.append(cut)
            process = start(KILL_ME, cut, 2)
        else:
            process = start(RESUME, cut, rng.choice([0, 2]))
    assert process.wait() == 0
    expected = zoo.load(tmp_path / "whole").state_dict()
    read = [json.loads((f / "history.json").read_text()) for f in (tmp_path / "whole", *runs)]
    history = [[{k: v for k, v in row.items() if k != "seconds"} for row in rows] for rows in read]
    for folder, rows in zip(runs, history[1:], strict=True):
        got = zoo.load(folder).state_dict()
        assert all(torch.equal(expected[name], got[name]) for name in expected)
        assert rows == history[0]


def test_what_the_execution_keeps_comes_back(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scale of half-precision gradients, which no CPU has."""
    back: list[Any] = []
    monkeypatch.setattr(Execution, "state_dict", lambda self: {"scale": 7.0})
    monkeypatch.setattr(Execution, "load_state_dict", lambda self, state: back.append(state))
    with killed_after(2):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", **SETTINGS)
    assert back == []
    zoo.fit(resume=tmp_path / "run")
    assert back == [{"scale": 7.0}]


def test_a_run_into_whose_folder_another_model_was_saved_does_not_go_on(tmp_path: Path) -> None:
    small = {"channels": [2], "head": "binary", "in_channels": 1, "input_size": 8}
    run = tmp_path / "run"
    zoo.fit(zoo.build("small_cnn", **small, seed=0), {"name": "faces", "per_class": 8}, epochs=1, out=run)
    assert len(zoo.fit(resume=run, epochs=2).history) == 2
    with pytest.warns(ZooWarning, match="holds a run of another model, which can no longer go on"):
        zoo.save(zoo.build("small_cnn", **small, seed=1), run)
    with pytest.raises(
        TrainingError, match="got another one that was saved into it since; save other models"
    ):
        zoo.fit(resume=run, epochs=3)


def test_a_table_is_a_recipe_in_python_as_in_a_file(tmp_path: Path) -> None:
    table = {
        "model": {"name": "small_cnn", "head": "binary", "in_channels": 1, "input_size": 8},
        "data": {"name": "faces", "per_class": 8},
        "trainer": {"name": "supervised", "epochs": 1},
        "seed": 3,
    }
    run = zoo.fit(table, out=tmp_path / "run")
    assert (len(run.history), run.model.recipe.seed) == (1, 3)
