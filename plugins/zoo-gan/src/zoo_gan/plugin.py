"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl

_DCGAN = "https://arxiv.org/abs/1511.06434"
_TINY_GENERATOR = {"name": "dcgan_generator", "latent": 6, "width": 4, "input_size": 8}
_TINY_DISCRIMINATOR = {"name": "dcgan_discriminator", "channels": [4, 8], "head": "binary", "input_size": 8}


@hookimpl
def zoo_components() -> list[Component]:
    """A pair, its two networks, and the trainer of any pair."""
    return [
        Component(
            kind="model",
            name="dcgan",
            target="zoo_gan.dcgan:DCGAN",
            config="zoo_gan.config:DCGANOptions",
            summary="Deep convolutional GAN: generator and discriminator, by default the paper's.",
            paper=_DCGAN,
            licence="Apache-2.0",
            tags=("gan", "pair"),
            task="generation",
            tiny={"generator": _TINY_GENERATOR, "discriminator": _TINY_DISCRIMINATOR},
            example={"for": ["generation"]},
        ),
        Component(
            kind="model",
            name="dcgan_generator",
            target="zoo_gan.dcgan:DCGANGenerator",
            config="zoo_gan.config:DCGANGeneratorOptions",
            summary="Images of latent vectors by transposed convolutions.",
            paper=_DCGAN,
            licence="Apache-2.0",
            tags=("gan", "generator"),
            task="generation",
            tiny={"latent": 6, "width": 4, "input_size": [16, 16]},
        ),
        Component(
            kind="backbone",
            name="dcgan_discriminator",
            target="zoo_gan.dcgan:DCGANDiscriminator",
            config="zoo_gan.config:DCGANDiscriminatorOptions",
            summary="Strided convolutions with leaky ReLU; with a binary head a discriminator.",
            paper=_DCGAN,
            licence="Apache-2.0",
            tags=("cnn", "gan", "discriminator"),
            tiny={"channels": [4, 8, 8]},
        ),
        Component(
            kind="trainer",
            name="gan",
            target="zoo_gan.trainer:GAN",
            config="zoo_gan.config:GANOptions",
            summary="Discriminator and generator in turn, with averaged weights and a look at collapse.",
            paper="https://arxiv.org/abs/1406.2661",
            licence="Apache-2.0",
            task="generation",
            tags=("default",),
            tiny={"epochs": 1, "batch_size": 4, "ema": 0.5, "samples": 4},
        ),
    ]
