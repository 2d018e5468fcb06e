"""zoo on an accelerator, beside the CPU: do the figures agree, and what does the loop cost.

1. The demo's phases on the accelerator; the frozen one on the CPU too, whose accuracy may differ by 0.05.
2. One epoch of every family of models in fp32 and bf16. Its loss may differ from the CPU's fp32 by 1 % in
   fp32 (the accelerator adds in another order, and convolutions may use TF32), by 10 % in bf16 (8 bits of
   mantissa).
3. Features of frozen blocks that are kept, against computing them in each epoch: losses within 1 %.
4. Save, load and predict: probabilities on accelerator and CPU within 0.01.
5. Microseconds a step of `zoo.fit` and of a plain torch loop, on the same batches in memory.
6. Images a second that are read for it, beside a plain `DataLoader` with `pin_memory`; no fewer.

Exits with status 1 where a tolerance is missed or something fails; a failure does not keep the rest from
running.

Run it with `python benchmarks/gpu.py` (meant to take under four minutes on one card); `--device cpu` tries
the script itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_reading import reading
from torch import nn

import zoo
from zoo.data.splits import split
from zoo.experiments.phases import unseen
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multiclass
from zoo.registry.lookup import recipe_series
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.recipe import Recipe
from zoo.training.recipe_data import with_data

LOSS = {"fp32": 0.01, "bf16": 0.10}
ACCURACY, PROBABILITY = 0.05, 0.01
STEPS, BATCH, SIZE = 60, 32, 64

FACES = {"name": "faces", "per_class": 12}
SHAPES = {"name": "shapes", "size": 64, "count": 24}
PHOTOS = {"name": "photos", "size": 64, "per_photo": 2}
BINARY = {"head": "binary", "in_channels": 1, "input_size": 64}
FAMILIES: Mapping[str, tuple[Mapping[str, Any], Any]] = {
    "vgg11_bn": (BINARY, FACES),
    "resnet18": (BINARY, FACES),
    "mobilenet_v2": (BINARY, FACES),
    "mobilenet_v3_small": (BINARY, FACES),
    "efficientnet_lite0": (
        {**BINARY, "drop_path": 0.0},
        FACES,
    ),  # drawn on the device, so in another way there
    "efficientnet_b0": ({**BINARY, "drop_path": 0.0}, FACES),
    "small_cnn": (BINARY, FACES),
    "tiny_resnet": (BINARY, FACES),
    "timm:convnext_atto": (BINARY, FACES),
    "timm:vit_tiny_patch16_224": ({**BINARY, "input_size": 224}, FACES),
    "unet": ({"encoder": "resnet18", "classes": 4, "input_size": 64}, SHAPES),
    "autoencoder": ({"in_channels": 1, "input_size": 32}, FACES),
    "dcgan": ({"in_channels": 1}, FACES),
    "srresnet": ({"blocks": 2}, PHOTOS),
}
"""Arguments of `zoo.build` and data, by the name of a model."""


@dataclass
class Report:
    """Rows that were printed, and what was missed."""

    device: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def say(self, part: str, text: str, *, fine: bool = True, **facts: Any) -> None:
        """Prints a row; one that is not fine counts."""
        print(f"  {part:<28} {text}{'' if fine else '   MISSED'}", flush=True)
        self.rows.append({"part": part, "fine": fine, **facts})
        if not fine:
            self.missed.append(part)

    def attempt(self, title: str, work: Callable[[Report], None]) -> None:
        """Runs a section; what it raises is shown and counts."""
        print(f"\n{title}", flush=True)
        started = time.perf_counter()
        try:
            work(self)
        except Exception as error:
            traceback.print_exc()
            self.say(title, f"failed: {type(error).__name__}", fine=False)
        print(f"  {time.perf_counter() - started:.1f} s")


class Memory(Dataset):
    """Random images in memory, ten classes; the first tenth validates."""

    task = Multiclass()
    labels = tuple("0123456789")

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.random((count, SIZE, SIZE, 3), dtype=np.float32)
        self._targets = [i % 10 for i in range(count)]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.images[index], self._targets[index])

    @property
    def targets(self) -> list[int]:
        return self._targets

    def split_of(self, index: int) -> str:
        return "val" if index < BATCH else "train"


def wait(device: str) -> None:
    """Until the accelerator has done all that it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def demo_phases(report: Report) -> None:
    """Section 1."""
    recipes = [Recipe.from_file(file) for file in recipe_series("demo")]
    trained = [recipe for recipe in recipes if recipe.trainer is not None]
    scores: dict[tuple[str, str], float] = {}
    for recipe in trained:
        filled, dataset = with_data(recipe)
        rest, _ = unseen(filled, recipe.seed or 0)
        name = f"{recipe.model.name}, freeze {recipe.model.freeze}"
        name += ", augmented" if recipe.augment else ""
        devices = [report.device, "cpu"] if recipe.model.freeze == "all" else [report.device]
        for device in devices:
            model = zoo.build(filled)
            with tempfile.TemporaryDirectory() as place:
                run = zoo.fit(model, dataset, out=f"{place}/run", device=device, progress=False)
                accuracy = zoo.evaluate(model, rest, split="all", device=device).metrics["accuracy"]
            scores[name, device] = accuracy
            apart = abs(accuracy - scores[name, report.device])
            report.say(
                f"{name} ({device})", f"accuracy {accuracy:.3f}  {run.seconds:6.1f} s",
                fine=apart <= ACCURACY, accuracy=accuracy, seconds=run.seconds,
            )  # fmt: skip


