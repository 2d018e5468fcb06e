"""Faults of the disk, at some of the touches; `make faults` takes them all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.points import Faults

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("only", "every"),
    [
        ("save,save-new,push,pull,catalogue", 9),
        ("fit", 45),
        ("cache", 45),
        ("fit-autoencoder,fit-gan,fit-srgan", 180),
    ],
)
def test_what_a_fault_leaves_is_the_old_or_the_new_and_can_be_done_again(only: str, every: int) -> None:
    command = [sys.executable, "-m", "tests.faults", "--only", only, "--every", str(every)]
    counts = ["--moments", "3", "--full", "3", "--together", "40"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *counts],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 wrong") >= 3 * len(only.split(","))


def test_a_touch_is_counted_where_it_is_and_struck_once_its_turn_comes(tmp_path: Path) -> None:
    faults = Faults([tmp_path / "mine"], at=3, kind="full")
    (tmp_path / "mine").mkdir()
    for _ in range(2):
        faults.touch(tmp_path / "mine" / "a")
        faults.touch(tmp_path / "other" / "a")
    assert faults.count == 2
    faults.touch(tmp_path / "mine" / "a", frees=True)  # room is made on a full disk too
    with pytest.raises(OSError, match="No space left"):
        faults.touch(tmp_path / "mine" / "a")
