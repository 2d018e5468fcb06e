"""`zoo.augment`: what an augmenter makes of one image."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from zoo.images.decode import decode
from zoo.images.objects import taken
from zoo.images.prepare import prepare
from zoo.images.ranges import How, Range, scaled_by
from zoo.inference.generated_images import Images
from zoo.inference.given_images import asked_alone
from zoo.interfaces.augmenter import AugmentLike, check_batch
from zoo.interfaces.draws import draws
from zoo.runtime.arguments import as_augmenter
from zoo.spec.errors import OptionError, warn
from zoo.spec.inputs import FIRST, InputSpec, Reading, range_value
from zoo.spec.reference import local_path


def augment(
    image: Any,
    augment: AugmentLike,
    *,
    count: int = 8,
    seed: int = 0,
    size: int | None = None,
    value_range: Range | None = None,
    in_channels: int | None = None,
    pages: str | None = None,
) -> Images:
    """Variants of an image, as a training would see them in an epoch.

    Args:
        image: a file, a Pillow image, an array H x W (x C) or a tensor C x H x W. Transparent pixels
            become white.
        augment: an augmenter by name, several in a list, or objects.
        count: how many variants.
        seed: of the random draws.
        size: longer side in pixels that a larger image is reduced to first; None leaves it.
        value_range: lowest and highest number that matter, as `zoo.build` takes it; None for images in
            [0, 1], bytes or 16 bits.
        in_channels: channels that a model takes of the image; None for one or three, or all bands.
        pages: `"bands"` reads all pages of a TIFF as channels, as `zoo.build` takes it.

    Returns:
        `count` x C x H x W in [0, 1], C = 1 for gray images: a tensor, which a notebook shows as a grid.

    Raises:
        DataError: there is no image.
        OptionError: an option or a number does not fit.
        UnknownComponentError: no plugin has an augmenter of that name.

    Example:
        >>> variants = augment(torch.zeros(3, 20, 30), "flip", count=4)
        >>> variants, variants.shape
        (4 variants of 3 x 20 x 30, torch.Size([4, 3, 20, 30]))
    """
    for name, value in (("count", count), ("size", size), ("in_channels", in_channels)):
        if value is not None and value < 1:
            raise OptionError(name, expected="at least 1", got=str(value))
    augmenter, _ = as_augmenter(augment)
    if augmenter is not None and augmenter.changes_labels:
        expected, got = "augmenters of one image", "one that mixes the images of a batch"
        hint = "zoo.fit(augment=...) takes it; leave it out here"
        raise OptionError("augment", expected=expected, got=got, hint=hint)
    how = InputSpec(value_range=range_value(value_range), pages=pages or FIRST).reading
    original = as_tensor(image, size, how, in_channels)
    # Contiguous, since all variants would share their memory
    x = original.expand(count, -1, -1, -1).contiguous()
    batch = {"image": x, "target": torch.zeros(count, dtype=torch.int64), "index": torch.arange(count)}
    if augmenter is not None:
        # Epoch 1, the first of a training
        batch = augmenter.train()(batch, draws(seed, 1, range(count)))
        check_batch(batch)
    return Images.of(batch["image"], "variants", original)


def as_tensor(
    image: Any, size: int | None = None, how: How | None = None, channels: int | None = None
) -> Tensor:
    """The pixels that `augment` begins with, C x H x W in [0, 1]; see there."""
    with asked_alone(), scaled_by(how):
        if isinstance(image, str | os.PathLike):
            pixels = decode(local_path(image))
        else:
            found = taken(image)
            pixels = found.pixels
            for words in found.lost:
                warn(f"image: {words}")
    height, width, own = pixels.shape
    # The last is transparency, which `prepare` lays on white
    channels = channels or (own - 1 if own in (2, 4) and not isinstance(how, Reading) else own)
    shrink = min(1.0, (size or max(height, width)) / max(height, width))
    new = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    plain = (0.0,) * channels, (1.0,) * channels
    return prepare(pixels, InputSpec(channels=channels, size=new, mean=plain[0], std=plain[1]))
