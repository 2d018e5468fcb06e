"""Files that Pillow does not read: arrays by numpy, others by readers that plugins offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.images.header import Depth
from zoo.images.opening import check_file
from zoo.spec.errors import DataError, PluginError, reason
from zoo.spec.names import takes_part

GROUP = "zoo.readers"
"""Group of entry points: the name is a suffix such as `.dcm`, the value `package.module:function`."""

ARRAY, _TIFF = ".npy", ".tif"
MAGIC = b"\x93NUMPY"
_AXES = (2, 3)
_BYTE_BITS, _DEEP = 8, 65535
Reader = Callable[[str | Path | IO[bytes], str], npt.NDArray[Any]]
"""Takes a file and what to call it in an error; returns H x W or H x W x C numbers."""


@cache
def offered() -> Mapping[str, EntryPoint]:
    """Readers by suffix, in lower case; nothing is imported."""
    return {point.name.lower(): point for point in entry_points(group=GROUP)}


def _chosen(suffix: str) -> EntryPoint | None:
    """The reader of a suffix, unless the environment leaves its distribution out."""
    point = offered().get(suffix)
    return point if point is None or point.dist is None or takes_part(point.dist.name) else None


def reads(suffix: str) -> bool:
    """Whether files of a suffix are read here, and not by Pillow."""
    return suffix == ARRAY or _chosen(suffix) is not None


def reader_of(source: str | Path | IO[bytes], own: Callable[[], Depth | None], usual: bool) -> Reader | None:
    """The reader of a file; None where Pillow reads it.

    Args:
        source: a file's path, or an open file that can seek.
        own: finds the depth of the file.
        usual: whether Pillow reads files of that suffix, which it then does unless depth or bands are lost.
    """
    if not isinstance(source, str | Path):
        begin = source.read(len(MAGIC))
        source.seek(0)
        if begin == MAGIC:
            return array
        # As its file would be read, whose name is not here
        suffix = _TIFF if begin[:2] in (b"II", b"MM") else ""
    else:
        suffix = Path(source).suffix.lower()
    if suffix == ARRAY:
        return array
    if (point := _chosen(suffix)) is None:
        return None
    deep = own() if usual else None
    # Signed bytes Pillow takes for others
    lossy = deep is not None and (
        deep.other > 0
        or (deep.bits > _BYTE_BITS and deep.bands > 1)
        or (deep.bits <= _BYTE_BITS and deep.signed)
    )
    return _loaded(point) if lossy or not usual else None


@cache
def _loaded(point: EntryPoint) -> Reader:
    try:
        found: Reader = point.load()
    except Exception as error:  # a plugin's code
        where = f"reader of {point.name} files, {point.value}"
        raise PluginError(where, expected="a function", got=reason(error)) from error
    return found


def array(source: str | Path | IO[bytes], where: str) -> npt.NDArray[Any]:
    """The array in a `.npy` file. Pickled objects are never read.

    Raises:
        DataError: it is none, has other axes, or is too large.
    """
    if isinstance(source, str | Path):
        check_file(source, where)
        with Path(source).open("rb") as file:
            return _array(file, where)
    return _array(source, where)


def _array(file: IO[bytes], where: str) -> npt.NDArray[Any]:
    try:
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(file)
    except Exception as error:  # numpy raises what it stumbles over
        raise DataError(where, expected="an array of numpy", got=reason(error)) from error
    # Before any of it is taken into memory
    most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if len(shape) not in _AXES or dtype.hasobject or dtype.names:
        got = f"{' x '.join(map(str, shape)) or 'one value'} of {dtype}"
        hint = "save each image as one array of numbers"
        raise DataError(where, expected="H x W or H x W x C", got=got, hint=hint)
    if most and shape[0] * shape[1] > most:
        raise DataError(where, expected=f"at most {most:,} pixels", got=f"{shape[0] * shape[1]:,}")
    file.seek(0)
    try:
        found: npt.NDArray[Any] = np.load(file, allow_pickle=False)
    except Exception as error:
        raise DataError(where, expected="a whole array of numpy", got=reason(error)) from error
    return found


def numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of a file as `zoo.images.decode.from_array` takes it: of 16 bits, 65535 is white.

    Example:
        >>> numbers(np.array([[0, 65535]], np.uint16)).tolist()
        [[0.0, 1.0]]
    """
    return values.astype(np.float32) / np.float32(_DEEP) if values.dtype == np.uint16 else values
