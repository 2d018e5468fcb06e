"""Segmentation of drawn shapes: a U-Net, the same without skips, and convolutions in a row (row X6).

All three learn from the same images for the same number of steps, and are measured on the test split. Exits
with status 1 where the U-Net's mean IoU is below the bar, or its training took more than five minutes; on two
cores, with nothing else to do.

Run it with `python benchmarks/shapes.py`; `--image FILE` draws the worst of its answers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zoo

SIZE = 64
DATA = {"name": "shapes", "size": SIZE, "count": 4000}
LABELS = ("background", "circle", "square", "triangle")
ENCODER = {"name": "unet_encoder", "widths": [16, 32, 64, 128]}
LOSS = {"name": "perceptual", "parts": {"pixel-cross-entropy": 1.0, "dice": 0.5}}
BAR, MOST_SECONDS = 0.90, 300.0

RIVALS: dict[str, dict[str, Any]] = {
    "unet": {"name": "unet", "encoder": ENCODER},
    "unet without skips": {"name": "unet", "encoder": ENCODER, "skips": False},
    "sequential_cnn": {"name": "sequential_cnn", "channels": [32, 32, 32, 32]},
}


def main() -> int:
    """Trains, prints, and says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--only", choices=[*RIVALS], help="train this one alone")
    parser.add_argument("--image", type=Path)
    given = parser.parse_args()
    print(f"{'':<20}{'parameters':>12}{'seconds':>9}{'IoU':>8}  " + "".join(f"{x:>12}" for x in LABELS))
    failed = False
    for name, model in RIVALS.items():
        if given.only not in (None, name):
            continue
        built = zoo.build(model, classes=LABELS, input_size=SIZE, seed=0)
        with tempfile.TemporaryDirectory() as place:
            started = time.perf_counter()
            zoo.fit(
                built, DATA, loss=LOSS, epochs=given.epochs, batch_size=8, lr=4e-3, schedule="one-cycle",
                monitor="val_iou", seed=0, out=Path(place) / "run",
            )  # fmt: skip
            seconds = time.perf_counter() - started
            found = zoo.evaluate(built, DATA, out=Path(place) / "figures")
            if given.image is not None and name == "unet":
                shutil.copy(Path(place) / "figures" / "worst.png", given.image)
        size = sum(p.numel() for p in built.parameters())
        rows = "".join(f"{found.per_class[label]['iou']:12.3f}" for label in LABELS)
        print(f"{name:<20}{size:>12,}{seconds:9.0f}{found.metrics['iou']:8.3f}  {rows}", flush=True)
        if name == "unet":
            failed = found.metrics["iou"] < BAR or seconds > MOST_SECONDS
    print(f"bar for unet: {BAR} within {MOST_SECONDS:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
