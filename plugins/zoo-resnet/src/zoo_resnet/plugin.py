"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from dataclasses import replace

from zoo import Component, InputSpec, Weights, hookimpl

TORCHVISION = "https://download.pytorch.org/models"
PAPER = "https://arxiv.org/abs/1512.03385"

# depth: ImageNet top-1 and top-5 in percent of the weights by tag, where their publisher gives them
TABLE: dict[int, dict[str, tuple[float, float] | None]] = {
    18: {"imagenet": (69.758, 89.078), "a1": None},
    34: {"imagenet": (73.314, 91.42), "a1": None},
    50: {"imagenet": (76.13, 92.862), "tv2": (80.858, 95.434), "a1": None},
    101: {"imagenet": (77.374, 93.546), "tv2": (81.886, 95.78), "a1": None},
    152: {"imagenet": (78.312, 94.046), "tv2": (82.284, 96.002), "a1": None},
}

# tag: (timm's tag, licence, preprocessing). tv2 was trained at 176 pixels; its figures hold at 224.
SOURCES = {
    "imagenet": ("tv_in1k", "BSD-3-Clause", InputSpec(crop=224 / 256)),
    "tv2": ("tv2_in1k", "BSD-3-Clause", InputSpec(crop=224 / 232)),
    "a1": ("a1_in1k", "Apache-2.0", InputSpec(interpolation="bicubic", crop=0.95)),
}

# tag: (the tag that has the same tensors on the Hub, and by depth the digits of the hash in the file's name)
FILES = {
    "imagenet1k_v1": (
        "imagenet",
        {18: "f37072fd", 34: "b627a593", 50: "0676ba61", 101: "63fe2227", 152: "394f9c45"},
    ),
    "imagenet1k_v2": ("tv2", {50: "11ad3fa6", 101: "cd907fc2", 152: "f82ba261"}),
}


def _weights(depth: int) -> dict[str, Weights]:
    hub = {tag: _hub(depth, tag, accuracy) for tag, accuracy in TABLE[depth].items()}
    # torchvision's own files; what licence they have, it does not say
    return hub | {
        tag: replace(
            hub[same], repo=None, address=TORCHVISION, file=f"resnet{depth}-{digits[depth]}.pth", licence=None
        )
        for tag, (same, digits) in FILES.items()
        if depth in digits
    }


def _hub(depth: int, tag: str, accuracy: tuple[float, float] | None) -> Weights:
    source, licence, spec = SOURCES[tag]
    metrics = dict(zip(("imagenet top-1", "imagenet top-5"), accuracy or (), strict=False))
    return Weights(
        repo=f"timm/resnet{depth}.{source}",
        classes=1000,
        labels="imagenet-1k",
        input=spec,
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
            weights=_weights(depth),
            tiny={"width": 0.125, "layers": [2, 1, 1, 1]},
        )
        for depth in TABLE
    ]
