"""Kills processes that push and pull, and says what is left; run as a program, so that it can fork.

    python -m tests.hub.hub_crashes FOLDER

with `HF_ENDPOINT` naming a Hub that may be written to. It prints, by mode, what was found after each kill:
"old", "new", "nothing", or an error.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import zoo
from tests.faults.scenarios import digest, model

REPO = "me/cats"
KILLS = 12


def killed(work: Callable[[], None], after: float) -> None:
    """Runs `work` in a fork, and kills that from outside after so many seconds."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def answer(work: Callable[[], str]) -> str:
    """What `work` says, in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = work()
        except Exception as error:  # whatever it is, the test shows it
            said = repr(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read().decode()


class Case:
    """One thing that is cut off.

    Args:
        folder: to work in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = {"old": model(1), "new": model(2)}
        self.names = {digest(made): name for name, made in self.models.items()}
        self.saved = {name: zoo.save(made, folder / name) for name, made in self.models.items()}
        self.count = 0

    def name(self, found: Any) -> str:
        return self.names.get(digest(found), "a mix")

    def fresh(self) -> Path:
        self.count += 1
        return self.folder / f"cache-{self.count}"

    def kills(self, work: Callable[[], Any], look: Callable[[], str]) -> Iterator[str]:
        begun = time.monotonic()
        answer(lambda: str(work()))
        whole = time.monotonic() - begun
        draw = random.Random(0)

        def forever() -> None:
            while True:
                work()

        for _ in range(KILLS):
            killed(forever, draw.uniform(0.001, 1.2 * whole))
            yield look()

    def push(self) -> Iterator[str]:
        """Pushes of one and the other, in turn."""

        def work() -> None:
            for name in ("new", "old"):
                zoo.push(self.saved[name], REPO)

        def look() -> str:
            cache = self.fresh()
            return answer(lambda: self.name(zoo.pull(REPO, cache_dir=cache)))

        zoo.push(self.saved["old"], REPO)
        yield from self.kills(work, look)
        zoo.push(self.saved["old"], REPO)
        yield f"at last {look()}"

    def pull(self) -> Iterator[str]:
        """Pulls into one cache, that the next one finds."""
        cache = self.fresh()
        yield from self.kills(
            lambda: zoo.pull(REPO, cache_dir=cache, force_download=True),
            lambda: answer(lambda: self.name(zoo.pull(REPO, cache_dir=cache))),
        )

    def readers(self) -> Iterator[str]:
        """Loads while another process saves all the time."""
        out = self.folder / "shared"
        zoo.save(self.models["old"], out)
        child = os.fork()
        if child == 0:
            while True:
                zoo.save(self.models["new"], out)
                zoo.save(self.models["old"], out)
        for _ in range(10 * KILLS):
            yield answer(lambda: self.name(zoo.load(out)))
        os.kill(child, 9)
        os.waitpid(child, 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = {}
    for mode in ("push", "pull", "readers"):
        (place := Path(sys.argv[1]) / mode).mkdir(parents=True)
        found[mode] = [*getattr(Case(place), mode)()]
    print(json.dumps(found))
