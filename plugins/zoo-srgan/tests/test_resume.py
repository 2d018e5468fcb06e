"""A run that was killed ends as if nothing had happened: generator, discriminator and history."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import zoo
from zoo.spec.errors import TrainingError
from zoo.testing import killed_after

CODE = """
import sys, warnings, zoo
warnings.simplefilter("ignore")
head = {"name": "binary", "pool": "flatten", "hidden": [4], "activation": "leaky-relu"}
pair = zoo.build(
    "srgan", input_size=32, seed=0, generator={"name": "srresnet", "scale": 2, "width": 4, "blocks": 1},
    discriminator={"name": "srgan_discriminator", "width": 4, "head": head},
)
network = {"name": "tiny_resnet", "channels": [4, 8], "units": 1}
content = {"name": "content", "network": network, "tap": "block2"}
parts = {
    "content": {"weight": 0.01, "loss": content},
    "adversarial": {"weight": 1e-3, "schedule": {"name": "constant", "warmup": 1}},
}
SETTINGS = dict(
    data={"name": "photos", "size": 32, "per_photo": 2}, loss={"name": "perceptual", "parts": parts},
    epochs=4, pretrain_epochs=2, batch_size=6, lr={"generator": 1e-3, "discriminator": 1e-4},
    schedule="cosine", ema=0.9,
    degrade=["blur", "noise"], augment="flip", clip_norm=1.0, checkpoint_every=0,
)
"""
PER_EPOCH = 3
"""Steps: 16 training images in batches of six."""


def run(out: Path, **changes: object) -> object:
    space: dict[str, object] = {}
    exec(CODE, space)
    return zoo.fit(space["pair"], out=out, **{**space["SETTINGS"], **changes})


def rows(folder: Path) -> list[dict[str, float]]:
    history = json.loads((folder / "history.json").read_text())
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def same_end(one: Path, two: Path) -> None:
    a, b = zoo.load(one).state_dict(), zoo.load(two).state_dict()
    assert any(name.startswith("discriminator.") for name in a)
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert rows(one) == rows(two)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(folder)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
@pytest.mark.parametrize(
    "at", [1, PER_EPOCH, 2 * PER_EPOCH - 1, 2 * PER_EPOCH, 2 * PER_EPOCH + 1, 4 * PER_EPOCH - 1]
)
def test_killed_in_either_phase_and_between_them(whole: Path, tmp_path: Path, at: int) -> None:
    with killed_after(at):
        run(tmp_path / "cut")
    zoo.fit(resume=tmp_path / "cut")
    same_end(whole, tmp_path / "cut")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_a_game_goes_on_for_longer_and_pretraining_alone_does_not(tmp_path: Path) -> None:
    run(tmp_path / "whole", schedule="constant", epochs=3, pretrain_epochs=1)
    run(tmp_path / "short", schedule="constant", epochs=2, pretrain_epochs=1)
    zoo.fit(resume=tmp_path / "short", epochs=3)
    same_end(tmp_path / "whole", tmp_path / "short")
    run(tmp_path / "first", schedule="constant", epochs=1, pretrain_epochs=1)
    with pytest.raises(TrainingError, match="a run whose last phase can go on, got one of 1 epoch, all pre"):
        zoo.fit(resume=tmp_path / "first", epochs=2)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_killed_by_a_signal_again_and_again(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    begin = CODE + f"\nprint('ready', flush=True)\nzoo.fit(pair, out={str(cut)!r}, **SETTINGS)\n"
    go_on = f"import zoo\nprint('ready', flush=True)\nzoo.fit(resume={str(cut)!r}, checkpoint_every=0)\n"
    code, kills = begin, 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        moved = None
        while process.poll() is None and kills < 3:  # until the run has gone a step further than before
            time.sleep(0.02)
            checkpoint = cut / "checkpoint.safetensors"
            stamp = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
            moved = moved if moved is not None else stamp
            if stamp is not None and stamp != moved:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
                break
        if process.wait() == 0:
            break
        code = go_on
    assert kills
    same_end(whole, cut)
