"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, InputSpec, Weights, hookimpl

HALF = (0.5, 0.5, 0.5)
IMAGENET = InputSpec(interpolation="bicubic")
CENTRED = InputSpec(mean=HALF, std=HALF, interpolation="bicubic")

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
            "ra4": ("mobilenetv3_large_100.ra4_e3600_r224_in1k", CENTRED),
        },
    ),
}


def _weights(source: str, spec: InputSpec) -> Weights:
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
            weights={tag: _weights(*source) for tag, source in published.items()},
            tiny={"width": 0.125},
        )
        for name, (config, paper, summary, published) in TABLE.items()
    ]
