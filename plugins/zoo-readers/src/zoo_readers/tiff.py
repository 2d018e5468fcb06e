"""TIFF files of more bands or depth than Pillow keeps."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, reason
from zoo.interfaces import reads_pages, stack_pages
from zoo_readers.packages import package

_BANDS = "S"
"""The axis, as tifffile names it, that holds bands of a page: samples."""

_WHITE_IS_LOWEST = 0
"""TIFF's kind of gray whose 0 is white."""

_ORIENTATION = 274
_TURNS = {
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (True, False, True),
    7: (True, True, True),
    8: (False, True, True),
}
"""By the tag: whether rows run upwards, columns to the left, and both are then swapped."""


def read(source: str | Path | IO[bytes], where: str) -> npt.NDArray[Any]:
    """The image of a TIFF file, in the depth of the file; of several pages the first.

    For a model with `pages="bands"` all pages, as bands.

    Args:
        source: the file.
        where: what to call it in an error.

    Returns:
        H x W or H x W x C.

    Raises:
        DataError: it cannot be decoded, or has axes that are no bands.
        MissingPackageError: tifffile is not installed.
    """
    tifffile = package("tifffile", where)
    try:
        with tifffile.TiffFile(source) as file:
            if reads_pages():
                return stack_pages((_upright(page, _numbers(page, where)) for page in file.pages), where)
            page = file.pages.first
            return _upright(page, _bands_last(page.axes, _numbers(page, where), where))
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a TIFF image", got=reason(error)) from error


def _numbers(page: Any, where: str) -> npt.NDArray[Any]:
    """The numbers of a page; gray whose 0 is white is turned round, as Pillow does it with bytes."""
    values: npt.NDArray[Any] = page.asarray()
    if page.photometric != _WHITE_IS_LOWEST:
        return values
    if values.dtype.kind == "b":
        flipped: npt.NDArray[Any] = np.logical_not(values)
        return flipped
    if values.dtype.kind != "u":
        got, hint = f"{values.dtype} whose lowest is white (MinIsWhite)", "save it as MinIsBlack"
        expected = "numbers without a sign, or a lowest that is black"
        raise DataError(where, expected=expected, got=got, hint=hint)
    turned: npt.NDArray[Any] = np.subtract(2**page.bitspersample - 1, values, dtype=values.dtype)
    return turned


def _upright(page: Any, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An image H x W or H x W x C, turned as the tag of its page says."""
    tag = page.tags.get(_ORIENTATION)
    up, left, swap = _TURNS.get(tag.value if tag else 1, (False, False, False))
    values = values[:: -1 if up else 1, :: -1 if left else 1]
    found: npt.NDArray[Any] = np.ascontiguousarray(values.swapaxes(0, 1) if swap else values)
    return found


def _bands_last(axes: str, values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """A page as H x W or H x W x C, whatever order its axes have."""
    # Axes of one step say nothing
    kept = [i for i, name in enumerate(axes) if values.shape[i] > 1 or name in "YX"]
    values = values.reshape([values.shape[i] for i in kept])
    names = "".join(axes[i] for i in kept)
    others = [name for name in names if name not in "YX"]
    if len(others) > 1 or any(name not in _BANDS for name in others):
        got = " x ".join(f"{name} {size}" for name, size in zip(names, values.shape, strict=True))
        hint = "save each image as a file, with bands as samples"
        raise DataError(where, expected="height, width and bands", got=got, hint=hint)
    found: npt.NDArray[Any] = np.moveaxis(values, names.index(others[0]), -1) if others else values
    return found
