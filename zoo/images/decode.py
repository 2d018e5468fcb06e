"""Decoding of files and objects to images, and of images to a model's input."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from zoo.images.header import check_sign, depth, lost, unreadable_bands
from zoo.images.scale import advice
from zoo.spec.display import counted
from zoo.spec.errors import DataError, reason, warn
from zoo.spec.inputs import InputSpec

ImageArray = npt.NDArray[Any]
"""H x W x C, uint8 in 0..255 or float32 in [0, 1]."""

SUFFIXES = frozenset(
    [".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)
"""Names of files that are taken for images, in lower case."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a gray value (ITU-R BT.601), as Pillow has them."""

SKIP = "mend or remove it, or skip such files (skip_unreadable=True, --skip-unreadable)"
"""Next step where one of many images cannot be read."""

_GRAY, _RGB, _RGBA = 1, 3, 4
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
        with Image.open(source) as image:
            # A camera's MPO holds the image and its previews.
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if frames > 1:
                image.seek(0)
            image.load()
            # 1 is upright, and 0 no orientation that EXIF knows
            turned = image.getexif().get(ORIENTATION, 1) not in (0, 1)
            check_sign(image, where)
            facts = FileFacts(str(image.format), image.mode, turned, frames)
            return from_pil(ImageOps.exif_transpose(image), where), facts
    # Of `from_pil`, whose values are named already: not to be wrapped once more below
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(where, expected="a file", got="nothing there") from None
    except IsADirectoryError:
        raise DataError(where, expected="an image file", got="a folder") from None
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


def from_pil(image: Image.Image, where: str = "image") -> ImageArray:
    """A Pillow image as `decode` returns it."""
    mode = image.mode
    # 16-bit gray opens as I;16 or I, of which `convert` would keep 8 bits at most
    if mode.startswith("I"):
        values = np.asarray(image)
        if values.min(initial=0) < 0 or values.max(initial=0) > _DEEP:
            raise DataError(where, expected=f"values in 0..{_DEEP}", got=f"{values.min()}..{values.max()}")
        gray = values.astype(np.float32) / _DEEP
        # The gray value that a PNG may name as transparent
        clear = image.info.get("transparency")
        planes = [gray] if clear is None else [gray, (values != clear).astype(np.float32)]
        return np.stack(planes, axis=-1)
    if mode == "F":
        return from_array(np.asarray(image), where)
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
    # A copy: the array that Pillow lends is read-only, which torch warns of
    pixels = np.array(image)
    return pixels[..., None] if pixels.ndim == _FLAT else pixels


def from_array(array: Any, where: str = "image") -> ImageArray:
    """An array H x W or H x W x C as an image.

    Raises:
        DataError: it has another number of axes, or values that are neither uint8 nor floats in [0, 1].
    """
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
    x = x.detach().cpu().permute(1, 2, 0)
    # numpy has no bfloat16, and an image is float32 anyway
    return from_array((x.float() if x.is_floating_point() else x).numpy(), where)


def to_image(value: Any, where: str = "image") -> ImageArray:
    """A Pillow image, an array H x W (x C) or a tensor C x H x W as an image.

    Raises:
        DataError: it is none of them.
    """
    if isinstance(value, Image.Image):
        return from_pil(value, where)
    if isinstance(value, Tensor):
        return from_tensor(value, where)
    if isinstance(value, np.ndarray):
        return from_array(value, where)
    raise DataError(where, expected="a Pillow image, an array or a tensor", got=type(value).__name__)


def prepare(image: ImageArray, spec: InputSpec, where: str = "image") -> Tensor:
    """An image as a model takes it: the same at training and at prediction.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1].
        spec: of the model.
        where: what to call it in an error.

    Returns:
        C x H x W float32 in [0, 1] with the channels and size of the spec, not yet normalised.

    Raises:
        DataError: its channels cannot be turned into the model's.
    """
    # A copy of mirrored arrays, whose negative strides torch refuses, and read-only ones, which it warns of
    x = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)  # C x H x W
    x = x.to(torch.float32) / 255 if x.dtype == torch.uint8 else x
    return resize(to_channels(x, spec.channels, where), spec).contiguous()


def to_channels(x: Tensor, channels: int, where: str = "image") -> Tensor:
    """C x H x W in [0, 1] with another number of channels.

    Gray is repeated, colours are weighted by `LUMA`; where no alpha is asked for, transparent pixels are laid
    on white, and a missing one is opaque.

    Raises:
        DataError: there is no such conversion.
    """
    own = x.shape[0]
    if own == channels:
        return x
    if channels in (_GRAY, _RGB, _RGBA) and own in (1, 2, 3, 4):
        # The last channel is alpha; colours are not premultiplied
        x, alpha = (x[:-1], x[-1:]) if own in (2, 4) else (x, torch.ones_like(x[:1]))
        if channels != _RGBA and own in (2, 4):
            x = x * alpha + (1 - alpha)
        if channels == _GRAY and x.shape[0] == _RGB:
            x = (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(dim=0, keepdim=True)
        elif channels != _GRAY and x.shape[0] == _GRAY:
            x = x.expand(_RGB, -1, -1)
        return torch.cat([x, alpha]) if channels == _RGBA else x
    hint = f"build the model with in_channels={own}"
    raise DataError(where, expected=counted(channels, "channel"), got=str(own), hint=hint)


def resize(x: Tensor, spec: InputSpec) -> Tensor:
    """C x H x W in [0, 1] at the size of the spec, antialiased; unchanged where it has that size."""
    if tuple(x.shape[1:]) == tuple(spec.size):
        return x
    if spec.interpolation == "nearest":
        # torch's "nearest" keeps an old bug of OpenCV; "nearest-exact" takes the pixels that Pillow takes
        return F.interpolate(x[None], size=spec.size, mode="nearest-exact")[0]
    # Antialiased, torch's bicubic has Pillow's kernel (a = -0.5; else -0.75), which overshoots the range
    y = F.interpolate(x[None], size=spec.size, mode=spec.interpolation, align_corners=False, antialias=True)
    return y[0].clamp(0, 1)
