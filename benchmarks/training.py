"""What a training step costs: the loop that everybody writes first, zoo's engine, and Accelerate's loop.

All three train the same network on the same batches in memory, in turns in one run: a small MLP, and
resnet18 on images of 64 pixels. The loop that everybody writes has torch's Adam as it is; zoo's has fused
kernels, and besides its metrics, its seeding of each step and its look at the loss. Only steps are timed,
not what comes after the last one. Exits with status 1 unless a step of zoo's takes at most 0.75 of the bare
loop's, for each network.

Run it with `python benchmarks/training.py`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import zoo
from zoo.builtin.losses import CrossEntropy
from zoo.builtin.supervised import Supervised
from zoo.data.batch_order import Order
from zoo.interfaces.augmenter import Batch
from zoo.training.engine import Engine, Saving
from zoo.training.record.run_folder import RunFolder

CLASSES = 10
BAR = 0.75


@dataclass(frozen=True)
class Case:
    """A network and its batches.

    Args:
        name: of the network.
        options: for `zoo.build`, besides the head.
        size: images a batch.
        steps: of a turn.
    """

    name: str
    options: dict[str, Any]
    size: int
    steps: int

    def model(self) -> zoo.Model:
        """The network as zoo builds it."""
        return zoo.build(self.name, head="multiclass", classes=CLASSES, seed=0, **self.options)


CASES = (
    Case("mlp", {"hidden": [128, 64], "in_channels": 1, "input_size": 28}, size=32, steps=500),
    Case("resnet18", {"input_size": 64}, size=4, steps=10),
)


class Ready:
    """Batches that are in memory already; notes how long it took to go through them."""

    def __init__(self, case: Case, count: int) -> None:
        self.order = Order(range(count * case.size), batch_size=case.size)
        channels, size = case.options.get("in_channels", 3), case.options["input_size"]
        images = torch.rand(count, case.size, channels, size, size)
        targets, index = torch.randint(CLASSES, (count, case.size)), torch.arange(case.size)
        self.batches: list[Batch] = [
            {"image": x, "target": y, "index": index} for x, y in zip(images, targets, strict=True)
        ]
        self.seconds = 0.0

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches."""
        started = time.perf_counter()
        yield from self.batches[skip:]
        self.seconds = time.perf_counter() - started


def bare(model: nn.Module, data: Ready) -> None:
    """The loop that everybody writes first."""
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    model.train()
    for batch in data.epoch():
        optimizer.zero_grad()
        value = loss(model(batch["image"]), batch["target"])
        value.backward()
        optimizer.step()


def accelerates(model: nn.Module, data: Ready) -> None:
    """The same through Accelerate, as its documentation writes it."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    loader = torch.utils.data.DataLoader(data.batches, batch_size=None)  # type: ignore[arg-type]
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    model.train()
    started = time.perf_counter()
    for batch in loader:
        optimizer.zero_grad()
        value = loss(model(batch["image"]), batch["target"])
        accelerator.backward(value)
        optimizer.step()
    data.seconds = time.perf_counter() - started


def zoos(model: zoo.Model, data: Ready, val: Ready, folder: Path) -> None:
    """One epoch of the engine, checkpoints allowed as by default."""
    job = RunFolder(folder, {})
    engine = Engine(
        model=model, trainer=Supervised(epochs=1), loss=CrossEntropy(), train=data, val=val, seed=0,
        device=torch.device("cpu"), saving=Saving(write=job.keep, every=30.0),
    )  # fmt: skip
    engine.run()


def measure(case: Case, repeats: int, place: Path) -> float:
    """Prints what a step takes in each of the loops; returns zoo's share of the bare one."""
    data, val = Ready(case, case.steps), Ready(case, 1)
    loops: dict[str, Callable[[zoo.Model], None]] = {
        "bare": partial(bare, data=data),
        "zoo": partial(zoos, data=data, val=val, folder=place),
        "accelerate": partial(accelerates, data=data),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(repeats + 1):
        for name, loop in loops.items():
            loop(case.model())
            if turn:  # the first warms up
                taken[name].append(data.seconds / case.steps * 1e6)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{case.name}: microseconds a step of {case.size} images, one thread, medians of {repeats} turns")
    for name, value in medians.items():
        print(f"  {name:<12}{value:10.0f}   {value / medians['bare']:6.2f} of the bare loop")
    share = medians["zoo"] / medians["bare"]
    beside = medians["zoo"] / medians["accelerate"]
    print(f"  zoo / bare: {share:.2f} (bar {BAR}), zoo / accelerate: {beside:.2f}")
    return share


def main() -> int:
    """Measures, prints, and says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        shares = [measure(case, given.repeats, Path(place)) for case in CASES]
    return int(max(shares) > BAR)


if __name__ == "__main__":
    sys.exit(main())
