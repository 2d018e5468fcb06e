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
                return stack_pages((page.asarray() for page in file.pages), where)
            page = file.pages.first
            axes, values = page.axes, page.asarray()
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a TIFF image", got=reason(error)) from error
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
