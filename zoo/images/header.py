"""Depth and bands of PNG, TIFF and PPM files, which Pillow does not tell and may not be able to read."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.images.opening import open_image
from zoo.spec.disk.reading import check_regular
from zoo.spec.errors import DataError

ALPHA = ("LA", "RGBA", "PA", "La", "RGBa")
"""Pillow's modes whose last band is alpha."""
_BEGIN = 512
"""Bytes that hold the header of a PNG or PPM."""
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Bands by the colour type of a PNG: gray, colour, palette, gray with alpha, colour with alpha."""
_BITS, _COLOURS, _BANDS, _PLANES, _EXTRA = 258, 262, 277, 284, 338
"""Tags of TIFF: bits of each band, kind of colours, bands, layout, meaning of those beyond the colours."""
_SAMPLE_FORMAT, _SIGNED, _WORD = 339, 2, 32
"""The tag of a TIFF, its value for whole numbers with a sign, and their longest in bits."""
_WHITE_IS_LOWEST = 0
"""TIFF's kind of gray whose 0 is white."""
_READ = (_BITS, _COLOURS, _BANDS, _PLANES, _EXTRA, _SAMPLE_FORMAT)
_TIFF_BANDS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
"""Bands of the colours by TIFF's kind: gray, gray, RGB, palette, CMYK, YCbCr, Lab."""
_APART = 2
"""TIFF's layout of bands that are stored one after the other."""
_PPM_BANDS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
_MOST_ENTRIES, _MOST_PAGES = 1000, 5000
_BYTE, _BYTE_BITS = 255, 8
_SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
"""Bytes of TIFF's whole numbers by type."""
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class Depth:
    """Depth of an image as its file has it.

    Args:
        bands: how many there are, alpha among them.
        bits: of each band.
        other: bands that are neither colour nor alpha, as far as the file says.
        apart: whether each band is stored on its own.
        signed: whether its numbers have a sign.
        pages: how many there are; of a TIFF with very many so many that are certain.
    """

    bands: int
    bits: int
    other: int = 0
    apart: bool = field(default=False, repr=False)
    signed: bool = field(default=False, repr=False)
    pages: int = field(default=1, repr=False)


def depth(source: str | Path | IO[bytes]) -> Depth | None:
    """The depth of a PNG, TIFF or PPM; None of others, and where the header cannot be read.

    Args:
        source: a file's path, or an open file that can seek, which is left at its beginning.
    """
    with suppress(OSError, struct.error, LookupError, ValueError):
        if isinstance(source, str | Path):
            # A pipe would wait for its other end
            check_regular(source)
            with Path(source).open("rb") as file:
                return _depth(file)
        source.seek(0)
        try:
            return _depth(source)
        finally:
            source.seek(0)
    return None


def opened_depth(image: Image.Image) -> Depth | None:
    """The depth of a Pillow image: of the file that it was opened from, else as its mode says.

    Args:
        image: whose file, where it is open still, is left where it stood.
    """
    found, file = None, getattr(image, "fp", None)
    if path := getattr(image, "filename", ""):
        found = depth(path)
    elif file is not None:
        with suppress(OSError, ValueError):
            at = file.tell()
            found = depth(file)
            file.seek(at)
    return found or (Depth(1, 2 * _BYTE_BITS) if image.mode.startswith("I") else None)


def _depth(file: IO[bytes]) -> Depth | None:
    begin = file.read(_BEGIN)
    if begin.startswith(_PNG):
        return Depth(_PNG_BANDS[begin[25]], begin[24])
    if begin[:2] in _PPM_BANDS:
        # Width, height and white; comments go to the end of their line
        _, _, _, white = re.sub(rb"#[^\n]*", b"", begin).split(maxsplit=4)[:4]
        return Depth(_PPM_BANDS[begin[:2]], 2 * _BYTE_BITS if int(white) > _BYTE else _BYTE_BITS)
    order = {b"II": "<", b"MM": ">"}.get(begin[:2])
    if order is None:
        return None
    version = struct.unpack(f"{order}H", begin[2:4])[0]
    if version not in (42, 43):
        return None
    tags, pages = _tags(file, order, begin, big=version == 43)
    bits, (bands, *_), extra = tags.get(_BITS, [1]), tags.get(_BANDS, [1]), tags.get(_EXTRA, [])
    colours = _TIFF_BANDS.get(tags.get(_COLOURS, [-1])[0], bands)
    # Of some the file does not even say that they are there
    unsaid = max(bands - colours - len(extra), 0)
    # 1 and 2 are alpha
    other = unsaid + sum(value not in (1, 2) for value in extra)
    apart = tags.get(_PLANES, [1])[0] == _APART and bands > 1
    return Depth(bands, max(bits), other, apart, _SIGNED in tags.get(_SAMPLE_FORMAT, ()), pages)


