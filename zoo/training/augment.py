"""`zoo.augment`: what an augmenter makes of one picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.data.pictures import decode, prepare, to_picture
from zoo.data.seeds import draws
from zoo.interfaces.augmenter import check_batch
from zoo.spec.errors import OptionError, SaveError
from zoo.spec.inputs import InputSpec
from zoo.training.common import as_augmenter
from zoo.training.sheets import save_image

_SMALLEST, _GAP, _SHAPE = 96, 4, 1.5
"""Least size of a drawn picture's longer side, pixels between two, width of the grid over its height."""
_WHITE, _MARK = (255, 255, 255), (31, 95, 191)


def augment(image: Any, augment: Any, *, count: int = 8, seed: int = 0, size: int | None = None) -> Tensor:
    """Variants of a picture, as a training would see them in an epoch.

    Args:
        image: a file, a Pillow picture, an array H x W (x C) or a tensor C x H x W. Transparent pixels
            become white.
        augment: an augmenter by name, several in a list, or objects.
        count: how many variants.
        seed: of the random draws.
        size: longer side in pixels that a larger picture is reduced to first; None leaves it.

    Returns:
        `count` x C x H x W in [0, 1], C = 1 for gray pictures.

    Raises:
        DataError: there is no picture.
        OptionError: an option or a number does not fit.
        UnknownComponentError: no plugin has an augmenter of that name.

    Example:
        >>> augment(np.zeros((20, 30, 3), np.uint8), "flip", count=4).shape
        torch.Size([4, 3, 20, 30])
    """
    for name, value in (("count", count), ("size", size)):
        if value is not None and value < 1:
            raise OptionError(name, expected="at least 1", got=str(value))
    augmenter, _ = as_augmenter(augment)
    x = as_tensor(image, size).expand(count, -1, -1, -1).contiguous()
    batch = {"image": x, "target": torch.zeros(count, dtype=torch.int64), "index": torch.arange(count)}
    if augmenter is not None:
        batch = augmenter.train()(batch, draws(seed, 1, range(count)))
        check_batch(batch)
    return batch["image"]


def as_tensor(image: Any, size: int | None = None) -> Tensor:
    """The picture that `augment` begins with, C x H x W in [0, 1] with one or three channels."""
    picture = decode(Path(image).expanduser()) if isinstance(image, str | os.PathLike) else to_picture(image)
    height, width, channels = picture.shape
    if channels in (2, 4):
        channels -= 1
    shrink = min(1.0, (size or max(height, width)) / max(height, width))
    new = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    plain = (0.0,) * channels, (1.0,) * channels
    return prepare(picture, InputSpec(channels=channels, size=new, mean=plain[0], std=plain[1]))


def draw_grid(original: Tensor, variants: Tensor, path: Path) -> Path:
    """Draws pictures of one size as a grid, pixel by pixel; the original comes first, in a blue frame.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3.
        variants: N x C x H x W.
        path: image file to write; a crash leaves the old one or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    tiles = torch.cat([original[None], variants]).clamp(0, 1).expand(-1, 3, -1, -1)
    zoom = -(-_SMALLEST // max(tiles.shape[2:]))
    pixels = (tiles * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    pixels = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    count, height, width = pixels.shape[:3]
    columns = min(count, max(1, round((_SHAPE * count * height / width) ** 0.5)))
    rows = -(-count // columns)
    high, wide = height + _GAP, width + _GAP
    sheet = np.full((rows * high + _GAP, columns * wide + _GAP, 3), _WHITE, dtype=np.uint8)
    sheet[: high + _GAP, : wide + _GAP] = _MARK
    for i, tile in enumerate(pixels):
        top, left = i // columns * high + _GAP, i % columns * wide + _GAP
        sheet[top : top + height, left : left + width] = tile
    staged = path.with_name(f".{path.name}.part")
    try:
        save_image(Image.fromarray(sheet), staged, path)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        got = error.strerror or str(error)
        raise SaveError(f"file {path}", expected="a writable place", got=got) from error
    return path
