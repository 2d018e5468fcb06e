"""Trains the weights `glyphs` of tiny_resnet: 40 printed letters, in a few minutes on one CPU core.

    python plugins/zoo-basic/scripts/pretrain_tiny_resnet.py tiny_resnet-glyphs.safetensors

One seed, no download. The fonts of the validation and of the test images are in no training image. What
is printed in the end belongs into `zoo_basic/plugin.py`. Another version of torch, or another processor, may
change the last bits of the weights, and with them the hash.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

import click
import torch
from safetensors.torch import save_file

import zoo

THREADS = 1
SEED = 0
OPTIONS = {"optimizer": "adamw", "lr": 3e-3, "schedule": "one-cycle", "batch_size": 64}


def pretrain(out: Path, *, epochs: int, per_class: int) -> dict[str, float]:
    """Trains, writes the weights under the backbone's own names and `head.*`, and measures them.

    Args:
        out: file to write.
        epochs: passes over the training images.
        per_class: images of each letter, of which 14 in 22 are to train.

    Returns:
        Accuracy by split, on images in fonts of that split alone.
    """
    torch.set_num_threads(THREADS)
    data = {"name": "glyphs", "per_class": per_class}
    model = zoo.build("tiny_resnet", head="original", classes=40, in_channels=1, input_size=32, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        run = zoo.fit(
            model, data, seed=SEED, epochs=epochs, out=f"{folder}/run", device="cpu", cache=False, **OPTIONS
        )
        click.echo(run)
        accuracy = {
            split: zoo.evaluate(model, data, split=split, seed=SEED).metrics["accuracy"]
            for split in ("val", "test")
        }
    state = {key.removeprefix("backbone."): value for key, value in model.state_dict().items()}
    save_file({key: value.contiguous() for key, value in state.items()}, out)
    return accuracy


def main() -> None:
    """See the module's description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="file to write, a .safetensors")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--per-class", type=int, default=200, help="images of each letter")
    given = parser.parse_args()
    accuracy = pretrain(given.out, epochs=given.epochs, per_class=given.per_class)
    content = given.out.read_bytes()
    click.echo(f"accuracy in unseen fonts: val {accuracy['val']:.4f}, test {accuracy['test']:.4f}")
    click.echo(f"{given.out}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
