"""What a step of a U-Net costs: zoo's with encoder resnet18 beside segmentation_models_pytorch's.

Both have the same encoder and the same decoder widths and see the same 4 images of 256 x 256 pixels,
forward and backward, in turns in one run; zoo's includes its normalisation. Exits with status 1 where zoo is
slower in the median turn, or the encoders differ in their parameters.

Run it with `python benchmarks/unet.py`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

import zoo

BATCH, SIZE, CLASSES = 4, 256, 3
WIDTHS = (256, 128, 64, 32, 16)


def seconds(model: nn.Module, x: Tensor) -> float:
    """Of one forward and backward."""
    started = time.perf_counter()
    model.zero_grad(set_to_none=True)
    model(x).mean().backward()
    return time.perf_counter() - started


def parameters(model: nn.Module) -> int:
    """Of its encoder."""
    encoder = model.encoder
    assert isinstance(encoder, nn.Module)
    return sum(p.numel() for p in encoder.parameters())


def main() -> int:
    """Measures, prints, and says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=25)
    given = parser.parse_args()
    torch.manual_seed(0)
    x = torch.rand(BATCH, 3, SIZE, SIZE)
    peer = smp.Unet("resnet18", encoder_weights=None, classes=CLASSES, decoder_channels=WIDTHS).train()
    own = zoo.build("unet", encoder="resnet18", decoder_widths=WIDTHS, classes=CLASSES, seed=0).train()
    taken: dict[str, list[float]] = {"smp": [], "zoo": []}
    for turn in range(given.repeats + 2):
        for name, model in {"smp": peer, "zoo": own}.items():
            value = seconds(model, x)
            if turn > 1:  # the first two warm up
                taken[name].append(value)
    print(f"forward and backward of {BATCH} x 3 x {SIZE} x {SIZE}, {torch.get_num_threads()} threads")
    for name, values in taken.items():
        print(
            f"  {name}{statistics.median(values) * 1000:8.0f} ms, at its fastest{min(values) * 1000:8.0f} ms"
        )
    print(f"encoder parameters: smp {parameters(peer):,}, zoo {parameters(own):,}")
    ratio = statistics.median(b / a for a, b in zip(taken["smp"], taken["zoo"], strict=True))
    print(f"zoo / smp: {ratio:.2f} in the median turn (bar 1)")
    return int(ratio > 1 or parameters(peer) != parameters(own))


if __name__ == "__main__":
    sys.exit(main())
