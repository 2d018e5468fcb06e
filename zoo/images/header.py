"""Depth and bands of PNG and TIFF files, which Pillow does not tell and may not be able to read."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Bands by the colour type of a PNG: gray, colour, palette, gray with alpha, colour with alpha."""
_BITS, _BANDS, _EXTRA = 258, 277, 338
"""Tags of TIFF: bits of each band, number of bands, meaning of those beyond the colours."""
_MOST_ENTRIES = 1000
_DEEP, _TWELVE, _BYTE_BITS, _MOST_BANDS = 65535, 4095, 8, 4
_SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
"""Bytes of TIFF's whole numbers by type."""
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class Depth:
    """Depth of an image as its file has it.

    Args:
        bands: how many there are, alpha among them.
        bits: of each band.
        other: bands that are neither colour nor alpha.
    """

    bands: int
    bits: int
    other: int = 0


def depth(source: str | Path | IO[bytes]) -> Depth | None:
    """The depth of a PNG or TIFF; None of others, and where the header cannot be read.

    Args:
        source: a file's path, or an open file that can seek, which is left at its beginning.
    """
    with suppress(OSError, struct.error, KeyError, ValueError):
        if isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                return _depth(file)
        source.seek(0)
        try:
            return _depth(source)
        finally:
            source.seek(0)
    return None


def _depth(file: IO[bytes]) -> Depth | None:
    begin = file.read(32)
    if begin.startswith(_PNG):
        return Depth(_PNG_BANDS[begin[25]], begin[24])
    order = {b"II": "<", b"MM": ">"}.get(begin[:2])
    if order is None:
        return None
    version = struct.unpack(f"{order}H", begin[2:4])[0]
    if version not in (42, 43):
        return None
    tags = _tags(file, order, begin, big=version == 43)
    bits = tags.get(_BITS, [1])
    extra = tags.get(_EXTRA, [])
    # 1 and 2 are alpha
    return Depth(tags.get(_BANDS, [1])[0], max(bits), sum(value not in (1, 2) for value in extra))


def _tags(file: IO[bytes], order: str, begin: bytes, *, big: bool) -> dict[int, list[int]]:
    """The whole numbers of the first directory of a TIFF by tag; BigTIFF has longer fields."""
    word, number, inline = ("Q", "Q", 8) if big else ("I", "H", 4)
    place = 8 if big else 4
    file.seek(struct.unpack_from(order + word, begin, place)[0])
    (count,) = struct.unpack(order + number, file.read(struct.calcsize(order + number)))
    entry = struct.Struct(f"{order}HH{word}{inline}s")
    rows = [entry.unpack(file.read(entry.size)) for _ in range(min(count, _MOST_ENTRIES))]
    found: dict[int, list[int]] = {}
    for tag, kind, length, value in rows:
        if tag not in (_BITS, _BANDS, _EXTRA) or kind not in _SIZES or length > _MOST_ENTRIES:
            continue
        size = length * _SIZES[kind]
        if size > inline:
            file.seek(struct.unpack(order + word, value)[0])
        content = file.read(size) if size > inline else value[:size]
        found[tag] = [*struct.unpack(f"{order}{length}{_LETTERS[kind]}", content)]
    return found


def lost(own: Depth, mode: str, highest: float = 1.0) -> str:
    """Words for the depth and bands that reading an image loses; empty for nothing.

    Args:
        own: as its file has it.
        mode: as Pillow opens it.
        highest: value in [0, 1], or of a byte.

    Example:
        >>> lost(Depth(3, 16), "RGB"), lost(Depth(1, 16), "I;16"), lost(Depth(3, 8), "RGB")
        ('16 bits of each colour are cut to 8', '', '')
        >>> lost(Depth(1, 16), "I;16", 4095 / 65535)
        'no value above 4095 of 65535, as in 12 bits: nearly black; scale them before'
    """
    bits = own.bits > _BYTE_BITS
    if own.other and own.bands <= _MOST_BANDS:
        return f"band {own.bands} is no alpha; it is left out, or taken for alpha"
    if bits and not mode.startswith(("I", "F")):
        return f"{own.bits} bits of each colour are cut to 8"
    top = round(highest * _DEEP)
    if bits and mode.startswith("I") and 0 < top <= _TWELVE:
        return f"no value above {_TWELVE} of {_DEEP}, as in 12 bits: nearly black; scale them before"
    return ""
