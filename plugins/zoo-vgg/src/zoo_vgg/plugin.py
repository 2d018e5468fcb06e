"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, Weights, hookimpl

PAPER = "https://arxiv.org/abs/1409.1556"

# name: (options class, summary, ImageNet top-1 and top-5 of the published weights in percent)
TABLE = {
    "vgg11": ("VGG11", "VGG with 11 layers (configuration A).", (69.02, 88.628)),
    "vgg13": ("VGG13", "VGG with 13 layers (configuration B).", (69.928, 89.246)),
    "vgg16": ("VGG16", "VGG with 16 layers (configuration D).", (71.592, 90.382)),
    "vgg19": ("VGG19", "VGG with 19 layers (configuration E).", (72.376, 90.876)),
    "vgg11_bn": ("VGG11BN", "VGG with 11 layers and batch norm.", (70.37, 89.81)),
    "vgg13_bn": ("VGG13BN", "VGG with 13 layers and batch norm.", (71.586, 90.374)),
    "vgg16_bn": ("VGG16BN", "VGG with 16 layers and batch norm.", (73.36, 91.516)),
    "vgg19_bn": ("VGG19BN", "VGG with 19 layers and batch norm.", (74.218, 91.842)),
}


def _weights(name: str, top1: float, top5: float) -> Weights:
    return Weights(
        repo=f"timm/{name}.tv_in1k",
        classes=1000,
        labels="imagenet-1k",
        metrics={"imagenet top-1": top1, "imagenet top-5": top5},
        licence="BSD-3-Clause",
    )


@hookimpl
def zoo_components() -> list[Component]:
    """The VGG family."""
    return [
        Component(
            kind="backbone",
            name=name,
            target="zoo_vgg.vgg:VGG",
            config=f"zoo_vgg.config:{config}",
            summary=summary,
            paper=PAPER,
            licence="Apache-2.0",
            tags=("cnn", "imagenet", "vgg"),
            weights={"imagenet": _weights(name, *accuracy)},
            tiny={"width": 0.125, "hidden": 32},
        )
        for name, (config, summary, accuracy) in TABLE.items()
    ]
