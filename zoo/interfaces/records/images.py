"""Images as the cells of a column hold them: files, contents of files, objects."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from zoo.images.decode import ImageArray, decode_counted, decode_reduced
from zoo.images.objects import Taken, taken
from zoo.interfaces.records.cells import content_of

PathOf = Callable[[Any], Path]
"""The place of a file that a cell names."""


def taken_cell(cell: Any, where: str, path_of: PathOf = Path) -> Taken:
    """An image, and what it loses where it is read.

    Args:
        cell: a path, bytes, a table of both, a Pillow image, an array or a tensor.
        where: what to call it in messages.
        path_of: where a file lies.

    Raises:
        DataError: it is no image, or cannot be read.
    """
    if (content := content_of(cell)) is not None:
        return Taken(decode_counted(io.BytesIO(content), where))
    if isinstance(cell, Mapping):
        cell = cell.get("path") or cell
    if isinstance(cell, str | PurePath):
        return Taken(decode_counted(path_of(cell), where))
    return taken(cell, where)


def reduced_cell(
    cell: Any, least: tuple[int, int], where: str, path_of: PathOf = Path
) -> tuple[ImageArray, tuple[int, int] | None]:
    """An image, of a JPEG perhaps at a reduced scale, and the height and width that it has in full.

    Args:
        cell: see `taken_cell`.
        least: height and width that are wanted of it.
        where: what to call it in messages.
        path_of: where a file lies.

    Raises:
        DataError: it is no image, or cannot be read.
    """
    if (content := content_of(cell)) is not None:
        return decode_reduced(io.BytesIO(content), least, where)
    if isinstance(cell, str | PurePath):
        return decode_reduced(path_of(cell), least, where)
    return taken_cell(cell, where, path_of).pixels, None
