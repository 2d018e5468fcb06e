"""How fast `image-data-generator` is beside the same augmentation by other libraries, on one CPU thread.

256 images of 150 x 150 x 3: rotation up to 40 degrees, shifts of 0.2, shear of 0.2 degrees, zoom of 0.2,
horizontal flip, and the nearest pixel outside. All take float32 images in the layout that they like best,
and give them back in it, one by one or in batches, whichever is faster; zoo takes and gives what a training
batch is, N x C x H x W, 32 at a time, with new generators for each sample. Two of them also take uint8, which
is less to move and to compute: zoo's float32 is held against that too, by the same bars.

torchvision has no nearest pixel outside, so images are padded with their edge as far as the affine map may
reach, warped, and cropped. Times are of the CPU, so that other processes do not count; the libraries take
turns, and medians are compared. That is one run; where a process finds its memory decides about a tenth of
its time, so that there are five runs, each in a process of its own, and the median of their ratios is held
against the bar. Exits with status 1 where a bar is missed.

Run it with `python benchmarks/augmentation.py`, in an environment that has the four others.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

os.environ |= {"KERAS_BACKEND": "torch", "NO_ALBUMENTATIONS_UPDATE": "1", "OMP_NUM_THREADS": "1"}
warnings.simplefilter("ignore")

import albumentations as A  # noqa: E402
import cv2  # noqa: E402
import kornia.augmentation as K  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator  # noqa: E402
from torchvision.transforms import v2  # noqa: E402
from zoo_augment.keras import ImageDataGenerator  # noqa: E402

from zoo.interfaces.draws import draws  # noqa: E402
from zoo.interfaces.geometry.warp import resampler  # noqa: E402

COUNT, SIDE, BATCH = 256, 150, 32
BARS = {"torchvision v2": 10.0, "keras": 10.0, "kornia": 3.0, "albumentations": 1.5}
COMPARED = [
    *[(library, "float32") for library in BARS],
    ("torchvision v2", "uint8"),
    ("albumentations", "uint8"),
]
TURNED, MOVED, SHEARED, ZOOMED = 40, 0.2, 0.2, (0.8, 1.2)
REACH = 100
"""Pixels: half of the diagonal times the largest zoom, and the shift, less half of a side."""


def floats() -> torch.Tensor:
    """The images, N x C x H x W in [0, 1]."""
    return torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def each(images: Iterable[Any], change: Callable[[Any], object]) -> Callable[[], object]:
    """A pass image by image, which like all others keeps no result: fresh memory costs time."""

    def once() -> None:
        for image in images:
            change(image)

    return once


def by_zoo(x: torch.Tensor) -> Callable[[], object]:
    """A pass over batches; each pass is another epoch."""
    chain = ImageDataGenerator(
        rotation_range=TURNED,
        width_shift_range=MOVED,
        height_shift_range=MOVED,
        shear_range=SHEARED,
        zoom_range=0.2,
        horizontal_flip=True,
    )
    epochs = iter(range(1, 10**6))

    def once() -> None:
        epoch = next(epochs)
        for first in range(0, COUNT, BATCH):
            indices = range(first, first + BATCH)
            chain({"image": x[first : first + BATCH]}, draws(0, epoch, indices))

    return once


def by_keras(x: np.ndarray) -> Callable[[], object]:
    """Image by image, H x W x C."""
    generator = KerasGenerator(
        rotation_range=TURNED,
        width_shift_range=MOVED,
        height_shift_range=MOVED,
        shear_range=SHEARED,
        zoom_range=0.2,
        horizontal_flip=True,
        data_format="channels_last",
    )
    return each(x, generator.random_transform)


def by_torchvision(x: torch.Tensor) -> Callable[[], object]:
    """Image by image, C x H x W, padded by the edge."""
    padded = SIDE + 2 * REACH
    chain = v2.Compose(
        [
            v2.Pad(REACH, padding_mode="edge"),
            v2.RandomAffine(
                TURNED,
                translate=(MOVED * SIDE / padded, MOVED * SIDE / padded),
                scale=ZOOMED,
                shear=SHEARED,
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.CenterCrop(SIDE),
            v2.RandomHorizontalFlip(),
        ]
    )
    return each(x, chain)


def by_kornia(x: torch.Tensor, batch: int) -> Callable[[], object]:
    """Batch by batch, N x C x H x W."""
    chain = torch.nn.Sequential(
        K.RandomAffine(
            TURNED, (MOVED, MOVED), (*ZOOMED, *ZOOMED), (-SHEARED, SHEARED), padding_mode="border", p=1.0
        ),
        K.RandomHorizontalFlip(),
    )

    def once() -> None:
        with torch.no_grad():
            for first in range(0, COUNT, batch):
                chain(x[first : first + batch])

    return once


def by_albumentations(x: np.ndarray) -> Callable[[], object]:
    """Image by image, H x W x C."""
    both = (-MOVED, MOVED)
    affine = A.Affine(
        rotate=(-TURNED, TURNED),
        translate_percent={"x": both, "y": both},
        shear={"x": (-SHEARED, SHEARED), "y": (0.0, 0.0)},
        scale={"x": ZOOMED, "y": ZOOMED},
        border_mode=cv2.BORDER_REPLICATE,
        p=1.0,
    )
    chain = A.Compose([affine, A.HorizontalFlip(p=0.5)])
    return each(x, lambda image: chain(image=image))


def measure(cases: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Images a second, by the median time; the cases take turns."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(-1, repeats):  # the first turn warms up
        for name, once in cases.items():
            start = time.process_time()
            once()
            if turn >= 0:
                times[name].append(time.process_time() - start)
    return {name: COUNT / statistics.median(taken) for name, taken in times.items()}


def rates(repeats: int) -> dict[str, float]:
    """Images a second of all libraries in one run."""
    chw = floats()
    chw8 = (chw * 255).to(torch.uint8)
    hwc, hwc8 = (x.permute(0, 2, 3, 1).contiguous().numpy() for x in (chw, chw8))
    return measure(
        {
            "zoo, float32": by_zoo(chw),
            "torchvision v2, float32": by_torchvision(chw),
            "keras, float32": by_keras(hwc),
            "kornia, float32, batches of 32": by_kornia(chw, 32),
            "kornia, float32, batch of 256": by_kornia(chw, COUNT),
            "albumentations, float32": by_albumentations(hwc),
            "torchvision v2, uint8": by_torchvision(chw8),
            "albumentations, uint8": by_albumentations(hwc8),
        },
        repeats,
    )


def ratio(run: dict[str, float], library: str, kind: str) -> float:
    """How many times as fast as a library zoo was in a run, at the library's best."""
    return run["zoo, float32"] / max(
        rate for case, rate in run.items() if case.startswith(f"{library}, {kind}")
    )


def in_a_process(repeats: int) -> dict[str, float]:
    """Rates of a run in a process of its own."""
    words = [sys.executable, __file__, "--one", "--repeats", str(repeats)]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def main() -> int:
    """Measures, prints a table, and gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=5, help="passes over all images by each library")
    parser.add_argument("--runs", type=int, default=5, help="processes, of which the median counts")
    parser.add_argument("--one", action="store_true", help="measure in this process, and print JSON")
    given = parser.parse_args()
    if given.one:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        print(json.dumps(rates(given.repeats)))
        return 0
    runs = [in_a_process(given.repeats) for _ in range(given.runs)]
    print(f"zoo resamples with {resampler('cpu')}; medians of {given.runs} runs")
    for case in runs[0]:
        print(f"{case:<32}{statistics.median(run[case] for run in runs):>8,.0f} images/s")
    missed = False
    for library, kind in COMPARED:
        ratios = sorted(ratio(run, library, kind) for run in runs)
        found, bar = statistics.median(ratios), BARS[library]
        missed |= found < bar
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        verdict = "met" if found >= bar else "MISSED"
        print(f"zoo / {library + ', ' + kind:<26}{found:>8.2f}    ({spread})  bar {bar:g}  {verdict}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
