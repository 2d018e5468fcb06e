"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, InputSpec, Weights, hookimpl

PAPER = "https://arxiv.org/abs/1512.03385"

# depth: ImageNet top-1 and top-5 in percent of the weights by tag, where their publisher gives them
TABLE: dict[int, dict[str, tuple[float, float] | None]] = {
    18: {"imagenet": (69.758, 89.078), "a1": None},
    34: {"imagenet": (73.314, 91.42), "a1": None},
    50: {"imagenet": (76.13, 92.862), "tv2": (80.858, 95.434), "a1": None},
    101: {"imagenet": (77.374, 93.546), "tv2": (81.886, 95.78), "a1": None},
    152: {"imagenet": (78.312, 94.046), "tv2": (82.284, 96.002), "a1": None},
}

# tag: (timm's tag, licence, interpolation). tv2 was trained at 176 pixels; its figures hold at 224.
SOURCES = {
    "imagenet": ("tv_in1k", "BSD-3-Clause", "bilinear"),
    "tv2": ("tv2_in1k", "BSD-3-Clause", "bilinear"),
    "a1": ("a1_in1k", "Apache-2.0", "bicubic"),
}


def _weights(depth: int, tag: str, accuracy: tuple[float, float] | None) -> Weights:
    source, licence, interpolation = SOURCES[tag]
    metrics = dict(zip(("imagenet top-1", "imagenet top-5"), accuracy or (), strict=False))
    return Weights(
        repo=f"timm/resnet{depth}.{source}",
        classes=1000,
        labels="imagenet-1k",
        input=InputSpec(interpolation=interpolation),
        metrics=metrics,
        licence=licence,
    )


@hookimpl
def zoo_components() -> list[Component]:
    """The ResNet family."""
    return [
        Component(
            kind="backbone",
            name=f"resnet{depth}",
            target="zoo_resnet.resnet:ResNet",
            config=f"zoo_resnet.config:ResNet{depth}",
            summary=f"Residual network with {depth} layers.",
            paper=PAPER,
            licence="Apache-2.0",
            tags=("cnn", "imagenet", "resnet"),
            weights={tag: _weights(depth, tag, accuracy) for tag, accuracy in published.items()},
            tiny={"width": 0.125, "layers": [2, 1, 1, 1]},
        )
        for depth, published in TABLE.items()
    ]
