"""Declarations of the augmenters; free of torch."""

from __future__ import annotations

from zoo import Component, Namespace, hookimpl


def _augmenter(target: str, name: str, tags: str, summary: str, paper: str | None = None) -> Component:
    return Component(
        kind="augmenter",
        name=name,
        target=f"zoo_augment.{target}",
        config=f"zoo_augment.config:{target.partition(':')[2]}Options",
        summary=summary,
        paper=paper,
        tags=tuple(tags.split()),
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
    ),
    _augmenter("geometry:Rotate", "rotate", "geometry rotation", "Rotation about the middle."),
    _augmenter(
        "geometry:Shift",
        "shift",
        "geometry translation translate",
        "Translation by shares of width and height.",
    ),
    _augmenter("geometry:Shear", "shear", "geometry", "Shear about the middle."),
    _augmenter("geometry:Zoom", "zoom", "geometry scaling scale", "Scaling about the middle."),
    _augmenter("geometry:Flip", "flip", "geometry mirror", "Mirror images, left to right or top to bottom."),
    _augmenter(
        "crops:Crop",
        "crop",
        "geometry",
        "A crop of the old size from the padded image.",
        "https://arxiv.org/abs/1512.03385",
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
