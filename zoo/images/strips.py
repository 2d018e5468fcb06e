"""Large images in strips of rows: the same numbers, without several copies of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LARGE = 1 << 24
"""Pixels above which an image is worked on in strips."""

_STRIP = 1 << 20
"""Pixels of a strip."""


def is_large(height: int, width: int) -> bool:
    """Whether an image is worked on in strips."""
    return height * width > LARGE


def strips(height: int, width: int) -> Iterator[slice]:
    """Rows of one strip after the other.

    Example:
        >>> [*strips(3, 1 << 19)]
        [slice(0, 2, None), slice(2, 3, None)]
    """
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def pixels_of(image: Image.Image) -> npt.NDArray[Any]:
    """The values of a Pillow image, H x W or H x W x C, as an array of their own that can be written to."""
    width, height = image.size
    if not is_large(height, width):
        # A copy: the array that Pillow lends is read-only, which torch warns of
        return np.array(image)
    # Pillow hands out all bytes in pieces, joins them, and they would be copied once more
    parts = ((rows, image.crop((0, rows.start, width, rows.stop))) for rows in strips(height, width))
    found: npt.NDArray[Any] | None = None
    for rows, part in parts:
        values = np.asarray(part)
        if found is None:
            found = np.empty((height, *values.shape[1:]), values.dtype)
        found[rows] = values
    assert found is not None  # noqa: S101 - a large image has rows
    return found
