"""Super-resolution x2: PSNR against bicubic, then what a perceptual loss is good for, with images by loss.

A small SRResNet is trained on eight of the photographs with the mean squared error (MSE), and measured on
four that it never saw. Then it goes on in three ways, each as long: with MSE, with MSE and content loss,
and as SRGAN with MSE, content and adversarial loss.

No published weights are needed, and none are fetched. The network of the content loss is a VGG-like one that
is trained here, to tell from a crop of 32 x 32 pixels which of the eight photographs it was cut from. The
network that judges is another one, of another kind and trained otherwise: `small_cnn`, taught here to read
handwritten digits. A second judge is `tiny_resnet` with the weights that zoo-basic ships, of printed letters.

Exits with status 1 unless SRResNet's PSNR is at least 0.3 dB above bicubic within ten minutes of training,
and SRGAN's images are nearer to the true ones than those of both MSE results in the last map of the judge
of digits. The other distances are printed, and need not be lower.

Run it with `python benchmarks/srgan.py`; `--images FOLDER` writes the images of the docs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from zoo_datasets.photos import PHOTOGRAPHS, Photos

import zoo
from zoo.compose.instantiate import make
from zoo.data.batches import Batches
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import ImageGrid
from zoo.reports.image_grids import images

DATA = "photos"
BAR_DB, BAR_SECONDS = 0.3, 600
NETWORK: dict[str, Any] = {
    "scale": 2,
    "width": 16,
    "blocks": 3,
    "batch_norm": False,
    "bicubic_skip": True,
    "input_size": 48,
}
FIRST: dict[str, Any] = {"epochs": 10, "batch_size": 8, "lr": 1e-3, "schedule": "one-cycle", "clip_norm": 0.5}
SECOND: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 8,
    "lr": 2e-4,
    "schedule": "cosine",
    "clip_norm": 0.5,
    "monitor": "epoch",
}
CONTENT_WEIGHT, ADVERSARIAL_WEIGHT = 0.3, 1e-3
RATES = {"generator": 2e-4, "discriminator": 1e-3}
TAP = "block2.conv1"
LETTERS = {"name": "tiny_resnet", "weights": "glyphs", "in_channels": 3}
BAR_JUDGE = "digits block3"
JUDGED = ("digits block2", BAR_JUDGE, "letters block2", "letters block3")
DETAILS = ((55, 24, 24), (32, 40, 30), (18, 24, 24))
"""Test crop, row and column of a detail."""

DETAIL = 48


def tells_photographs_apart(folder: Path) -> Path:
    """The network of the content loss: a narrow VGG-11, trained on crops of the training photographs."""
    photos = Photos(size=32)
    names = [name for name, (_, split) in PHOTOGRAPHS.items() if split == "train"]
    items = []
    for i in range(len(photos)):
        if photos.split_of(i) == "train":
            image = photos[i].image
            colour = image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
            items.append((colour, names.index(photos.name(i).partition("[")[0])))
    model = zoo.build("vgg11", width=0.25, head="multiclass", classes=len(names), input_size=32, seed=0)
    run = zoo.fit(model, TorchData(items), augment="flip", epochs=6, lr=1e-3, out=folder)
    print(f"the content loss' network finds the photograph of {run.metrics['accuracy']:.0%} of new crops")
    return folder


def reads_digits(folder: Path) -> dict[str, Any]:
    """The network that judges: three plain blocks, trained on handwritten digits."""
    model = zoo.build(
        "small_cnn",
        channels=[32, 64, 64],
        head="multiclass",
        classes=10,
        in_channels=1,
        input_size=16,
        seed=0,
    )
    run = zoo.fit(model, "digits", epochs=6, lr=1e-3, out=folder)
    print(f"the judge reads {run.metrics['accuracy']:.0%} of new digits")
    return {"name": f"file:{folder}", "in_channels": 3}


def distances(model: Model, losses: Mapping[str, Loss]) -> dict[str, float]:
    """Mean content distances of what a model makes of the test images."""
    photos = Photos()
    indices = [i for i in range(len(photos)) if photos.split_of(i) == "test"]
    sums = dict.fromkeys(losses, 0.0)
    model.eval()
    with torch.no_grad():
        for batch in Batches(photos, indices, model.input_spec, own_size=True):
            ready = model.examples(batch)
            output = model.infer(ready["image"]).clamp(0, 1)
            for name, loss in losses.items():
                sums[name] += float(loss(output, ready["target"])) / len(indices)
    return sums


def main() -> int:
    """Trains, measures, prints, and says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder to write images into")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place:
        return compare(Path(place), given.images)


