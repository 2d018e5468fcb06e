"""Facts that a file states of its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from PIL import Image

ORIENTATION, SWAPPING = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values that swap height and width."""

_WIDTH, _HEIGHT = 256, 257
"""Tags of TIFF: columns and rows as they are stored."""

ARRAYS = "array"
"""Format of what Pillow does not read, and of which nothing is lost."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts that a file states of its image.

    Args:
        format: as Pillow names it, such as `JPEG`, or `ARRAYS`.
        mode: how pixels are stored, as Pillow names it, such as `RGB` or `CMYK`, or how many pages are bands;
            empty of arrays.
        turned: whether an EXIF tag says that the image must be turned to be upright.
        frames: how many there are.
        size: height and width of the upright image, whatever scale it was decoded at.
        deep: whether 65535 of it is white, of whole numbers that no range scales.
    """

    format: str
    mode: str
    turned: bool
    frames: int
    size: tuple[int, int]
    deep: bool = False


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of an image once it is turned upright."""
    sideways = lies(image, image.getexif().get(ORIENTATION, 1))
    return (image.width, image.height) if sideways else (image.height, image.width)


def lies(image: Image.Image, orientation: int) -> bool:
    """Whether height and width are swapped once an image is turned upright.

    Args:
        image: opened.
        orientation: as its tag says it.
    """
    tags = getattr(image, "tag_v2", {})
    # Of a TIFF Pillow may tell the upright size from the beginning
    return orientation in SWAPPING and image.size == (
        tags.get(_WIDTH, image.width),
        tags.get(_HEIGHT, image.height),
    )


def is_turned(image: Image.Image) -> bool:
    """Whether an EXIF tag says that the image must be turned to be upright."""
    # 1 is upright, and 0 no orientation that EXIF knows
    return image.getexif().get(ORIENTATION, 1) not in (0, 1)


def tops(image: npt.NDArray[Any], facts: FileFacts) -> list[float]:
    """The highest value of an image in [0, 1] where its file has 16 bits of whole numbers; else none."""
    return [float(image.max())] if facts.deep else []
