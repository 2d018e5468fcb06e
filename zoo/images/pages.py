"""Pages of a file: the first alone, or all of them as bands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from zoo.images.facts import ARRAYS, FileFacts
from zoo.images.header import depth, gray_numbers, has_sign
from zoo.images.opening import check_file, open_image, unmap
from zoo.images.ranges import reads_pages
from zoo.images.readers import Reader, array, reader_of
from zoo.images.strips import pixels_of
from zoo.spec.errors import DataError
from zoo.spec.hints.spoken import section_option, spoken
from zoo.spec.inputs import BANDS, MOST_CHANNELS

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FORMAT = "TIFF"
_PLAIN = ("1", "L")
"""Pillow's modes of one band of bits or bytes."""
_FLAT = 2
_GIVE = "give TIFF files with a page for each band, or arrays H x W x C"


def way(pages: int) -> str:
    """The step by which pages become bands.

    Example:
        >>> way(4)
        'zoo.build(..., in_channels=4, pages="bands") reads pages as bands'
    """
    if spoken().way == "shell":
        return f"zoo fit ... --in-channels {pages} {section_option('pages', BANDS)} reads pages as bands"
    return f'zoo.build(..., in_channels={pages}, pages="bands") reads pages as bands'


def left_out(facts: FileFacts | None) -> str:
    """Words for the frames or pages of a file that are left out; empty where there is one."""
    if facts is None or facts.frames < 2:
        return ""
    if facts.format not in (_FORMAT, ARRAYS):
        return "has several frames; the first is taken"
    return f"has several pages; the first is taken; {way(facts.frames)}"


def chosen_reader(source: str | Path | IO[bytes], where: str, usual: bool) -> Reader | None:
    """The reader of a file, see `reader_of`; of pages that are bands there is always one."""
    reader = reader_of(source, partial(depth, source), usual)
    if not reads_pages() or reader is array:
        return reader
    check_tiff(source, where)
    return reader or read_pages


def read_pages(source: str | Path | IO[bytes], where: str) -> npt.NDArray[Any]:
    """All pages of a TIFF, H x W x pages, in the numbers that it has; a reader as plugins offer them.

    Raises:
        DataError: it is no TIFF, has one page, or pages that are no bands of one image.
        OSError: it cannot be opened.
    """
    check_tiff(source, where)
    with open_image(source, where) as image:
        return opened_pages(image, where)


def opened_pages(image: Image.Image, where: str) -> npt.NDArray[Any]:
    """All pages of an opened TIFF, as `read_pages` gives them; it stays at the page where it is.

    Raises:
        DataError: it is no TIFF, has one page, or pages that are no bands of one image.
    """
    if image.format != _FORMAT:
        raise _without_pages(where)
    page = image.tell()
    try:
        return stack_pages((_numbers(one, where) for one in ImageSequence.Iterator(image)), where)
    finally:
        image.seek(page)


def check_tiff(source: str | Path | IO[bytes], where: str) -> None:
    """Raises DataError for a file that has no pages."""
    if isinstance(source, str | Path):
        check_file(source, where)
        with Path(source).open("rb") as file:
            begin = file.read(4)
    else:
        begin = source.read(4)
        source.seek(0)
    if begin not in _TIFF:
        raise _without_pages(where)


def _without_pages(where: str) -> DataError:
    return DataError(where, expected="a TIFF whose pages are bands", got="a file without pages", hint=_GIVE)


def stack_pages(pages: Iterable[npt.NDArray[Any]], where: str) -> npt.NDArray[Any]:
    """Pages as the bands of one image.

    Args:
        pages: H x W each, of one size and type.
        where: what to call the file in an error.

    Returns:
        H x W x pages.

    Raises:
        DataError: there is one page, or they are not of one size, type and band.

    Example:
        >>> stack_pages([np.zeros((2, 3)), np.ones((2, 3))], "image").shape
        (2, 3, 2)
    """
    found: list[npt.NDArray[Any]] = []
    for page in pages:
        own, first = _said(page), _said(found[0]) if found else ""
        if page.ndim != _FLAT or (found and own != first):
            expected = f"pages of one band, all {first} as the first" if found else "pages of one band"
            hint = "save the pages that are bands of one image as a file of their own"
            raise DataError(where, expected=expected, got=f"page {len(found) + 1} of {own}", hint=hint)
        found.append(page)
        if len(found) > MOST_CHANNELS:
            raise DataError(where, expected=f"at most {MOST_CHANNELS:,} pages", got="more", hint=_GIVE)
    if len(found) == 1:
        raise DataError(where, expected="several pages, which are bands", got="one", hint=_GIVE)
    return np.stack(found, axis=-1)


def _said(page: npt.NDArray[Any]) -> str:
    return f"{' x '.join(map(str, page.shape))} {page.dtype}"


def _numbers(page: Image.Image, where: str) -> npt.NDArray[Any]:
    unmap(page)
    if page.mode.startswith("I") or page.mode == "F":
        return gray_numbers(page, pixels_of(page), where)
    if has_sign(page):
        return np.asarray(page).view(np.int8)
    # Of a palette or colours the bands say that they are more than one
    return np.asarray(page if page.mode in _PLAIN else page.convert("RGB"))
