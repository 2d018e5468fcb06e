"""What the feature cache saves: VGG16 at 150x150 on 200 images, frozen, beside the plain loop.

Two comparisons, each in one run: a head on the whole frozen base, and block5 with a head on frozen block1-4.
The plain loop is the same `zoo.fit` without the cache, which runs the frozen part each epoch; the cached run
begins with an empty cache, so its time includes filling it. Weights are random, which changes no time. Exits
with status 1 unless the totals are at least 15 and 4.5 times apart and the losses equal to float tolerance.

Run it with `python benchmarks/feature_cache.py` (about 25 minutes on two cores; `--epochs 3` for a look).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import zoo

IMAGES, SIZE = 200, 150
BARS = {"all": 15.0, "block1-4": 4.5}
TOLERANCE = 1e-3


def images(folder: Path) -> Path:
    """Class folders of noise with a class' own brightness."""
    rng = np.random.default_rng(0)
    for split, count in (("train", IMAGES // 2), ("val", 5)):
        for label, level in (("bright", 120), ("dark", 0)):
            place = folder / split / label
            place.mkdir(parents=True)
            for i in range(count):
                pixels = (level + rng.integers(0, 120, (SIZE, SIZE, 3))).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
    return folder


def run(data: Path, out: Path, freeze: str, epochs: int, cache: bool) -> tuple[float, list[float]]:
    """Seconds of a whole run, and its losses."""
    head = {"name": "binary", "pool": "flatten", "hidden": [256]}
    model = zoo.build("vgg16", head=head, input_size=SIZE, freeze=freeze, seed=0)
    started = time.perf_counter()
    settings = {"epochs": epochs, "batch_size": 20, "optimizer": "rmsprop", "lr": 1e-5}
    trained = zoo.fit(model, data, cache=cache, out=out, device="cpu", **settings)
    return time.perf_counter() - started, [row["loss"] for row in trained.history]


def main() -> int:
    """Measures, prints, and says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--freeze", choices=[*BARS], help="only this comparison")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    missed = False
    print(f"VGG16, {IMAGES} images of {SIZE}x{SIZE}, {given.epochs} epochs")
    with tempfile.TemporaryDirectory() as place:
        os.environ["ZOO_CACHE"] = f"{place}/cache"
        data = images(Path(place) / "data")
        run(data, Path(place) / "warm", "all", 1, False)
        for freeze in [given.freeze] if given.freeze else BARS:
            cached, ours = run(data, Path(place) / f"cached-{freeze}", freeze, given.epochs, True)
            plain, theirs = run(data, Path(place) / f"plain-{freeze}", freeze, given.epochs, False)
            apart = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True))
            ratio = plain / cached
            print(f"  frozen {freeze}: plain {plain:.1f} s, cached {cached:.1f} s, ratio {ratio:.1f} "
                  f"(bar {BARS[freeze]}), losses apart by {apart:.1e} at most", flush=True)  # fmt: skip
            missed |= ratio < BARS[freeze] or apart > TOLERANCE
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
