"""Whether a GAN learns the digits within minutes on a CPU, in the eyes of a network that had no part in it.

`dcgan` is trained on the train split of `digits` by the trainer `gan`. A classifier, trained on the same
split and measured on the real test split, then looks at 1,000 new images. The bars: the classifier is right
for more than 97 % of the real test images; it finds all ten digits among the new ones, none of them in more
than 30 %; and the Frechet distance between new and real test images, in what the classifier's head takes,
is at most a quarter of that of the generator before training; all within ten minutes. For comparison, the
distance between the real train and test images. Exits with status 1 where a bar is missed.

Run it with `python benchmarks/gan.py`; `--out FOLDER` keeps classifier, run and images.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

import zoo
from zoo.inference.sample_quality import FeatureExtractor, compare
from zoo.runtime.data_arguments import as_dataset

SIZE, SAMPLES, SEED = 16, 1000, 0
LEAST_ACCURACY, LARGEST_SHARE, DISTANCE_SHARE, SECONDS = 0.97, 0.30, 0.25, 600
GENERATOR = {"name": "dcgan_generator", "width": 32, "latent": 32}
DISCRIMINATOR = {"name": "dcgan_discriminator", "channels": [32, 64], "norm": "layer", "head": "binary"}
LOSS = {"name": "adversarial", "gradient_penalty": 1.0}
TRAINING: dict[str, Any] = {"loss": LOSS, "epochs": 100, "lr": 1e-3, "ema": 0.99, "samples": 36}
SHOWN = (1, 5, 15, 40, 100)


def pair() -> zoo.Model:
    """The model before training."""
    parts = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}
    return zoo.build("dcgan", in_channels=1, input_size=SIZE, seed=SEED, **parts)


def classifier(folder: Path, epochs: int = 25) -> tuple[zoo.Model, float]:
    """A network that knows digits, and its accuracy on the test split."""
    model = zoo.build("tiny_resnet", head="multiclass", in_channels=1, classes=10, input_size=SIZE, seed=SEED)
    training = {"epochs": epochs, "batch_size": 64, "lr": 3e-3, "schedule": "one-cycle"}
    zoo.fit(model, "digits", out=folder, **training)
    return model, zoo.evaluate(model, "digits", split="test").metrics["accuracy"]


def look(model: zoo.Model, judge: zoo.Model) -> Any:
    """Figures of 1,000 images beside the test split."""
    return zoo.evaluate(model, "digits", split="test", features=judge, samples=SAMPLES, seed=SEED)


def floor(judge: zoo.Model) -> dict[str, Any]:
    """Figures of the train split beside the test split: what a perfect generator could reach."""
    from zoo.data.batches import Batches
    from zoo.data.splits import split

    data = as_dataset("digits")
    places = split(data, SEED)

    def images(name: str) -> list[torch.Tensor]:
        batches = Batches(data, places.of(name), judge.input_spec, batch_size=64)
        return [batch["image"] for batch in batches]

    with torch.no_grad():
        return compare(FeatureExtractor(judge.eval()), images("test"), torch.cat(images("train")))


def by_epoch(run: Path, target: Path, epochs: tuple[int, ...] = SHOWN) -> None:
    """The sheets of some epochs side by side."""
    sheets = [(epoch, Image.open(run / "samples" / f"epoch-{epoch:04}.png")) for epoch in epochs]
    width, height = sheets[0][1].size
    gap, head = 16, 24
    canvas = Image.new("RGB", (len(sheets) * (width + gap) - gap, height + head), "white")
    for i, (epoch, sheet) in enumerate(sheets):
        canvas.paste(sheet.convert("RGB"), (i * (width + gap), head))
        words = f"epoch {epoch}"
        ImageDraw.Draw(canvas).text((i * (width + gap), 2), words, fill="black", font_size=16)
    small = canvas.resize((canvas.width // 2, canvas.height // 2), Image.Resampling.LANCZOS)
    small.convert("L").quantize(32).save(target, optimize=True)


def missed(accuracy: float, before: Any, after: Any, seconds: float) -> list[str]:
    """Bars that were not reached."""
    shares = after.more["classes"]
    bars = {
        f"classifier above {LEAST_ACCURACY:.0%}": accuracy > LEAST_ACCURACY,
        "all ten digits": min(shares.values()) > 0,
        f"no digit above {LARGEST_SHARE:.0%}": max(shares.values()) <= LARGEST_SHARE,
        "a quarter of the distance": after.metrics["frechet"] <= DISTANCE_SHARE * before.metrics["frechet"],
        f"{SECONDS} seconds": seconds <= SECONDS,
    }
    return [name for name, reached in bars.items() if not reached]


def main() -> int:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description="Train a GAN on digits and measure it.")
    parser.add_argument("--out", type=Path, help="new folder for classifier, run and images")
    parser.add_argument("--epochs", type=int, default=TRAINING["epochs"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.out or Path(temporary)
        judge, accuracy = classifier(folder / "classifier")
        print(f"classifier: {accuracy:.1%} of the real test images")
        model, started = pair(), time.perf_counter()
        before = look(model, judge)
        run = zoo.fit(model, "digits", out=folder / "gan", **{**TRAINING, "epochs": chosen.epochs})
        seconds = time.perf_counter() - started
        after, real = look(model, judge), floor(judge)
        print(f"{run.history[-1]['epoch']} epochs in {seconds:.0f} s on {torch.get_num_threads()} threads\n")
        print(f"{'':12}{'before':>10}{'after':>10}{'train split':>14}")
        for name in ("frechet", "precision", "recall"):
            print(f"{name:12}{before.metrics[name]:>10.3f}{after.metrics[name]:>10.3f}{real[name]:>14.3f}")
        print(f"\ntaken for    {'  '.join(f'{label:>5}' for label in after.more['classes'])}")
        print(f"share        {'  '.join(f'{share:>5.1%}' for share in after.more['classes'].values())}")
        if chosen.out is not None and chosen.epochs >= SHOWN[-1]:
            by_epoch(folder / "gan", folder / "by-epoch.png")
        gone = missed(accuracy, before, after, seconds)
        print(f"\nmissed: {', '.join(gone)}" if gone else "\nall bars reached")
    return bool(gone)


if __name__ == "__main__":
    sys.exit(main())
