"""Ctrl-C: the run stops after the step at hand, and nothing of it is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.interfaces.model import Model
from zoo.runtime.interruption import Interruption
from zoo.runtime.progress import Reporter
from zoo.spec.errors import OptionError
from zoo.training.run import Run

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SETTINGS: dict[str, Any] = {"batch_size": 6, "augment": "noise"}


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sends the signal once the n-th step of the next run is done, as often as asked."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    step = Reporter.step

    def after(number: int, times: int = 1) -> None:
        seen = iter(range(1, 10**6))

        def counted(self: Reporter) -> None:
            step(self)
            if next(seen) == number:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Reporter, "step", counted)

    yield after
    signal.signal(signal.SIGINT, before)


def same_end(one: Run, two: Run) -> None:
    a, b = one.model.state_dict(), two.model.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("step", [1, 4, 6])
def test_an_interrupted_run_goes_on_where_it_stopped(
    make_model: Make, tmp_path: Path, ctrl_c: Callable[..., None], step: int
) -> None:
    whole = zoo.fit(make_model(), FACES, out=tmp_path / "whole", epochs=3, **SETTINGS)
    ctrl_c(step)  # of three an epoch; no checkpoint is due by the clock
    cut = zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=3, **SETTINGS)
    assert (cut.interrupted, len(cut.history)) == (True, step // 3)
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    ctrl_c(0)
    seen: list[int] = []
    resumed = zoo.fit(resume=tmp_path / "run")
    seen += [int(row["epoch"]) for row in resumed.history]
    assert seen == [1, 2, 3]
    same_end(whole, resumed)


def test_a_second_ctrl_c_stops_at_once(make_model: Make, tmp_path: Path, ctrl_c: Callable[..., None]) -> None:
    ctrl_c(4, times=2)
    cut = zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=3, **SETTINGS)
    assert cut.interrupted
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_less_than_an_epoch_does_not_go_over_a_trained_model(
    make_model: Make, tmp_path: Path, ctrl_c: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    ctrl_c(4, times=2)  # one epoch, and no checkpoint
    zoo.fit(make_model(), FACES, out=run, epochs=3, **SETTINGS)
    trained = (run / "model.safetensors").read_bytes()
    ctrl_c(1, times=2)
    again = zoo.fit(resume=run)
    assert (again.interrupted, again.history) == (True, ())
    assert "killed before its first checkpoint: it begins anew" in capsys.readouterr().err
    assert (run / "model.safetensors").read_bytes() == trained


def test_the_handler_of_before_is_back_and_another_one_is_left_alone(ctrl_c: Callable[..., None]) -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    calls: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: calls.append(number))
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
    assert (interruption.asked, len(calls)) == (False, 1)


def test_a_run_that_cannot_go_on_for_longer_stays_as_it_was(make_model: Make, tmp_path: Path) -> None:
    zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=1, **SETTINGS)
    before = json.loads((tmp_path / "run" / "run.json").read_text())
    with pytest.raises(OptionError, match="workers: expected 0 or more"):
        zoo.fit(resume=tmp_path / "run", epochs=3, workers=-1)
    with pytest.raises(OptionError, match="got skip_unreadable; leave it out"):
        zoo.fit(resume=tmp_path / "run", epochs=3, skip_unreadable=True)
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == before
    with pytest.raises(OptionError, match="checkpoint_every: expected 0 or more seconds, got nan"):
        zoo.fit(make_model(), FACES, checkpoint_every=float("nan"))


TOLD = """
import signal, sys, zoo
from zoo.runtime.progress import Reporter
step, seen = Reporter.step, iter(range(1, 10**6))
def counted(self):
    step(self)
    if next(seen) == 4:
        for _ in range(int(sys.argv[2])):
            signal.raise_signal(signal.SIGTERM)
Reporter.step = counted
model = zoo.build("small_cnn", channels=[2], head="binary", in_channels=1, input_size=8, seed=0)
zoo.fit(model, {"name": "faces", "per_class": 12}, out=sys.argv[1], epochs=3, batch_size=6)
print("went on")
"""


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_process_that_is_told_to_end_keeps_its_run_and_ends(tmp_path: Path, times: int) -> None:
    command = [sys.executable, "-c", TOLD, str(tmp_path / "run"), str(times)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "went on" not in done.stdout
    assert "ended by SIGTERM after 1 epoch in " in done.stderr
    assert "interrupted" not in done.stderr
    assert "go on: zoo fit --resume" in done.stderr
    assert len(zoo.fit(resume=tmp_path / "run").history) == 3


def test_the_handler_of_sigterm_is_back_and_another_one_is_left_alone() -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert (interruption.asked, interruption.terminated) == (True, True)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with Interruption(patient=False):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
