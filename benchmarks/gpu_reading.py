"""Reading for an accelerator: images a second of zoo's reading beside a plain `DataLoader` with `pin_memory`.

A section of `gpu.py`. JPEGs of 500 x 375, read for a model of 224 x 224 by as many workers as there are
processors: once alone, once with steps of a resnet18 in half precision, which a copy can run beside. Each
side in turns, the better of two epochs after one that starts the workers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import zoo
from zoo.data.batches import Batches
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.sources.class_folders import ClassFolders
from zoo.spec.inputs import InputSpec

SIDE, BATCH, ATTEMPTS = 224, 64, 2
DRAWN, TIMES, FEW = 768, 8, 64
"""Files that differ, how often each is there under another name, and all of them on a processor."""

LEAST = 1.0
"""Images a second of ours to those of the peer."""

LEAST_CHOSEN, EPOCHS = 0.9, 3
"""The same of a fit that chooses its workers to one with one for each processor."""

Epoch = Callable[[], Iterable[tuple[Tensor, Tensor]]]


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def photographs(folder: Path, count: int, times: int) -> Path:
    """Two class folders of smooth images with noise, each file under several names."""

    def drawn(i: int) -> None:
        rng = np.random.default_rng(i)
        smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        image = np.asarray(smooth.resize((500, 375), Image.Resampling.BICUBIC)).astype(np.int16)
        noisy = image + rng.normal(0, 6, (375, 500, 1)).astype(np.int16)
        place = folder / "ab"[i % 2] / f"{i}.jpg"
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(place, quality=90)
        for k in range(1, times):
            os.link(place, place.with_name(f"{i}-{k}.jpg"))

    for label in "ab":
        (folder / label).mkdir(parents=True)
    with ThreadPoolExecutor(processors()) as pool:
        list(pool.map(drawn, range(count)))
    return folder


def theirs(folder: Path, device: str, workers: int) -> Epoch:
    """An epoch of torchvision's `ImageFolder` as its documentation has it, with pinned memory."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Resize, ToTensor

    loader: Any = torch.utils.data.DataLoader(
        ImageFolder(str(folder), Compose([Resize((SIDE, SIDE)), ToTensor()])), batch_size=BATCH, shuffle=True,
        num_workers=workers, persistent_workers=True, pin_memory=device.startswith("cuda"),
    )  # fmt: skip

    def epoch() -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in loader:
            yield images.to(device, non_blocking=True), targets.to(device, non_blocking=True)

    return epoch


def ours(data: ClassFolders, device: str, workers: int, pixels: PixelCache | None) -> Epoch:
    """An epoch of zoo's, as `zoo.fit` reads it."""
    spec = InputSpec(size=(SIDE, SIDE), decode="fast")
    how: dict[str, Any] = {"batch_size": BATCH, "shuffle": True, "device": torch.device(device)}
    batches = Batches(data, range(len(data)), spec, workers=workers, pixels=pixels, **how)

    def epoch() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in batches:
            yield batch["image"].to(device), batch["target"].to(device)

    return epoch


def stepping(device: str) -> Callable[[Tensor, Tensor], None]:
    """A step of training: of a resnet18, and of one layer on a processor, where it tries the script."""
    model: nn.Module = nn.Sequential(nn.AvgPool2d(56), nn.Flatten(), nn.Linear(48, 2))
    if device.startswith("cuda"):
        model = zoo.build("resnet18", head="multiclass", classes=2, input_size=SIDE, seed=0)
    model = model.to(device).train()
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()

    def step(images: Tensor, targets: Tensor) -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            value = loss(model(images), targets)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()

    return step


def rate(epoch: Epoch, work: Callable[[Tensor, Tensor], None] | None, wait: Callable[[], None]) -> float:
    """Images a second, until the accelerator has done all that it was given."""
    started, count = time.perf_counter(), 0
    for images, targets in epoch():
        count += len(images)
        if work is not None:
            work(images, targets)
    wait()
    return count / (time.perf_counter() - started)


def apart(data: ClassFolders, device: str) -> float:
    """The largest difference between images on the accelerator and on the processor."""
    count, spec = min(len(data), 2 * BATCH), InputSpec(size=(SIDE, SIDE), decode="fast")
    here, there = (
        Batches(data, range(count), spec, batch_size=BATCH, device=torch.device(name))
        for name in ("cpu", device)
    )
    pairs = zip(here, there, strict=True)
    return max(float((one["image"] - other["image"].cpu()).abs().max()) for one, other in pairs)


def chosen(report: Any, folder: Path) -> None:
    """`zoo.fit` with the workers that it begins by itself, beside one for each processor.

    Args:
        report: of `gpu.py`.
        folder: of class folders.
    """
    best, began, card = {}, 0, report.device.startswith("cuda")
    for name, workers in (("by itself", None), ("one for each processor", processors())):
        network = "resnet18" if card else {"name": "mlp", "hidden": [8]}
        model = zoo.build(network, head="binary", input_size=SIDE, seed=0)
        run = zoo.fit(model, folder, epochs=EPOCHS, workers=workers, cache=False, batch_size=BATCH,
                      precision="bf16" if card else None, device=report.device, progress=False)  # fmt: skip
        best[name] = min(row["seconds"] for row in run.history[1:])
        began = began if workers is not None else run.chosen_workers
    ratio = best["one for each processor"] / best["by itself"]
    text = ", ".join(f"{name} {value:.2f}" for name, value in best.items())
    # The few files that try the script on a processor are read before workers pay
    report.say(f"zoo.fit, chose {began}", f"s an epoch: {text}; ratio {ratio:.2f}",
               fine=ratio >= LEAST_CHOSEN or not card, workers=began, **best)  # fmt: skip


def reading(report: Any, wait: Callable[[str], None]) -> None:
    """The section: rows of both sides, and of pixels that are kept.

    Args:
        report: of `gpu.py`.
        wait: until a device has done all that it was given.
    """
    device, workers, card = report.device, processors(), report.device.startswith("cuda")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        folder = photographs(home / "photos", *((DRAWN, TIMES) if card else (FEW, 1)))
        data = ClassFolders(folder)
        worst = apart(data, device)
        report.say("bytes sent", f"largest difference from a processor's numbers {worst:.1g}",
                   fine=worst == 0, apart=worst)  # fmt: skip
        sides = {
            "plain loader": theirs(folder, device, workers),
            "zoo": ours(data, device, workers, None),
        }
        for name, work in (("alone", None), ("with steps in bf16", stepping(device))):
            best = dict.fromkeys(sides, 0.0)
            for attempt in range(1 + ATTEMPTS):
                for side, epoch in sides.items():
                    found = rate(epoch, work, lambda: wait(device))
                    best[side] = max(best[side], found if attempt else 0.0)
            ratio = best["zoo"] / best["plain loader"]
            text = ", ".join(f"{side} {value:,.0f}" for side, value in best.items())
            report.say(f"{name}, {workers} workers", f"images/s: {text}; ratio {ratio:.2f}",
                       fine=ratio >= LEAST, **best)  # fmt: skip
        kept = ours(data, device, 0, PixelCache(data, InputSpec(size=(SIDE, SIDE), decode="fast"), home,
                                                torch.uint8, {}))  # fmt: skip
        rate(kept, None, lambda: wait(device))
        later = rate(kept, None, lambda: wait(device))
        chosen(report, folder)
        report.say("pixels that are kept", f"images/s: {later:,.0f}, in one process", later=later)