def compare(place: Path, drawn: Path | None) -> int:
    """The same, with a folder for the runs."""
    started = time.perf_counter()
    first = zoo.fit(zoo.build("srresnet", **NETWORK, seed=0), DATA, out=place / "mse", **FIRST)
    seconds = time.perf_counter() - started
    looker = tells_photographs_apart(place / "looker")
    content = {"name": "content", "network": f"file:{looker}", "tap": TAP}
    share: dict[str, Any] = {"mse": 1.0, "content": {"weight": CONTENT_WEIGHT, "loss": content}}
    both = {**share, "adversarial": ADVERSARIAL_WEIGHT}
    models = {"MSE": first.model}
    for name, loss in (("MSE, longer", "mse"), ("+ content", {"name": "perceptual", "parts": share})):
        run = zoo.fit(zoo.load(place / "mse"), DATA, loss=loss, out=place / name, **SECOND)
        models[name] = run.model
    judge = {"name": "srgan_discriminator", "width": 8, "head": _head()}
    pair = zoo.build("srgan", generator=f"file:{place / 'mse'}", discriminator=judge, input_size=48, seed=0)
    loss = {"name": "perceptual", "parts": both}
    options = {**SECOND, "lr": RATES}
    models["+ adversarial"] = zoo.fit(pair, DATA, loss=loss, out=place / "srgan", **options).model

    networks = {"digits": reads_digits(place / "judge"), "letters": LETTERS}
    judges = {}
    for name in JUDGED:
        network, tap = name.split()
        judges[name] = make("loss", {"name": "content", "network": networks[network], "tap": tap})
    own = make("loss", content)
    figures = {name: zoo.evaluate(model, DATA).metrics for name, model in models.items()}
    found = {name: distances(model, {"own": own, **judges}) for name, model in models.items()}
    columns = ("PSNR", "SSIM", "own content", *JUDGED)
    print(f"\n{'loss':<24}" + "".join(f"{column:>16}" for column in columns))
    bicubic = figures["MSE"]
    print(f"{'(bicubic)':<24}{bicubic['psnr_bicubic']:16.2f}{bicubic['ssim_bicubic']:16.4f}")
    for name, values in figures.items():
        row = f"{name:<24}{values['psnr']:16.2f}{values['ssim']:16.4f}"
        print(row + "".join(f"{value:16.5f}" for value in found[name].values()))
    gain = bicubic["psnr"] - bicubic["psnr_bicubic"]
    print(f"\nSRResNet over bicubic: {gain:+.2f} dB (bar {BAR_DB}) after {seconds:.0f} s (bar {BAR_SECONDS})")
    gan, plain = found["+ adversarial"], [found["MSE"], found["MSE, longer"]]
    ratio = gan[BAR_JUDGE] / min(values[BAR_JUDGE] for values in plain)
    print(f"content distance in {BAR_JUDGE}, SRGAN / the better MSE result: {ratio:.2f} (bar 1)")
    if drawn is not None:
        draw(models, drawn)
    return int(gain < BAR_DB or seconds > BAR_SECONDS or ratio >= 1)


def _head() -> dict[str, Any]:
    return {"name": "binary", "pool": "flatten", "hidden": [32], "activation": "leaky-relu"}


def draw(models: Mapping[str, Model], folder: Path) -> None:
    """Details of test images: by loss, and beside what is enlarged otherwise."""
    photos = Photos()
    test = [i for i in range(len(photos)) if photos.split_of(i) == "test"]
    columns: dict[str, list[Tensor]] = {}
    for number, top, left in DETAILS:
        model = models["MSE"]
        (batch,) = Batches(photos, [test[number]], model.input_spec, own_size=True)
        ready = model.examples(batch)
        small = ready["image"]
        shown = {
            "HR": ready["target"],
            "LR": F.interpolate(small, scale_factor=2, mode="nearest"),
            "bicubic": F.interpolate(small, scale_factor=2, mode="bicubic", antialias=True),
        }
        with torch.no_grad():
            shown |= {name: model.infer(small) for name, model in models.items()}
        for name, image in shown.items():
            detail = image.clamp(0, 1)[:, :, top : top + DETAIL, left : left + DETAIL]
            columns.setdefault(name, []).append(F.interpolate(detail, scale_factor=3, mode="nearest"))
    whole = {name: torch.cat(cells) for name, cells in columns.items()}
    folder.mkdir(parents=True, exist_ok=True)
    named = ("HR", "LR", "bicubic")
    first = {**{name: whole[name] for name in named}, "SR": whole["MSE"]}
    images(ImageGrid(first), folder / "super-resolution.png")
    losses = ("HR", "bicubic", "MSE", "+ content", "+ adversarial")
    images(ImageGrid({name: whole[name] for name in losses}), folder / "super-resolution-by-loss.png")


if __name__ == "__main__":
    sys.exit(main())
