"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl

_TASK = "reconstruction"


@hookimpl
def zoo_components() -> list[Component]:
    """Autoencoders, an encoder for small images, and what trains them."""
    return [
        Component(
            kind="backbone",
            name="conv_encoder",
            target="zoo_autoencoder.encoder:ConvEncoder",
            config="zoo_autoencoder.config:ConvEncoderOptions",
            summary="Plain strided convolutions for small images.",
            paper="https://arxiv.org/abs/1412.6806",
            licence="Apache-2.0",
            tags=("cnn", "small"),
            tiny={"channels": [4, 8]},
        ),
        Component(
            kind="model",
            name="autoencoder",
            target="zoo_autoencoder.model:Autoencoder",
            config="zoo_autoencoder.config:AutoencoderOptions",
            summary="Any backbone as encoder, and a decoder that mirrors it; plain or variational.",
            paper="https://arxiv.org/abs/1312.6114",
            licence="Apache-2.0",
            task=_TASK,
            tags=("denoising", "latent"),
            example={"for": [_TASK]},
            tiny={
                "encoder": {"name": "conv_encoder", "channels": [4, 8]},
                "latent": 2,
                "variational": True,
                "input_size": [8, 8],
            },
        ),
        Component(
            kind="trainer",
            name="autoencoder",
            target="zoo_autoencoder.trainer:AutoencoderTrainer",
            config="zoo_autoencoder.config:AutoencoderTrainerOptions",
            summary="Restores images, or those before noise; with the divergence of a variational model.",
            paper="https://dl.acm.org/doi/10.1145/1390156.1390294",
            licence="Apache-2.0",
            task=_TASK,
            tags=("default",),
            tiny={"epochs": 1, "batch_size": 4, "noise": 0.1, "mask": 0.1},
        ),
        Component(
            kind="loss",
            name="pixel-bce",
            target="zoo_autoencoder.losses:PixelBCE",
            summary="Binary cross-entropy of pixel values in [0, 1], for images of ink on paper.",
            licence="Apache-2.0",
            task=_TASK,
        ),
    ]
