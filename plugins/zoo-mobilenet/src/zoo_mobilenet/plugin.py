"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from dataclasses import replace

from zoo import Component, InputSpec, Weights, hookimpl

TORCHVISION = "https://download.pytorch.org/models"
HALF = (0.5, 0.5, 0.5)
IMAGENET = InputSpec(interpolation="bicubic", crop=0.875)
CENTRED = InputSpec(mean=HALF, std=HALF, interpolation="bicubic", crop=0.875)

# name: (options class, paper, summary, weights by tag: (timm's name and tag, preprocessing))
TABLE = {
    "mobilenet_v1": (
        "MobileNetV1",
        "https://arxiv.org/abs/1704.04861",
        "Depthwise separable convolutions.",
        {"imagenet": ("mobilenetv1_100.ra4_e3600_r224_in1k", CENTRED)},
    ),
    "mobilenet_v2": (
        "MobileNetV2",
        "https://arxiv.org/abs/1801.04381",
        "Inverted residuals with linear bottlenecks.",
        {"imagenet": ("mobilenetv2_100.ra_in1k", IMAGENET)},
    ),
    "mobilenet_v3_small": (
        "MobileNetV3Small",
        "https://arxiv.org/abs/1905.02244",
        "Inverted residuals with squeeze-and-excitation, small.",
        {"imagenet": ("mobilenetv3_small_100.lamb_in1k", IMAGENET)},
    ),
    "mobilenet_v3_large": (
        "MobileNetV3Large",
        "https://arxiv.org/abs/1905.02244",
        "Inverted residuals with squeeze-and-excitation, large.",
        {
            "imagenet": ("mobilenetv3_large_100.ra_in1k", IMAGENET),
            "ra4": ("mobilenetv3_large_100.ra4_e3600_r224_in1k", replace(CENTRED, crop=0.95)),
        },
    ),
}

# name: torchvision's weights by tag: first digits of the hash, which the file's name ends with, top-1, top-5,
# the shorter side of an image of which the middle is seen
FILES = {
    "mobilenet_v2": {
        "imagenet1k_v1": ("b0353104", 71.878, 90.286, 256),
        "imagenet1k_v2": ("7ebf99e0", 72.154, 90.822, 232),
    },
    "mobilenet_v3_small": {"imagenet1k_v1": ("047dcff4", 67.668, 87.402, 256)},
    "mobilenet_v3_large": {
        "imagenet1k_v1": ("8738ca79", 74.042, 91.34, 256),
        "imagenet1k_v2": ("5c1a4163", 75.274, 92.566, 232),
    },
}


def _own(name: str, digits: str, top1: float, top5: float, side: int) -> Weights:
    """A file of torchvision's, whose licence it does not say."""
    return Weights(
        address=TORCHVISION,
        file=f"{name}-{digits}.pth",
        classes=1000,
        labels="imagenet-1k",
        input=InputSpec(crop=224 / side),
        metrics={"imagenet top-1": top1, "imagenet top-5": top5},
        options={"bn_eps": 1e-3} if "v3" in name else {},
    )


def _hub(source: str, spec: InputSpec) -> Weights:
    return Weights(
        repo=f"timm/{source}", classes=1000, labels="imagenet-1k", input=spec, licence="Apache-2.0"
    )


@hookimpl
def zoo_components() -> list[Component]:
    """The MobileNet family."""
    return [
        Component(
            kind="backbone",
            name=name,
            target="zoo_mobilenet.mobilenet:MobileNet",
            config=f"zoo_mobilenet.config:{config}",
            summary=summary,
            paper=paper,
            licence="Apache-2.0",
            tags=("cnn", "imagenet", "mobilenet"),
            weights={
                **{tag: _hub(*source) for tag, source in published.items()},
                **{tag: _own(name, *file) for tag, file in FILES.get(name, {}).items()},
            },
            tiny={"width": 0.125},
        )
        for name, (config, paper, summary, published) in TABLE.items()
    ]
