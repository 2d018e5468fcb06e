"""Decoding of files and objects to images."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from torch import Tensor

from zoo.images.header import check_sign, depth, lost, opened_depth, unreadable_bands
from zoo.images.opening import open_image
from zoo.images.scale import advice
from zoo.images.strips import pixels_of
from zoo.spec.errors import DataError, reason, warn

ImageArray = npt.NDArray[Any]
"""H x W x C, uint8 in 0..255 or float32 in [0, 1]."""

SUFFIXES = frozenset(
    [".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)
"""Names of files that are taken for images, in lower case."""

SKIP = "mend or remove it, or skip such files (skip_unreadable=True, --skip-unreadable)"
"""Next step where one of many images cannot be read."""

TURNED = (
    "turned upright by the EXIF tag that the Pillow image still has; where it was turned by hand, remove the "
    "tag (del image.getexif()[0x0112]), or let PIL.ImageOps.exif_transpose(image) do both"
)
"""What is said of images made of an opened one."""

_FLAT, _MAP = 2, 3
_DEEP = 65535
ORIENTATION, SWAPPING = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values that swap height and width."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts that a file states of its image.

    Args:
        format: as Pillow names it, such as `JPEG`.
        mode: how pixels are stored, as Pillow names it, such as `RGB` or `CMYK`.
        turned: whether an EXIF tag says that the image must be turned to be upright.
        frames: how many there are.
    """

    format: str
    mode: str
    turned: bool
    frames: int


def decode(source: str | Path | IO[bytes], where: str | None = None) -> ImageArray:
    """Reads an image.

    Turned upright by its EXIF tag; of several frames the first, with a warning; palette, CMYK, YCbCr and
    Lab become RGB.

    Args:
        source: a file's path, or an open file that can seek.
        where: what to call it in an error.

    Returns:
        H x W x C with C = 1, 2 (gray and alpha), 3 or 4: uint8, or float32 in [0, 1] for 16-bit images.

    Raises:
        DataError: the file is missing, truncated, too large or no image.
    """
    where = where or f"image {source}"
    # First: an open file is read to its end
    own = depth(source)
    image, facts = _first(source, where)
    if own is not None and (words := lost(own, facts.mode, float(image.max()))):
        warn(f"{where}: {words}")
    return image


def decode_counted(source: str | Path | IO[bytes], where: str | None = None) -> ImageArray:
    """The same where what is lost of depth and bands was said of all images together."""
    return _first(source, where or f"image {source}")[0]


def _first(source: str | Path | IO[bytes], where: str) -> tuple[ImageArray, FileFacts]:
    image, facts = read(source, where)
    if facts.frames > 1:
        warn(f"{where} has several frames; the first is taken")
    return image, facts


def read(source: str | Path | IO[bytes], where: str) -> tuple[ImageArray, FileFacts]:
    """An image as `decode` returns it, without its warning, and what its file says of it."""
    try:
        with open_image(source, where) as image:
            # A camera's MPO holds the image and its previews.
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if frames > 1:
                image.seek(0)
            image.load()
            facts = FileFacts(str(image.format), image.mode, is_turned(image), frames)
            return from_pil(image, where), facts
    # Of `open_image` and `from_pil`, which name it already: not to be wrapped once more below
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(where, expected="a file", got="nothing there") from None
    except Image.DecompressionBombError as error:
        # Pillow warns above the limit and refuses above twice of it; None never gets here
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        found = re.search(r"\d+", str(error))
        raise DataError(
            where,
            expected=f"at most {limit:,} pixels",
            got=f"{int(found[0]):,}" if found else "more",
            hint="make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it",
        ) from error
    except Exception as error:  # decoders raise whatever they stumble over
        # Windows says of a folder that it may not be read
        if isinstance(error, IsADirectoryError | PermissionError) and Path(str(source)).is_dir():
            raise DataError(where, expected="an image file", got="a folder") from None
        if isinstance(error, UnidentifiedImageError) and (own := depth(source)) is not None:
            raise unreadable_bands(own, where) from error
        raise DataError(
            where,
            expected="a readable image",
            got=_unreadable(error, source),
            hint=SKIP,
        ) from error


def _unreadable(error: Exception, source: str | Path | IO[bytes]) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "an empty file" if _is_empty(source) else "a file of another kind"
    return reason(error)


