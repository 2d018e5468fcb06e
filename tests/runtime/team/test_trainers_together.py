"""Each trainer of a pair or of images gives in two real processes what it gives in one, resumed or not."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

WORK = """
import sys, warnings, torch, zoo
from zoo.testing import killed_after
warnings.simplefilter("ignore")
out, resumes = sys.argv[1], len(sys.argv) > 2
# In several processes a batch norm sees the part of each: only its affine part is left
torch.nn.BatchNorm2d.forward = lambda self, x: x * self.weight[:, None, None] + self.bias[:, None, None]
encoder = {"name": "conv_encoder", "channels": [4, 8], "batch_norm": False}
def autoencoder(**options):
    return zoo.build("autoencoder", encoder=encoder, in_channels=1, input_size=8, seed=0, **options)
generator = {"name": "srresnet", "scale": 2, "width": 4, "blocks": 1, "input_size": 32, "batch_norm": False}
judge = {"name": "srgan_discriminator", "width": 4, "input_size": 32, "batch_norm": False,
         "head": {"name": "binary", "pool": "flatten", "hidden": [4], "activation": "leaky-relu"}}
loss = {"name": "perceptual", "parts": {"l1": 1.0, "adversarial": 0.1}}
digits, photos = {"name": "digits", "per_class": 6}, {"name": "photos", "size": 32, "per_photo": 2}
runs = {
    "noisy": (lambda: autoencoder(), digits, {"batch_size": 9, "noise": 0.2, "mask": 0.2, "lr": 0.05}),
    "variational": (lambda: autoencoder(latent=4, variational=True), digits,
                    {"batch_size": 9, "beta": 0.5, "noise": 0.1, "lr": 0.05}),
    "srgan": (lambda: zoo.build("srgan", generator=generator, discriminator=judge, seed=0), photos,
              {"batch_size": 6, "loss": loss, "pretrain_epochs": 1, "epochs": 3, "micro_batch_size": 2,
               "degrade": ["noise"], "augment": "flip", "lr": 0.01}),
}
for name, (make, data, extra) in runs.items():
    options = {"epochs": 2, "device": "cpu", "optimizer": "sgd", "progress": False, **extra}
    zoo.fit(make(), data, out=f"{out}/{name}", **options)
    if resumes:
        schedule = {"schedule": "constant"}
        epochs = options["epochs"]
        zoo.fit(make(), data, out=f"{out}/{name}-on", **{**options, **schedule, "epochs": epochs - 1})
        zoo.fit(resume=f"{out}/{name}-on", epochs=epochs, device="cpu", progress=False)
"""
NAMES = ("noisy", "variational", "srgan")


def trained(folder: Path, *launcher: str, resumes: bool = False) -> Path:
    script = folder.parent / "work.py"
    script.write_text(WORK)
    command = [sys.executable, *launcher, str(script), str(folder), *(["on"] if resumes else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def differences(one: Path, two: Path) -> list[str]:
    """Weights and figures of two runs that are not the same up to rounding."""
    mine, theirs = zoo.load(one).state_dict(), zoo.load(two).state_dict()
    found = [name for name in mine if float((mine[name] - theirs[name]).abs().max()) > 1e-5]
    rows = [json.loads((folder / "history.json").read_text()) for folder in (one, two)]
    assert len(rows[0]) == len(rows[1]) > 0
    for a, b in zip(*rows, strict=True):
        assert a.keys() == b.keys()
        figures = [name for name in a if name != "seconds"]
        found += [n for n in figures if not math.isclose(a[n], b[n], rel_tol=1e-4, abs_tol=1e-5)]
    return found


@pytest.mark.slow
def test_each_trainer_gives_in_two_processes_what_it_gives_in_one(tmp_path: Path) -> None:
    one = trained(tmp_path / "one")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    two = trained(tmp_path / "two", *launcher, resumes=True)
    for name in NAMES:
        assert differences(one / name, two / name) == [], name
        # One that went on in two processes ends as the one that did not stop
        assert differences(two / name, two / f"{name}-on") == [], name
        assert not (two / f"{name}-2").exists()
