"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from dataclasses import replace

from zoo import Component, InputSpec, Weights, hookimpl

TORCHVISION = "https://download.pytorch.org/models"
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

# name: first digits of the hash of torchvision's file, which its name ends with
FILES = {
    "vgg11": "8a719046",
    "vgg13": "19584684",
    "vgg16": "397923af",
    "vgg19": "dcbb9e9d",
    "vgg11_bn": "6002323d",
    "vgg13_bn": "abd245e5",
    "vgg16_bn": "6c64b313",
    "vgg19_bn": "c79401a0",
}


def _weights(name: str, top1: float, top5: float) -> dict[str, Weights]:
    """timm's copy on the Hub, and torchvision's own file, whose licence it does not say."""
    hub = Weights(
        repo=f"timm/{name}.tv_in1k",
        classes=1000,
        labels="imagenet-1k",
        input=InputSpec(crop=224 / 256),
        metrics={"imagenet top-1": top1, "imagenet top-5": top5},
        licence="BSD-3-Clause",
    )
    file = f"{name}-{FILES[name]}.pth"
    own = replace(hub, repo=None, address=TORCHVISION, file=file, licence=None)
    return {"imagenet": hub, "imagenet1k_v1": own}


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
            weights=_weights(name, *accuracy),
            tiny={"width": 0.125, "hidden": 32},
        )
        for name, (config, summary, accuracy) in TABLE.items()
    ]