def _tags(file: IO[bytes], order: str, begin: bytes, *, big: bool) -> tuple[dict[int, list[int]], int]:
    """The whole numbers of the first directory of a TIFF by tag, and how many directories there are.

    BigTIFF has longer fields.
    """
    word, number, inline = ("Q", "Q", 8) if big else ("I", "H", 4)
    place = 8 if big else 4
    file.seek(struct.unpack_from(order + word, begin, place)[0])
    (count,) = struct.unpack(order + number, file.read(struct.calcsize(order + number)))
    entry = struct.Struct(f"{order}HH{word}{inline}s")
    rows = [entry.unpack(file.read(entry.size)) for _ in range(min(count, _MOST_ENTRIES))]
    pages = 1 + (_further(file, order, word, number) if count <= _MOST_ENTRIES else 0)
    found: dict[int, list[int]] = {}
    for tag, kind, length, value in rows:
        if tag not in _READ or kind not in _SIZES or length > _MOST_ENTRIES:
            continue
        size = length * _SIZES[kind]
        if size > inline:
            file.seek(struct.unpack(order + word, value)[0])
        content = file.read(size) if size > inline else value[:size]
        found[tag] = [*struct.unpack(f"{order}{length}{_LETTERS[kind]}", content)]
    return found, pages


def _further(file: IO[bytes], order: str, word: str, number: str) -> int:
    """Directories behind the one whose entries were read."""
    size, head = struct.calcsize(f"{order}HH{word}{word}"), struct.calcsize(order + number)
    seen: set[int] = set()
    while len(seen) < _MOST_PAGES:
        place = struct.unpack(order + word, file.read(struct.calcsize(order + word)))[0]
        # A directory that comes again would go on for ever
        if not place or place in seen:
            break
        seen.add(place)
        file.seek(place)
        (count,) = struct.unpack(order + number, file.read(head))
        file.seek(place + head + count * size)
    return len(seen)


def lost(own: Depth, mode: str) -> str:
    """Words for the depth and bands that reading an image loses; empty for nothing.

    Args:
        own: as its file has it.
        mode: as Pillow opens it.

    Example:
        >>> lost(Depth(3, 16), "RGB"), lost(Depth(1, 16), "I;16"), lost(Depth(3, 8), "RGB")
        ('16 bits of each colour are cut to 8', '', '')
        >>> lost(Depth(5, 8, other=2), "RGB")
        '2 of 5 bands are neither colour nor alpha and left out'
    """
    said = []
    if own.other:
        # Where nothing is said of a last band, the reader takes it for alpha
        taken = mode in ALPHA and own.bands - own.other == len(mode) - 1
        left = own.other - taken
        are = "is" if left == 1 else "are"
        words = f"{left} of {own.bands} bands {are} neither colour nor alpha and left out"
        said += [words] * bool(left)
        said += [f"nothing says that band {len(mode)} is alpha, for which it is taken"] * taken
    if own.bits > _BYTE_BITS and not mode.startswith(("I", "F")):
        said.append(f"{own.bits} bits of each colour are cut to 8")
    return "; ".join(said)


def unreadable_bands(found: Depth, where: str) -> DataError:
    """The error for a good file of more bands, or of another depth, than Pillow reads."""
    bands = f"{found.bands} band{'s' * (found.bands != 1)} of {found.bits} bits"
    bands += f", {found.other} of them neither colour nor alpha" * bool(found.other)
    bands += ", each stored on its own" * found.apart
    hint = "save each image as .npy, H x W x bands; TIFF of any bands and depth are read by zoo-readers[deep]"
    return DataError(where, expected="1, 3 or 4 bands of 8 bits, or one of 16", got=bands, hint=hint)


def gray_numbers(image: Image.Image, values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Numbers of one band as a TIFF means them.

    Pillow gives those of 32 bits a sign, and of those whose 0 is white it turns bytes alone round.

    Args:
        image: opened, of one of Pillow's modes of whole numbers, or of floats.
        values: its pixels.
        where: what to call it in an error.

    Raises:
        DataError: the lowest of numbers with a sign is white, which says of none that it is black.
    """
    tags = getattr(image, "tag_v2", {})
    bare = _SIGNED not in tags.get(_SAMPLE_FORMAT, ()) and _WORD in tags.get(_BITS, ())
    values = values.view(np.uint32) if bare and values.dtype == np.int32 else values
    if tags.get(_COLOURS) != _WHITE_IS_LOWEST:
        return values
    if values.dtype.kind != "u":
        got, hint = f"{values.dtype} whose lowest is white (MinIsWhite)", "save it as MinIsBlack"
        raise DataError(
            where, expected="numbers without a sign, or a lowest that is black", got=got, hint=hint
        )
    highest = 2 ** tags.get(_BITS, (_BYTE_BITS * values.itemsize,))[0] - 1
    turned: npt.NDArray[Any] = np.subtract(highest, values, dtype=values.dtype)
    return turned


def has_sign(image: Image.Image) -> bool:
    """Whether the bytes of a TIFF have a sign, which Pillow leaves out."""
    return image.mode == "L" and _SIGNED in getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, ())


def check_sign(image: Image.Image, where: str) -> None:
    """Raises DataError where signed bytes of a TIFF are below 0, which Pillow reads as bright ones."""
    if has_sign(image):
        values = np.asarray(image).view(np.int8)
        if values.min(initial=0) < 0:
            raise DataError(where, expected="values in 0..255", got=f"{values.min()}..{values.max()}")


def is_of_bytes(file: Path) -> bool:
    """Whether the header of an image file says that it is read as bytes; false where it does not tell.

    Args:
        file: its path.
    """
    found = depth(file)
    if found is not None:
        return found.bits <= _BYTE_BITS and not found.other
    with suppress(DataError, OSError, ValueError), open_image(file) as image:
        return image.format == "JPEG"
    return False