def one_epoch(
    name: str, arguments: Mapping[str, Any], data: Any, device: str, precision: str
) -> tuple[float, float]:
    """Training loss of an epoch, and its seconds."""
    model = zoo.build(name, seed=0, **arguments)
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        run = zoo.fit(
            model, data, epochs=1, batch_size=16, seed=0, device=device, precision=precision, cache=False,
            out=f"{place}/run", progress=False,
        )  # fmt: skip
        wait(device)
    row = run.history[0]
    key = next(key for key in ("loss", "loss_generator", *row) if key in row and key != "epoch")
    return float(row[key]), time.perf_counter() - started


def families(report: Report) -> None:
    """Section 2."""
    for name, (arguments, data) in FAMILIES.items():
        expected, _ = one_epoch(name, arguments, data, "cpu", "fp32")
        for precision, tolerance in LOSS.items():
            try:
                loss, seconds = one_epoch(name, arguments, data, report.device, precision)
            except zoo.ZooError as error:
                report.say(f"{name} {precision}", f"refused: {error}", fine=False)
                continue
            apart = abs(loss - expected) / max(abs(expected), 1e-6)
            report.say(
                f"{name} {precision}",
                f"loss {loss:.5f}, CPU {expected:.5f}, apart {apart:.2%}  {seconds:5.1f} s",
                fine=apart <= tolerance, loss=loss, cpu=expected, seconds=seconds,
            )  # fmt: skip


def feature_cache(report: Report) -> None:
    """Section 3."""
    losses, seconds = {}, {}
    for cache in (False, True):
        model = zoo.build("resnet18", head="multiclass", classes=10, input_size=SIZE, freeze="all", seed=0)
        with tempfile.TemporaryDirectory() as place:
            data = {"name": "digits", "per_class": 60}
            run = zoo.fit(
                model,
                data,
                epochs=5,
                seed=0,
                device=report.device,
                cache=cache,
                out=f"{place}/run",
                progress=False,
            )
        losses[cache], seconds[cache] = run.history[-1]["loss"], run.seconds
    apart = abs(losses[True] - losses[False]) / losses[False]
    text = f"loss {losses[True]:.5f} kept, {losses[False]:.5f} computed; "
    text += f"{seconds[True]:.1f} and {seconds[False]:.1f} s"
    report.say("resnet18, frozen", text, fine=apart <= LOSS["fp32"], losses=[*losses.values()],
               seconds=[*seconds.values()])  # fmt: skip


