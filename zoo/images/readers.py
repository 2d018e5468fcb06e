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
from zoo.images.ranges import Numbers, asked_numbers, reads_pages
from zoo.images.scale import advice
from zoo.spec.errors import DataError, PluginError, reason
from zoo.spec.names import takes_part

GROUP = "zoo.readers"
"""Group of entry points: the name is a suffix such as `.dcm`, the value `package.module:function`."""

ARRAY, _TIFF = ".npy", ".tif"
MAGIC = b"\x93NUMPY"
_AXES = (2, 3)
_FLAT, _MAP, _WITH_ALPHA = 2, 3, (2, 4)
_BYTE_BITS, _DEEP = 8, 65535
Reader = Callable[[str | Path | IO[bytes], str], npt.NDArray[Any]]
"""Takes a file and what to call it in an error; returns H x W or H x W x C numbers.

A reader of files that say what stays in one split, such as a patient, has a function `group` of a path.
"""


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


def group_reader(suffix: str) -> Callable[[Path], str | None] | None:
    """Tells the group of a file, such as a patient, of files that say one; None of others.

    Args:
        suffix: of the files, in lower case.
    """
    point = _chosen(suffix)
    return None if point is None else getattr(_loaded(point), "group", None)


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


def but_alpha(pixels: npt.NDArray[Any], asked: Numbers, where: str) -> npt.NDArray[Any]:
    """Bytes on the scale of a range, but for alpha, the last channel, which has none but its own."""
    return np.concatenate([asked.scaled(pixels[..., :-1], where), pixels[..., -1:] / np.float32(255)], axis=2)


def from_array(array: Any, where: str = "image", *, alpha: bool = True) -> npt.NDArray[Any]:
    """An array H x W or H x W x C as an image.

    Args:
        array: of numbers. While a range is asked for, these are scaled by it; of bytes with 2 or 4 channels
            the last is alpha, as in files, which has no range but its own.
        where: what to call it in an error.
        alpha: whether such a last channel may be alpha; bands that a file lists have none.

    Raises:
        DataError: it has another number of axes, values that are neither uint8 nor floats in [0, 1], or
            some that a mask hides.
    """
    if hidden := int(np.ma.getmaskarray(array).sum()) if np.ma.isMaskedArray(array) else 0:
        got, hint = f"{hidden} of {array.size} hidden by a mask", "say what stands there: x.filled(value)"
        raise DataError(where, expected="a value for each pixel", got=got, hint=hint)
    values = np.asarray(array)
    if values.ndim == _FLAT:
        values = values[..., None]
    if values.ndim != _MAP or 0 in values.shape:
        raise DataError(where, expected="H x W or H x W x C", got=" x ".join(map(str, np.shape(array))))
    if are_bools := values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise DataError(where, expected="uint8, or floats in [0, 1]", got=str(values.dtype))
    if (asked := asked_numbers()) is not None:
        own = alpha and asked.range is not None and not are_bools and not reads_pages()
        if own and values.dtype == np.uint8 and values.shape[2] in _WITH_ALPHA:
            return but_alpha(values, asked, where)
        return asked.scaled(values, where, *["bools"] * are_bools)
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        got, hint = advice(values)
        got = f"{values.dtype} {got}"
        raise DataError(where, expected="uint8, or floats in [0, 1]", got=got, hint=hint)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # also catches NaN
        got, hint = advice(values)
        raise DataError(where, expected="values in [0, 1]", got=got, hint=hint)
    return values.astype(np.float32)
