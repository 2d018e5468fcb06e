"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl

PAPER = "https://arxiv.org/abs/1609.04802"
TASK = "super-resolution"
_TINY_GENERATOR = {"width": 8, "blocks": 1, "scale": 2}
_TINY_DISCRIMINATOR = {
    "name": "srgan_discriminator",
    "width": 4,
    "head": {"name": "binary", "pool": "flatten", "hidden": [8], "activation": "leaky-relu"},
}


@hookimpl
def zoo_components() -> list[Component]:
    """A generator, a discriminator, the pair, and their trainer."""
    return [
        Component(
            kind="model",
            name="srresnet",
            target="zoo_srgan.srresnet:SRResNet",
            config="zoo_srgan.config:SRResNetOptions",
            summary="Two or four times the pixels, by residual blocks and sub-pixel convolutions.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("generator", "any size"),
            task=TASK,
            tiny={**_TINY_GENERATOR, "tile": 16},
            example={"for": [TASK]},
        ),
        Component(
            kind="model",
            name="srgan",
            target="zoo_srgan.srgan:SRGAN",
            config="zoo_srgan.config:SRGANOptions",
            summary="SRResNet and a discriminator, by default the paper's.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("gan", "pair", "any size"),
            task=TASK,
            tiny={
                "generator": {"name": "srresnet", **_TINY_GENERATOR, "input_size": 32},
                "discriminator": {**_TINY_DISCRIMINATOR, "input_size": 32},
            },
        ),
        Component(
            kind="backbone",
            name="srgan_discriminator",
            target="zoo_srgan.discriminator:SRGANDiscriminator",
            config="zoo_srgan.config:SRGANDiscriminatorOptions",
            summary="Eight convolutions with leaky ReLU; with a binary head a discriminator.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("cnn", "gan", "discriminator"),
            tiny={"width": 4},
        ),
        Component(
            kind="trainer",
            name="srgan",
            target="zoo_srgan.trainer:SRTrainer",
            config="zoo_srgan.config:SRTrainerOptions",
            summary="Super-resolution: mean squared error first, then a loss with a discriminator.",
            paper=PAPER,
            licence="Apache-2.0",
            task=TASK,
            tags=("default",),
            tiny={"epochs": 1, "batch_size": 4, "ema": 0.5, "degrade": ["noise"], "samples": 2},
        ),
    ]
