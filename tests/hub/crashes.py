"""Kills processes that save, and says what is left; run as a script, so that it can fork before any thread.

    python crashes.py FOLDER

prints, by mode, one row a killed process: `at` (the call or second it died at), `found` ("old", "new",
"nothing" or an error), and `left` (what lies around after one more save).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo.interfaces.model import Model

EVENTS = ("open", "os.rename", "os.mkdir", "os.rmdir")
MODES = ("calls", "fresh", "moments")
MOMENTS = 20


def digest(model: Model) -> str:
    """Of all tensors, and of what `config.json` tells."""
    found = hashlib.sha256(repr((model.labels, model.metrics)).encode())
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


def model(seed: int) -> Model:
    made = zoo.build("mlp", hidden=[64, 8], head="multiclass", classes=[f"{seed}a", f"{seed}b", "c"],
                     in_channels=1, input_size=8, seed=seed)  # fmt: skip
    made.metrics = {"val": {"accuracy": seed / 10}}
    return made


def killed(work: Callable[[], None], after: float | None = None) -> bool:
    """Runs `work` in a fork, killed from outside if `after` seconds are given; whether it was killed."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def dying(work: Callable[[], Any], folder: Path, at: int) -> Callable[[], None]:
    """`work`, killed just before its `at`-th call that touches the disk."""
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and str(folder.parent) in str(arguments[0]):
            count()

    def sync(handle: int) -> None:
        count()
        real(handle)

    real = os.fsync

    def run() -> None:
        sys.addaudithook(listen)
        os.fsync = sync
        work()

    return run


def state(folder: Path, known: dict[str, str]) -> str:
    if not folder.exists():
        return "nothing"
    try:
        return known.get(digest(zoo.load(folder)), "a mix")
    except Exception as error:  # whatever it is, the test shows it
        return repr(error)


def left(folder: Path) -> list[str]:
    """Names in the folder and of what is beside it."""
    return sorted([p.name for p in folder.iterdir()] + [p.name for p in folder.parent.iterdir()])


def rows(mode: str, folder: Path) -> list[dict[str, Any]]:
    old, new = model(1), model(2)
    known = {digest(old): "old", digest(new): "new"}
    found: list[dict[str, Any]] = []
    folder.parent.mkdir(parents=True)

    def row(at: Any) -> None:
        what = state(folder, known)
        zoo.save(old, folder)
        assert state(folder, known) == "old"
        found.append({"at": at, "found": what, "left": left(folder)})

    if mode == "moments":
        zoo.save(old, folder)
        draw = random.Random(0)

        def forever() -> None:
            while True:
                zoo.save(new, folder)
                zoo.save(old, folder)

        for _ in range(MOMENTS):
            after = draw.uniform(0.001, 0.06)
            killed(forever, after)
            row(after)
        return found
    for at in range(1, 1000):
        shutil.rmtree(folder, ignore_errors=True)
        if mode == "calls":
            zoo.save(old, folder)
        dead = killed(dying(lambda: zoo.save(new, folder), folder, at))
        row(at)
        if not dead:
            return found
    raise AssertionError("the save never ended")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({mode: rows(mode, Path(sys.argv[1]) / mode / "model") for mode in MODES}))
