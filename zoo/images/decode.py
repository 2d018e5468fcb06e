"""Decoding of files and objects to images."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.images.facts import ARRAYS, FileFacts, is_turned, tops, upright_size
from zoo.images.header import ALPHA, Depth, check_sign, depth, gray_numbers, lost, unreadable_bands
from zoo.images.opening import open_image
from zoo.images.pages import chosen_reader, left_out
from zoo.images.ranges import Numbers, asked_numbers, reads_pages
from zoo.images.readers import Reader, array, but_alpha, from_array, numbers, reader_of, reads
from zoo.images.scale import advice, few_bits
from zoo.images.strips import pixels_of
from zoo.spec.display import counted
from zoo.spec.errors import DataError, PluginError, reason, warn
from zoo.spec.hints.offered import offered
from zoo.spec.hints.spoken import argument

ImageArray = npt.NDArray[Any]
"""H x W x C, uint8 in 0..255 or float32 in [0, 1]."""

SUFFIXES = frozenset(
    [".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)
"""Names of files that Pillow is asked for, in lower case."""


def is_image(file: Path) -> bool:
    """Whether a file is called like an image."""
    suffix = file.suffix.lower()
    return suffix in SUFFIXES or reads(suffix)


def skip_hint() -> str:
    """The next step where one of many images cannot be read, as it is said where the verb was called."""
    skipped = f", or skip such files ({argument('skip_unreadable', True)})"
    return "mend or remove it" + skipped * offered("skip_unreadable")


MARGIN = 2.5
"""How much larger than wanted a JPEG is decoded at least. Measured on five photographs where the scale
leaves exactly so much, against the exact way: 1 differs by 2 of 255 in the mean (by 63 at most), 2 by 0.9
(15), 2.5 by 0.6 (10), 3 by 0.5 (7), of which rounding makes 0.3. From 3 on, 1600 x 1200 is decoded in full
for 224 x 224."""

_FLAT = 2
_DEEP, _BYTE_BITS = 65535, 8


def decode(source: str | Path | IO[bytes], where: str | None = None) -> ImageArray:
    """Reads an image.

    Turned upright by its EXIF tag; of several frames the first, with a warning; palette, CMYK, YCbCr and
    Lab become RGB.

    Args:
        source: a file's path, or an open file that can seek.
        where: what to call it in an error.

    Returns:
        H x W x C with C = 1, 2 (gray and alpha), 3 or 4: uint8, or float32 in [0, 1] for 16-bit images. While
        data are read for a model with a `value_range`, float32 in [0, 1] that their numbers were scaled to.

    Raises:
        DataError: the file is missing, truncated, too large or no image.
    """
    where = where or f"image {source}"
    # First: an open file is read to its end
    own = depth(source)
    image, facts = read(source, where)
    said = [lost(own, facts.mode)] if own is not None and facts.format != ARRAYS else []
    _tell(where, facts)
    if words := "; ".join(filter(None, (*said, few_bits(tops(image, facts))))):
        warn(f"{where}: {words}")
    return image


def decode_counted(source: str | Path | IO[bytes], where: str | None = None) -> ImageArray:
    """The same where what is lost of depth, bands and pages was said of all images together."""
    return read(source, where or f"image {source}")[0]


def decode_reduced(
    source: str | Path | IO[bytes], least: tuple[int, int], where: str | None = None
) -> tuple[ImageArray, tuple[int, int]]:
    """The same, of a JPEG perhaps at a reduced scale, and the height and width that it has in full.

    Args:
        source: a file's path, or an open file that can seek.
        least: height and width that are wanted of it; it is decoded `MARGIN` times as large or larger.
        where: what to call it in an error.
    """
    image, facts = read(source, where := where or f"image {source}", least)
    _tell(where, facts)
    return image, facts.size


def reduce_counted(
    source: str | Path | IO[bytes], least: tuple[int, int], where: str | None = None
) -> tuple[ImageArray, tuple[int, int]]:
    """The same where what is lost was said of all images together."""
    image, facts = read(source, where or f"image {source}", least)
    return image, facts.size


def _tell(where: str, facts: FileFacts) -> None:
    if words := left_out(facts):
        warn(f"{where} {words}")


def read(
    source: str | Path | IO[bytes], where: str, least: tuple[int, int] | None = None
) -> tuple[ImageArray, FileFacts]:
    """An image as `decode` returns it, without its warning, and what its file says of it.

    Args:
        source: a file's path, or an open file that can seek.
        where: what to call it in an error.
        least: as `decode_reduced` takes it; None decodes in full.
    """
    told: DataError | None = None
    try:
        usual = not isinstance(source, str | Path) or Path(source).suffix.lower() in SUFFIXES
        if (reader := chosen_reader(source, where, usual)) is not None:
            # What Pillow opens too it reads with a word on what is lost, where the reader cannot
            try:
                return _held(reader, source, where)
            except DataError as error:
                if not usual or asked_numbers() or reads_pages():
                    raise
                told = error
        with open_image(source, where) as image:
            # A camera's MPO holds the image and its previews.
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if frames > 1:
                image.seek(0)
            size = upright_size(image)
            if least is not None:
                _reduce(image, size, least)
            image.load()
            deep = image.mode.startswith("I") and asked_numbers() is None
            facts = FileFacts(str(image.format), image.mode, is_turned(image), frames, size, deep)
            return from_pil(image, where, depth(source) if asked_numbers() else None), facts
    # Of what names it already: not to be wrapped once more below
    except (DataError, PluginError):
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
        if isinstance(error, UnidentifiedImageError) and (own := depth(source)) is not None:
            # A good file, of numbers that Pillow has no mode for
            if (reader := reader_of(source, lambda: own, usual=False)) is not None:
                return _held(reader, source, where)
            raise unreadable_bands(own, where) from error
        raise told or _unreadable(error, source, where) from error


def _held(reader: Reader, source: str | Path | IO[bytes], where: str) -> tuple[ImageArray, FileFacts]:
    """An array that a reader finds in a file."""
    held = reader(source, where)
    values = from_array(held if asked_numbers() else numbers(held), where, alpha=reader is array)
    deep = held.dtype == np.uint16 and asked_numbers() is None
    own = None if reads_pages() else depth(source)
    pages = 1 if own is None else own.pages
    mode = counted(values.shape[2], "page") if reads_pages() and reader is not array else ""
    return values, FileFacts(ARRAYS, mode, False, pages, (values.shape[0], values.shape[1]), deep)


def _unreadable(error: Exception, source: str | Path | IO[bytes], where: str) -> DataError:
    # Windows says of a folder that it may not be read
    if isinstance(error, IsADirectoryError | PermissionError) and Path(str(source)).is_dir():
        return DataError(where, expected="an image file", got="a folder")
    got = reason(error)
    if isinstance(error, UnidentifiedImageError):
        got = "an empty file" if _is_empty(source) else "a file of another kind"
    return DataError(where, expected="a readable image", got=got, hint=skip_hint())


def _is_empty(source: str | Path | IO[bytes]) -> bool:
    if isinstance(source, str | Path):
        return Path(source).stat().st_size == 0
    return source.seek(0, io.SEEK_END) == 0


def _reduce(image: Image.Image, own: tuple[int, int], least: tuple[int, int]) -> None:
    """Has a JPEG decoded at a half, quarter or eighth, where that leaves `MARGIN` times what is wanted."""
    room = min(a / (MARGIN * b) for a, b in zip(own, least, strict=True))
    if step := next((step for step in (8, 4, 2) if step <= room), 0):
        # Pillow takes the scale from a size; other formats pass over it
        image.draft(None, (image.width // step, image.height // step))


def from_pil(image: Image.Image, where: str = "image", own: Depth | None = None) -> ImageArray:
    """A Pillow image as `decode` returns it, turned upright like the same image in a file.

    Args:
        image: whose pixels are here.
        where: what to call it in an error.
        own: depth of its file, where numbers of a model's range are asked for.
    """
    if 0 in image.size:
        raise DataError(where, expected="at least one pixel", got=f"{image.width} x {image.height}")
    check_sign(image, where)
    if is_turned(image):
        image = ImageOps.exif_transpose(image)
    mode, asked = image.mode, asked_numbers()
    # 16-bit gray opens as I;16 or I, of which `convert` would keep 8 bits at most
    if mode.startswith("I"):
        values = gray_numbers(image, pixels_of(image), where)
        if asked is None and (values.min(initial=0) < 0 or values.max(initial=0) > _DEEP):
            got = f"{values.min()}..{values.max()}"
            raise DataError(where, expected=f"values in 0..{_DEEP}", got=got, hint=advice(values)[1])
        # The gray value that a PNG may name as transparent
        clear = image.info.get("transparency")
        planes = np.empty((*values.shape, 1 if clear is None else 2), np.float32)
        if asked is not None:
            planes[..., 0] = asked.scaled(values, where)
        else:
            np.divide(values, np.float32(_DEEP), out=planes[..., 0], dtype=np.float32, casting="unsafe")
        if clear is not None:
            planes[..., 1] = values != clear
        return planes
    if mode == "F":
        return from_array(gray_numbers(image, pixels_of(image), where), where)
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
    pixels = pixels[..., None] if pixels.ndim == _FLAT else pixels
    return pixels if asked is None else _colours(pixels, image.mode, asked, own, where)


def _colours(pixels: ImageArray, mode: str, asked: Numbers, own: Depth | None, where: str) -> ImageArray:
    """Bytes of a Pillow image on the scale of a range; alpha has none but its own."""
    if own is not None and own.bits > _BYTE_BITS:
        got = f"{own.bits} bits of each colour, of which Pillow keeps {_BYTE_BITS}"
        hint = "save them as TIFF (zoo-readers[deep] reads all) or as .npy"
        raise DataError(where, expected=f"the numbers of {asked}", got=got, hint=hint)
    if mode not in ALPHA:
        return asked.scaled(pixels, where)
    return but_alpha(pixels, asked, where)