def save_load_predict(report: Report) -> None:
    """Section 4."""
    dataset = as_dataset("faces")
    images = [dataset[i].image for i in split(dataset).test]
    model = zoo.build("resnet18", head="binary", input_size=SIZE, seed=0)
    with tempfile.TemporaryDirectory() as place:
        zoo.fit(model, "faces", epochs=1, seed=0, device=report.device, out=f"{place}/run", progress=False)
        zoo.save(model, f"{place}/saved")
        there = zoo.predict(f"{place}/saved", images, device=report.device)
        here = zoo.predict(f"{place}/saved", images, device="cpu")
    apart = max(
        abs(a.scores[label] - b.scores[label]) for a, b in zip(there, here, strict=True) for label in a.scores
    )
    text = f"{len(images)} images, largest difference of a probability {apart:.5f}"
    report.say("resnet18", text, fine=apart <= PROBABILITY, difference=apart)


def loop_overhead(report: Report) -> None:
    """Section 5: the same number of steps twice; what differs between a long and a short run is the steps."""
    device = report.device
    data = Memory(BATCH * (STEPS + 1))

    def fitted(epochs: int) -> float:
        model = zoo.build("resnet18", head="multiclass", classes=10, input_size=SIZE, seed=0)
        with tempfile.TemporaryDirectory() as place:
            run = zoo.fit(
                model, data, epochs=epochs, batch_size=BATCH, lr=1e-3, seed=0, device=device,
                out=f"{place}/run", progress=False,
            )  # fmt: skip
        return run.seconds

    def plain(epochs: int) -> float:
        model = zoo.build("resnet18", head="multiclass", classes=10, input_size=SIZE, seed=0).to(device)
        optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
        images = torch.from_numpy(data.images[BATCH:]).permute(0, 3, 1, 2).contiguous()
        targets = torch.tensor(data.targets[BATCH:])
        started = time.perf_counter()
        for _ in range(epochs):
            for i in range(0, len(images), BATCH):
                output = model(images[i : i + BATCH].to(device))
                optimizer.zero_grad(set_to_none=True)
                loss(output, targets[i : i + BATCH].to(device)).backward()
                optimizer.step()
        wait(device)
        return time.perf_counter() - started

    plain(1)
    times = {
        name: (work(3) - work(1)) / (2 * STEPS) * 1e6 for name, work in (("plain", plain), ("zoo", fitted))
    }
    report.say(
        "resnet18, batch of 32 at 64x64",
        f"plain loop {times['plain']:,.0f} microseconds a step, "
        f"zoo.fit {times['zoo']:,.0f} with reading and validation",
        **times,
    )


SECTIONS: Mapping[str, tuple[str, Callable[[Report], None]]] = {
    "phases": ("the demo's phases", demo_phases),
    "families": ("one epoch of every family", families),
    "cache": ("features that are kept", feature_cache),
    "predict": ("save, load, predict", save_load_predict),
    "loop": ("a step", loop_overhead),
    "reading": ("reading", lambda report: reading(report, wait)),
}


def main() -> int:
    """Runs the sections, prints, and says whether all was as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", nargs="*", choices=[*SECTIONS], default=[*SECTIONS])
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device here; --device cpu tries the script itself", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    card = (
        torch.cuda.get_device_name()
        if given.device.startswith("cuda")
        else f"CPU, {torch.get_num_threads()} threads"
    )
    print(f"{card}; torch {torch.__version__}, zoo {zoo.__version__}")
    report, started = Report(given.device), time.perf_counter()
    for name in given.only:
        report.attempt(*SECTIONS[name])
    print(
        f"\n{card}: {time.perf_counter() - started:.0f} s; {len(report.missed)} missed {report.missed or ''}"
    )
    if given.out:
        given.out.write_text(
            json.dumps({"card": card, "torch": torch.__version__, "rows": report.rows}, indent=1)
        )
    return int(bool(report.missed))


if __name__ == "__main__":
    sys.exit(main())
