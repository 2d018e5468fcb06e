"""Headers of image files: what of an image is lost where it is read, told before any is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from zoo.data.reading import in_threads
from zoo.images.decode import SUFFIXES, ImageArray
from zoo.images.header import Depth, depth, lost
from zoo.images.opening import USUAL, open_image
from zoo.images.ranges import Range
from zoo.images.readers import reader_of
from zoo.images.scale import said
from zoo.spec.display import counted
from zoo.spec.errors import DataError, quote

_MOVING = ("GIF", "WEBP")
_LOOKED_INTO = (".png", ".ppm", ".tif", ".tiff", ".gif", ".webp")
_BYTE, _BYTE_BITS = 255, 8


class Header(NamedTuple):
    """Facts of a header.

    Attributes:
        lost: words for what is lost of depth, bands and frames.
        pages: of a TIFF.
        bytes: whether its numbers are bytes for sure.
    """

    lost: str = ""
    pages: int = 1
    bytes: bool = False


def headers(items: Sequence[Path | bytes | ImageArray], values: Range | None) -> list[Header]:
    """The headers of files and contents of files; of images that are objects there are none.

    Args:
        items: to be read.
        values: range of the model that reads them; one beyond bytes has all files looked into.

    Raises:
        DataError: the range is beyond bytes, and files have no more.
    """
    beyond = values is not None and not 0 <= values[0] < values[1] <= _BYTE
    found = in_threads(partial(_header, every=beyond), items, "")
    if beyond and values is not None and (some := [i for i, one in enumerate(found) if one.bytes]):
        first = items[some[0]]
        named = f", the first {quote(first.name)}" if isinstance(first, Path) else ""
        got = f"bytes, 0..255, of {len(some)} of {counted(len(items), 'image')}{named}"
        hint = "give images of the depth that the model was made for, or leave these out"
        raise DataError("images", expected=f"the numbers of value_range={said(values)}", got=got, hint=hint)
    return found


def _header(item: Path | bytes | ImageArray, *, every: bool) -> Header:
    if not isinstance(item, Path | bytes):
        return Header()
    suffix = item.suffix.lower() if isinstance(item, Path) else ""
    if suffix and suffix not in (SUFFIXES if every else _LOOKED_INTO):
        return Header()
    found = depth(_source(item))
    if found is None:
        return _opened(item)
    return Header(_lost(item, found), found.pages, found.bits <= _BYTE_BITS and not found.signed)


def _opened(item: Path | bytes) -> Header:
    """The header of another image than PNG, TIFF and PPM, all of which have bytes."""
    with suppress(DataError, OSError, ValueError), open_image(_source(item)) as image:
        moving = image.format in _MOVING and getattr(image, "is_animated", False)
        words = "of several frames the first is taken" if moving else ""
        return Header(words, bytes=image.format in USUAL and not image.mode.startswith(("I", "F")))
    return Header()


def _source(item: Path | bytes) -> Path | io.BytesIO:
    return item if isinstance(item, Path) else io.BytesIO(item)


def _lost(item: Path | bytes, found: Depth) -> str:
    if found.bits <= 8 and not found.other:
        return ""
    # Read by a plugin in full
    usual = isinstance(item, bytes) or item.suffix.lower() in SUFFIXES
    if reader_of(_source(item), lambda: found, usual) is not None:
        return ""
    # One band of 16 bits keeps them
    with suppress(DataError, OSError, ValueError), open_image(_source(item)) as opened:
        return lost(found, opened.mode)
    return ""
