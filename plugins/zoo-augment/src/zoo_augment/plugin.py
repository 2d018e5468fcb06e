"""Declarations of the augmenters; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zoo import Component, Namespace, hookimpl


def _augmenter(
    target: str,
    name: str,
    tags: str,
    summary: str,
    paper: str | None = None,
    *,
    config: str = "config",
    example: Mapping[str, Any] = MappingProxyType({}),
) -> Component:
    return Component(
        kind="augmenter",
        name=name,
        target=f"zoo_augment.{target}",
        config=f"zoo_augment.{config}:{target.partition(':')[2]}Options",
        summary=summary,
        paper=paper,
        tags=tuple(tags.split()),
        example=dict(example),
    )


AUGMENTERS = [
    _augmenter(
        "chains:Photo", "photo", "chain", "For photographs: flip, small rotation, shift, zoom, colours."
    ),
    _augmenter(
        "chains:Document",
        "document",
        "chain",
        "For pages: a little askew on white, light, blur, noise; nothing mirrored.",
    ),
    _augmenter(
        "keras:ImageDataGenerator",
        "image-data-generator",
        "chain keras",
        "Keras' ImageDataGenerator under its own parameter names.",
        "https://keras.io/api/data_loading/image/",
        config="keras_config",
    ),
    _augmenter("geometry:Rotate", "rotate", "geometry rotation", "Rotation about the middle."),
    _augmenter(
        "geometry:Shift",
        "shift",
        "geometry translation translate",
        "Translation by shares of width and height.",
    ),
    _augmenter("geometry:Shear", "shear", "geometry", "Shear about the middle."),
    _augmenter("geometry:Zoom", "zoom", "geometry scale resize", "Scaling about the middle."),
    _augmenter(
        "geometry:Scaling",
        "scaling",
        "geometry scale stretch aspect",
        "Scaling of width and height, each by itself.",
    ),
    _augmenter("geometry:Flip", "flip", "geometry mirror", "Mirror images, left to right or top to bottom."),
    _augmenter(
        "crops:Crop",
        "crop",
        "geometry",
        "A crop of the old size from the padded image.",
        "https://arxiv.org/abs/1512.03385",
    ),
    _augmenter(
        "crops:Pad",
        "pad",
        "geometry padding border",
        "Padding on each side, and the whole in the old size.",
    ),
    _augmenter(
        "crops:ResizedCrop",
        "resized-crop",
        "geometry random-resized-crop",
        "A crop of random area and aspect, resized to the old size.",
        "https://arxiv.org/abs/1409.4842",
    ),
    _augmenter("colour:Brightness", "brightness", "colour", "Brighter or darker."),
    _augmenter("colour:Contrast", "contrast", "colour", "More or less contrast, about the mean gray."),
    _augmenter("colour:Saturation", "saturation", "colour", "More or less colourful."),
    _augmenter("colour:Hue", "hue", "colour", "Turns the colour circle."),
    _augmenter("colour:Invert", "invert", "colour", "The negative of an image."),
    _augmenter("colour:Grayscale", "grayscale", "colour", "Takes the colours away."),
    _augmenter(
        "filters:Sharpen",
        "sharpen",
        "filter sharpness",
        "Sharper, by the difference to the smoothed image.",
    ),
    _augmenter(
        "filters:Edges",
        "edges",
        "filter edge-enhanced edge-enhance laplacian",
        "Edges enhanced by the Laplacian.",
    ),
    _augmenter(
        "filters:SalientEdges",
        "salient-edges",
        "filter salient-edge-map edge-map sobel",
        "The map of strong edges in the place of the image.",
    ),
    _augmenter(
        "filters:DeTexturise",
        "de-texturise",
        "filter de-texturised detexturize guided-filter edge-preserving",
        "Texture smoothed away, edges kept.",
        "https://doi.org/10.1109/TPAMI.2012.213",
    ),
    _augmenter(
        "covers:Fog",
        "fog",
        "degradation haze weather",
        "White haze, in patches.",
        "https://arxiv.org/abs/1903.12261",
    ),
    _augmenter(
        "covers:Erasing",
        "erasing",
        "occlusion random-erasing cutout",
        "Blank rectangles over a part of the image.",
        "https://arxiv.org/abs/1708.04896",
    ),
    _augmenter(
        "mixing:Mixup",
        "mixup",
        "mixing soft-targets",
        "Weighted means of two images and of their targets.",
        "https://arxiv.org/abs/1710.09412",
        config="mixing_config",
    ),
    _augmenter(
        "mixing:CutMix",
        "cutmix",
        "mixing soft-targets",
        "A rectangle of another image in each; targets by area.",
        "https://arxiv.org/abs/1905.04899",
        config="mixing_config",
    ),
    _augmenter(
        "policies:RandAugment",
        "randaugment",
        "policy rand-augment",
        "Some operations of fourteen for each image, all of one magnitude.",
        "https://arxiv.org/abs/1909.13719",
        config="mixing_config",
    ),
    _augmenter(
        "policies:TrivialAugment",
        "trivialaugment",
        "policy trivial-augment trivial-augment-wide",
        "One operation of fourteen for each image, of any magnitude.",
        "https://arxiv.org/abs/2103.10158",
        config="mixing_config",
    ),
    _augmenter(
        "chains:Rare",
        "rare",
        "balance rare-classes imbalance",
        "Another augmenter for images of rare classes, the rarer the more.",
        config="mixing_config",
        example={"data": "digits", "head": "multiclass", "classes": 10},
    ),
    _augmenter("colour:Noise", "noise", "degradation gaussian-noise", "Gaussian noise."),
    _augmenter("colour:Blur", "blur", "degradation gaussian-blur", "Gaussian blur."),
]


@hookimpl
def zoo_components() -> list[Component]:
    """Augmenters of geometry and colour, and chains of them."""
    return list(AUGMENTERS)


@hookimpl
def zoo_namespace() -> Namespace:
    """`augment`; version 0.1 had these components in the core."""
    return Namespace(name="augment", formerly=("core",))
