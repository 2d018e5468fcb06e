"""A denoising autoencoder on `digits`: what it restores, and what its encoder is worth with 50 labels.

For each of five seeds the autoencoder is trained on the training split, without labels. Then
1. the images of the test split get Gaussian noise (cut off at 0 and 1); the peak signal-to-noise ratio,
   scikit-image's, of what is restored is set beside that of the noisy images themselves;
2. its encoder, frozen, gets a linear head and 50 labels (5 of each digit, of the training split); the same
   network from scratch gets the same 50. No other label decides anything: the epoch is chosen by the
   training loss. Both are measured on the test split, which no training saw.

Exits with status 1 unless each seed restores at least 4 dB. The accuracies are printed as they are.

Run it with `python benchmarks/autoencoder.py` (two to four minutes on one thread).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio

import zoo
from zoo.data.splits import split
from zoo.interfaces.dataset import Dataset, Sample
from zoo.runtime.data_arguments import as_dataset

NOISE, BAR = 0.4, 4.0
PER_CLASS, VAL = 5, 50
SIZE = 8
HEAD = {"name": "multiclass", "pool": "flatten"}


class Chosen(Dataset):
    """Some images of a data set, in splits that are given."""

    def __init__(self, dataset: Dataset, sides: Mapping[str, Sequence[int]]) -> None:
        self.dataset, self.task, self.labels = dataset, dataset.task, dataset.labels
        self.places = [(int(i), name) for name, indices in sides.items() for i in indices]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.places[index][0]]

    @property
    def targets(self) -> Sequence[Any]:
        targets = self.dataset.targets
        return [targets[i] for i, _ in self.places]

    def split_of(self, index: int) -> str:
        return self.places[index][1]


def few_labels(dataset: Dataset, seed: int) -> Chosen:
    """Five training images of each class; validation and test images as they were for the autoencoder."""
    whole, rng = split(dataset, seed), np.random.default_rng(seed)
    by_class: dict[int, list[int]] = {}
    for i in rng.permutation(whole.train):
        by_class.setdefault(dataset.targets[i], []).append(i)
    train = [i for found in by_class.values() for i in found[:PER_CLASS]]
    return Chosen(dataset, {"train": train, "val": whole.val[:VAL], "test": whole.test})


def restored(model: zoo.Model, dataset: Dataset, seed: int) -> tuple[float, float]:
    """Mean peak signal-to-noise ratio in dB of the noisy test images, and of what is made of them."""
    clean = np.stack([dataset[i].image / 255 for i in split(dataset, seed).test]).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, NOISE, clean.shape)
    noisy = (clean + noise).clip(0, 1).astype(np.float32)
    found = zoo.predict(model, noisy)
    after = [np.moveaxis(np.asarray(item.image), 0, -1) for item in found]

    def ratio(images: Sequence[Any]) -> float:
        pairs = zip(clean, images, strict=True)
        return statistics.fmean(peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs)

    return ratio(list(noisy)), ratio(after)


def main() -> int:
    """Measures, prints, and says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    dataset = as_dataset("digits")
    gains: list[float] = []
    scores: dict[str, list[float]] = {"frozen encoder": [], "from scratch": []}
    started = time.perf_counter()
    print(f"digits of {SIZE}x{SIZE}, noise of standard deviation {NOISE}, {PER_CLASS * 10} labels")
    with tempfile.TemporaryDirectory() as place:
        for seed in range(given.seeds):
            folder = Path(place) / str(seed)
            model = zoo.build("autoencoder", in_channels=1, input_size=SIZE, seed=seed)
            zoo.fit(
                model, "digits", seed=seed, noise=NOISE, epochs=20, lr=2e-3, schedule="one-cycle",
                out=folder / "autoencoder", device="cpu",
            )  # fmt: skip
            before, after = restored(model, dataset, seed)
            gains.append(after - before)
            labelled = few_labels(dataset, seed)
            common: dict[str, Any] = {"head": HEAD, "classes": 10, "seed": seed}
            arms = {
                "frozen encoder": zoo.build(f"file:{folder / 'autoencoder'}", freeze="all", **common),
                "from scratch": zoo.build("conv_encoder", in_channels=1, input_size=SIZE, **common),
            }
            for name, arm in arms.items():
                zoo.fit(
                    arm, labelled, seed=seed, epochs=60, batch_size=10, lr=2e-3, monitor="loss",
                    out=folder / name.replace(" ", "-"), device="cpu",
                )  # fmt: skip
                scores[name].append(zoo.evaluate(arm, labelled, device="cpu").metrics["accuracy"])
            accuracies = ", ".join(f"{name} {values[-1]:.1%}" for name, values in scores.items())
            print(f"  seed {seed}: noisy {before:.2f} dB, restored {after:.2f} dB; {accuracies}", flush=True)
    mean, least = statistics.fmean(gains), min(gains)
    print(f"restored {mean:.2f} dB above the noisy images, at least {least:.2f} (bar {BAR})")
    for name, values in scores.items():
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(f"{name}: accuracy {statistics.fmean(values):.1%}, standard deviation {spread:.1%}")
    print(f"{time.perf_counter() - started:.0f} s on one thread")
    return int(least < BAR)


if __name__ == "__main__":
    sys.exit(main())
