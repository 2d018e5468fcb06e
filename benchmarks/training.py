"""What the training loop costs a step: zoo's engine and Accelerate's loop beside a bare one, on a small MLP.

All three train the same network on the same batches in memory, in turns in one run. zoo's figure includes its
metrics, its seeding of each step and its look at the loss. Exits with status 1 unless zoo adds less than half
of what Accelerate adds.

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
from functools import partial
from pathlib import Path

import torch
from torch import nn

import zoo
from zoo.builtin.losses import CrossEntropy
from zoo.builtin.supervised import Supervised
from zoo.data.order import Order
from zoo.interfaces.augmenter import Batch
from zoo.training.engine import Engine, Saving
from zoo.training.job import Job

STEPS, SIZE, CLASSES = 300, 32, 10
BAR = 0.5


class Ready:
    """Batches that are in memory already."""

    def __init__(self, count: int) -> None:
        self.order = Order(range(count * SIZE), batch_size=SIZE)
        images, targets = torch.rand(count, SIZE, 1, 28, 28), torch.randint(CLASSES, (count, SIZE))
        index = torch.arange(SIZE)
        self.batches: list[Batch] = [
            {"image": x, "target": y, "index": index} for x, y in zip(images, targets, strict=True)
        ]

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches."""
        return iter(self.batches[skip:])


def mlp() -> zoo.Model:
    """784 - 128 - 64 - 10, as zoo builds it."""
    return zoo.build(
        "mlp", hidden=[128, 64], head="multiclass", classes=CLASSES, in_channels=1, input_size=28, seed=0
    )


def bare(model: nn.Module, data: Ready) -> None:
    """The loop that everybody writes first."""
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    model.train()
    for batch in data.batches:
        value = loss(model(batch["image"]), batch["target"])
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()


def accelerates(model: nn.Module, data: Ready) -> None:
    """The same through Accelerate, as its documentation writes it."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    pairs = [(batch["image"], batch["target"]) for batch in data.batches]
    loader = torch.utils.data.DataLoader(pairs, batch_size=None)  # type: ignore[arg-type]
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    model.train()
    for image, target in loader:
        value = loss(model(image), target)
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(value)
        optimizer.step()


def zoos(model: zoo.Model, data: Ready, val: Ready, folder: Path) -> None:
    """One epoch of the engine, checkpoints allowed as by default."""
    job = Job(folder, {})
    engine = Engine(
        model=model, trainer=Supervised(epochs=1), loss=CrossEntropy(), train=data, val=val, seed=0,
        device=torch.device("cpu"), saving=Saving(write=job.keep, every=30.0),
    )  # fmt: skip
    engine.run()


def seconds(run: Callable[[], None]) -> float:
    """Of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> int:
    """Measures, prints, and says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    data, val = Ready(STEPS), Ready(1)
    taken: dict[str, list[float]] = {"bare": [], "zoo": [], "accelerate": []}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(given.repeats + 1):
            now = {
                "bare": seconds(partial(bare, mlp(), data)),
                "zoo": seconds(partial(zoos, mlp(), data, val, Path(place))),
                "accelerate": seconds(partial(accelerates, mlp(), data)),
            }
            if turn:  # the first warms up
                for name, value in now.items():
                    taken[name].append(value / STEPS * 1e6)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"microseconds a step of {SIZE} pictures, one thread, medians of {given.repeats} turns")
    for name, value in medians.items():
        print(f"  {name:<12}{value:8.0f}   {value - medians['bare']:+8.0f} over the bare loop")
    ratio = (medians["zoo"] - medians["bare"]) / (medians["accelerate"] - medians["bare"])
    print(f"overhead of zoo / accelerate: {ratio:.2f} (bar {BAR})")
    return int(ratio > BAR)


if __name__ == "__main__":
    sys.exit(main())
