"""Images as the cells of a column hold them: files, contents of files, objects."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from zoo.images.decode import ImageArray, read, reduce_counted
from zoo.images.objects import Taken, taken
from zoo.images.pages import left_out
from zoo.interfaces.records.cells import content_of
from zoo.interfaces.records.paths import path_of


def located(cell: Any, root: Path | None) -> Any:
    """A cell whose path, if it has one and no content, is that of the file.

    Args:
        cell: see `taken_cell`.
        root: folder that paths are read from; the working folder where None.
    """
    if isinstance(cell, Mapping):
        cell = content_of(cell) or cell.get("path") or cell
    return path_of(cell, root) if isinstance(cell, str | PurePath) else cell


def taken_cell(cell: Any, where: str) -> Taken:
    """An image, and what it loses where it is read.

    Args:
        cell: a path, bytes, a table of both, a Pillow image, an array or a tensor.
        where: what to call it in messages.

    Raises:
        DataError: it is no image, or cannot be read.
    """
    if (content := content_of(cell)) is not None:
        return _read(io.BytesIO(content), where)
    cell = located(cell, None)
    return _read(cell, where) if isinstance(cell, Path) else taken(cell, where)


def reduced_cell(cell: Any, least: tuple[int, int], where: str) -> tuple[ImageArray, tuple[int, int] | None]:
    """An image, of a JPEG perhaps at a reduced scale, and the height and width that it has in full.

    Args:
        cell: see `taken_cell`.
        least: height and width that are wanted of it.
        where: what to call it in messages.

    Raises:
        DataError: it is no image, or cannot be read.
    """
    if (content := content_of(cell)) is not None:
        return reduce_counted(io.BytesIO(content), least, where)
    cell = located(cell, None)
    return reduce_counted(cell, least, where) if isinstance(cell, Path) else (taken(cell, where).pixels, None)


def _read(source: Path | io.BytesIO, where: str) -> Taken:
    image, facts = read(source, where)
    words = left_out(facts)
    return Taken(image, (words,) if words else ())
