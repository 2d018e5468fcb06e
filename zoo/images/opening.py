"""Opening of image files: regular ones alone, of the formats that zoo reads."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from zoo.images.facts import ORIENTATION, SWAPPING
from zoo.spec.disk.reading import check_regular
from zoo.spec.errors import DataError

USUAL = ("PNG", "JPEG", "GIF", "BMP", "PPM", "TIFF", "WEBP")
"""Formats by Pillow's names that folders are looked through for."""

OTHER = ("AVIF", "HEIF", "JXL", "JPEG2000", "DIB", "ICO", "PCX", "DDS", "SGI", "PSD", "QOI")
"""Formats that are read besides, where Pillow, or a package that adds to it, has them. Pillow knows more:
PostScript, for which it starts Ghostscript on the file, and others that hardly anybody has as images."""

MOST_SIDE = 1 << 20
"""Pixels of the longer side: reducing a line of a hundred million takes far more memory than the line."""

_RAW = "Raw profile type exif"
"""Entry of a PNG by which ImageMagick keeps EXIF."""

_SIGNATURE, _TEXTS = 8, (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Bytes before the first chunk of a PNG, and kinds of chunks that may hold EXIF."""

_BEGIN = 16
"""Bytes that Pillow tells formats by."""


def open_image(source: str | Path | IO[bytes], where: str | None = None) -> Image.Image:
    """An image whose header alone is read yet.

    Args:
        source: a file's path, or an open file that can seek.
        where: what to call it in an error.

    Raises:
        DataError: the path is that of a pipe, a device or a socket, or a side is too long.
        OSError: there is no file, a folder, or none of an image.
    """
    where = where or f"image {source}"
    if isinstance(source, str | Path):
        check_file(source, where)
    try:
        image = Image.open(source, formats=USUAL)
    except UnidentifiedImageError:
        # Apart, since all that Pillow has must be imported first
        image = Image.open(source, formats=_others())
    unmap(image)
    if (longer := max(image.size)) > MOST_SIDE:
        image.close()
        hint = "cut it into pieces"
        raise DataError(
            where, expected=f"sides of at most {MOST_SIDE:,} pixels", got=f"{longer:,}", hint=hint
        )
    return image


def unmap(image: Image.Image) -> None:
    """Have Pillow read the pixels of a TIFF that lies on its side.

    A plain one it maps, and takes the rows as long as they are once the image is turned.

    Args:
        image: opened, or at another page, whose pixels are not here yet.
    """
    tags = getattr(image, "tag_v2", {})
    if tags.get(ORIENTATION) in SWAPPING and isinstance(image, ImageFile.ImageFile):
        # Files without a name are not mapped
        image.filename = ""


def check_file(path: str | Path, where: str) -> None:
    """Raises DataError for a pipe, a device or a socket, which are never opened: they may never end.

    Raises:
        OSError: there is nothing, or a folder.
    """
    try:
        check_regular(path)
    except OSError as error:
        # As `check_regular` says it of all others but folders
        if error.errno != errno.EINVAL or error.strerror is None:
            raise
        hint = "write what it gives into a file first"
        raise DataError(where, expected="an image file", got=error.strerror, hint=hint) from None


def may_begin(content: bytes) -> bool:
    """Whether a file that begins so may be an image.

    Example:
        >>> may_begin(b"GIF89a" + bytes(10)), may_begin(bytes(16)), may_begin(b"%!PS-Adobe-3.0 EPSF-3.0")
        (True, False, False)
    """
    Image.preinit()
    return _accepted(USUAL, content) or _accepted(_others(), content)


def _accepted(names: Sequence[str], content: bytes) -> bool:
    for name in names:
        accepts = Image.OPEN[name][1] if name in Image.OPEN else None
        try:
            if accepts is not None and accepts(content[:_BEGIN]):
                return True
        except Exception:  # too few bytes to tell, or another package's
            return True
    return False


def _others() -> list[str]:
    Image.init()
    return [name for name in (*USUAL, *OTHER) if name in Image.OPEN]


def orientation(image: Image.Image) -> int:
    """The number by which EXIF says what side of an image is up, 1 where it does not.

    Args:
        image: from `open_image`. A PNG is not decoded for it, as Pillow does, unless text stands behind its
            pixels.
    """
    known = "exif" in image.info
    if image.format == "PNG" and not known and _RAW not in image.info and not _text_behind(image):
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _text_behind(image: Image.Image) -> bool:
    """Whether a PNG has chunks behind its pixels that may hold EXIF; true where nobody can look."""
    file: IO[bytes] | None = getattr(image, "fp", None)
    if file is None:
        return True
    place, pixels = file.tell(), False
    try:
        file.seek(_SIGNATURE)
        while len(head := file.read(8)) == 8:
            pixels = pixels or head[4:] == b"IDAT"
            if pixels and head[4:] in _TEXTS:
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)  # with the checksum
        return False
    finally:
        file.seek(place)
