"""Images that are given as objects: Pillow images, arrays and tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile
from torch import Tensor

from zoo.images.decode import ImageArray, from_pil
from zoo.images.facts import is_turned
from zoo.images.header import lost, opened_depth
from zoo.images.opening import unmap
from zoo.images.pages import opened_pages
from zoo.images.ranges import asked_numbers, reads_pages
from zoo.images.readers import from_array, numbers
from zoo.images.scale import few_bits
from zoo.spec.errors import DataError, reason

_AXES = 3

TURNED = (
    "turned upright by the EXIF tag that the Pillow image still has; where it was turned by hand, remove the "
    "tag (del image.getexif()[0x0112]), or let PIL.ImageOps.exif_transpose(image) do both"
)
"""What is said of images made of an opened one."""


def from_tensor(x: Tensor, where: str = "image") -> ImageArray:
    """A tensor C x H x W as an image; see `from_array`."""
    if x.ndim != _AXES:
        raise DataError(where, expected="a tensor C x H x W", got=" x ".join(map(str, x.shape)))
    kind = str(x.layout).removeprefix("torch.") if x.layout != torch.strided else ""
    kind = "a quantised one" if x.is_quantized else "one without values, on meta" if x.is_meta else kind
    if kind:
        hint = None if x.is_meta else "x.dequantize()" if x.is_quantized else "x.to_dense()"
        raise DataError(where, expected="a plain tensor C x H x W", got=kind, hint=hint)
    x = x.detach().cpu().permute(1, 2, 0)
    # numpy has no bfloat16, and an image is float32 anyway
    return from_array((x.float() if x.is_floating_point() else x).numpy(), where)


@dataclass(frozen=True, slots=True)
class Taken:
    """An image that was given as an object.

    Args:
        pixels: H x W x C.
        lost: words for what was lost or done in taking it.
        given: the object, where it may be taken once more.
    """

    pixels: ImageArray
    lost: tuple[str, ...] = ()
    given: Any = field(default=None, compare=False, repr=False)


def taken(value: Any, where: str = "image") -> Taken:
    """An image from an object as `to_image` makes it, and what a Pillow image loses on the way."""
    if reads_pages() and isinstance(value, ImageFile.ImageFile):
        return Taken(_bands(value, where))
    # First: Pillow closes its file where pixels are read
    own = opened_depth(value) if isinstance(value, Image.Image) else None
    pixels = to_image(value, where)
    if not isinstance(value, Image.Image):
        return Taken(pixels)
    dark = own is not None and value.mode.startswith("I") and asked_numbers() is None
    cut = lost(own, value.mode) if own else ""
    lost_depth = "; ".join(filter(None, (cut, few_bits([float(pixels.max())]) if dark else "")))
    # What was made of an opened image keeps its tag, and may have been turned by hand
    turned = is_turned(value) and not isinstance(value, ImageFile.ImageFile)
    return Taken(pixels, tuple(filter(None, (lost_depth, TURNED * turned))))


def _bands(value: ImageFile.ImageFile, where: str) -> ImageArray:
    """The pages of an opened file as channels, as those of its path are."""
    with _readable(where):
        held = opened_pages(value, where)
    return from_array(held if asked_numbers() else numbers(held), where, alpha=False)


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        expected, hint = "a Pillow image that can be read", "mend its file; if it was closed, open it again"
        raise DataError(where, expected=expected, got=reason(error), hint=hint) from error


def to_image(value: Any, where: str = "image") -> ImageArray:
    """A Pillow image, an array H x W (x C) or a tensor C x H x W as an image.

    Raises:
        DataError: it is none of them.
    """
    if isinstance(value, Image.Image):
        with _readable(where):
            unmap(value)
            value.load()
        return from_pil(value, where)
    if isinstance(value, Tensor):
        return from_tensor(value, where)
    if isinstance(value, np.ndarray):
        return from_array(value, where)
    raise DataError(where, expected="a Pillow image, an array or a tensor", got=type(value).__name__)
