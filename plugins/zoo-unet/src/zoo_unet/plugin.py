"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl

PAPER = "https://arxiv.org/abs/1505.04597"
_TINY_ENCODER = {"name": "unet_encoder", "widths": [4, 8, 8]}


@hookimpl
def zoo_components() -> list[Component]:
    """U-Net, its own encoder, and what it is compared with."""
    return [
        Component(
            kind="model",
            name="unet",
            target="zoo_unet.unet:UNet",
            config="zoo_unet.config:UNetOptions",
            summary="U-Net: a class for each pixel, with any backbone as its encoder.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("cnn", "segmentation"),
            task="segmentation",
            tiny={"encoder": _TINY_ENCODER, "dropout": 0.1},
            example={"for": ["segmentation"]},
        ),
        Component(
            kind="model",
            name="sequential_cnn",
            target="zoo_unet.sequential_cnn:SequentialCNN",
            config="zoo_unet.config:SequentialCNNOptions",
            summary="3x3 convolutions in a row at full resolution: what a U-Net is compared with.",
            paper="https://arxiv.org/abs/1411.4038",
            licence="Apache-2.0",
            tags=("cnn", "segmentation", "small"),
            task="segmentation",
            tiny={"channels": [4, 4]},
        ),
        Component(
            kind="backbone",
            name="unet_encoder",
            target="zoo_unet.encoder:UNetEncoder",
            config="zoo_unet.config:UNetEncoderOptions",
            summary="The contracting path of the U-Net paper: pairs of 3x3 convolutions and max-poolings.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("cnn", "segmentation"),
            tiny={"widths": [4, 8, 8]},
        ),
    ]