def _is_empty(source: str | Path | IO[bytes]) -> bool:
    if isinstance(source, str | Path):
        return Path(source).stat().st_size == 0
    return source.seek(0, io.SEEK_END) == 0


def is_turned(image: Image.Image) -> bool:
    """Whether an EXIF tag says that the image must be turned to be upright."""
    # 1 is upright, and 0 no orientation that EXIF knows
    return image.getexif().get(ORIENTATION, 1) not in (0, 1)


def from_pil(image: Image.Image, where: str = "image") -> ImageArray:
    """A Pillow image as `decode` returns it, turned upright like the same image in a file."""
    if 0 in image.size:
        raise DataError(where, expected="at least one pixel", got=f"{image.width} x {image.height}")
    check_sign(image, where)
    if is_turned(image):
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    # 16-bit gray opens as I;16 or I, of which `convert` would keep 8 bits at most
    if mode.startswith("I"):
        values = pixels_of(image)
        if values.min(initial=0) < 0 or values.max(initial=0) > _DEEP:
            raise DataError(where, expected=f"values in 0..{_DEEP}", got=f"{values.min()}..{values.max()}")
        # The gray value that a PNG may name as transparent
        clear = image.info.get("transparency")
        planes = np.empty((*values.shape, 1 if clear is None else 2), np.float32)
        np.divide(values, np.float32(_DEEP), out=planes[..., 0], dtype=np.float32, casting="unsafe")
        if clear is not None:
            planes[..., 1] = values != clear
        return planes
    if mode == "F":
        return from_array(pixels_of(image), where)
    # A PNG may name one colour as transparent instead of having alpha; `convert` makes alpha of it
    clear = "transparency" in image.info
    if mode in ("PA", "RGBa") or (mode in ("P", "RGB") and clear):
        image = image.convert("RGBA")
    elif mode == "La" or (mode in ("1", "L") and clear):
        image = image.convert("LA")
    elif mode == "1":
        image = image.convert("L")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    pixels = pixels_of(image)
    return pixels[..., None] if pixels.ndim == _FLAT else pixels


def from_array(array: Any, where: str = "image") -> ImageArray:
    """An array H x W or H x W x C as an image.

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
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise DataError(where, expected="uint8, or floats in [0, 1]", got=str(values.dtype))
    if not np.issubdtype(values.dtype, np.floating):
        got, hint = advice(values)
        got = f"{values.dtype} {got}"
        raise DataError(where, expected="uint8, or floats in [0, 1]", got=got, hint=hint)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # also catches NaN
        got, hint = advice(values)
        raise DataError(where, expected="values in [0, 1]", got=got, hint=hint)
    return values.astype(np.float32)


def from_tensor(x: Tensor, where: str = "image") -> ImageArray:
    """A tensor C x H x W as an image; see `from_array`."""
    if x.ndim != _MAP:
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
    """

    pixels: ImageArray
    lost: tuple[str, ...] = ()


def taken(value: Any, where: str = "image") -> Taken:
    """An image from an object as `to_image` makes it, and what a Pillow image loses on the way."""
    # First: Pillow closes its file where pixels are read
    own = opened_depth(value) if isinstance(value, Image.Image) else None
    pixels = to_image(value, where)
    if not isinstance(value, Image.Image):
        return Taken(pixels)
    lost_depth = lost(own, value.mode, float(pixels.max())) if own else ""
    # What was made of an opened image keeps its tag, and may have been turned by hand
    turned = is_turned(value) and not isinstance(value, ImageFile.ImageFile)
    return Taken(pixels, tuple(filter(None, (lost_depth, TURNED * turned))))


def to_image(value: Any, where: str = "image") -> ImageArray:
    """A Pillow image, an array H x W (x C) or a tensor C x H x W as an image.

    Raises:
        DataError: it is none of them.
    """
    if isinstance(value, Image.Image):
        try:
            value.load()
        except Exception as error:  # decoders raise whatever they stumble over
            expected, hint = (
                "a Pillow image that can be read",
                "mend its file; if it was closed, open it again",
            )
            raise DataError(where, expected=expected, got=reason(error), hint=hint) from error
        return from_pil(value, where)
    if isinstance(value, Tensor):
        return from_tensor(value, where)
    if isinstance(value, np.ndarray):
        return from_array(value, where)
    raise DataError(where, expected="a Pillow image, an array or a tensor", got=type(value).__name__)
