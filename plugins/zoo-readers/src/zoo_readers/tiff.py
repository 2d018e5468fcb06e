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

_WHITE_IS_LOWEST, _RGB, _INKS = 0, 2, 5
"""TIFF's kinds of colour: gray whose 0 is white, RGB, and inks, which are CMYK unless a tag says others."""

_TAKEN = (_WHITE_IS_LOWEST, 1, _RGB, 4, _INKS, 34892, 51177)
"""Kinds whose numbers are bands as they stand, with gray, a mask, linear RGB and depth, or become such."""

_INK_SET, _CMYK, _INK_BANDS = 332, 1, 4
_INK_TYPES = (np.uint8, np.uint16, np.uint32)

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

    For a model with `pages="bands"` all pages, as bands. CMYK becomes RGB.

    Args:
        source: the file.
        where: what to call it in an error.

    Returns:
        H x W or H x W x C.

    Raises:
        DataError: it cannot be decoded, has axes that are no bands, or colours of another kind such as Lab.
        MissingPackageError: tifffile is not installed.
    """
    tifffile = package("tifffile", where)
    try:
        with tifffile.TiffFile(source) as file:
            if reads_pages():
                return stack_pages((_upright(page, _numbers(page, where)) for page in file.pages), where)
            page = file.pages.first
            values = _bands_last(page.axes, _numbers(page, where), where)
            return _upright(page, _without_inks(page, values, where) if page.photometric == _INKS else values)
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a TIFF image", got=reason(error)) from error


def _numbers(page: Any, where: str) -> npt.NDArray[Any]:
    """The numbers of a page; gray whose 0 is white is turned round, as Pillow does it with bytes."""
    if page.photometric not in _TAKEN:
        kind = getattr(page.photometric, "name", page.photometric)
        got = f"{kind} of {page.bitspersample} bits"
        raise DataError(where, expected="gray, RGB or CMYK", got=got, hint="save it as RGB")
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


def _without_inks(page: Any, values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """CMYK as RGB, as Pillow does it with bytes."""
    inks = page.tags.get(_INK_SET)
    others = inks is not None and inks.value != _CMYK
    if others or values.shape[2:] != (_INK_BANDS,) or values.dtype not in _INK_TYPES:
        got = f"{' x '.join(map(str, values.shape))} {values.dtype}{' of other inks' * others}"
        hint = "save it as RGB; bands that are no inks as MinIsBlack"
        raise DataError(where, expected="four bands of CMYK in uint8 to uint32", got=got, hint=hint)
    most = 2**page.bitspersample - 1
    light = (most - values.astype(np.float64)) / most
    colours: npt.NDArray[Any] = np.rint(light[..., :3] * light[..., 3:] * most).astype(values.dtype)
    return colours


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
