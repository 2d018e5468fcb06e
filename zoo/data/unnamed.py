"""Images in a folder that somebody gave beside a table, which no row of it names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from zoo.data.sources.walk import inside, walk
from zoo.images.decode import is_image
from zoo.interfaces.records.paths import path_of
from zoo.interfaces.records.table_file import TableFile
from zoo.spec.display import counted
from zoo.spec.errors import listing, warn

_NAMED = 3


def warn_unnamed(table: TableFile) -> None:
    """Says how many images of the folder that a table came with are in none of its rows.

    A table that was given alone says nothing of the folder that it lies in, and neither does this.

    Args:
        table: whose images are files.
    """
    folder = table.images_folder
    if folder is None or not folder.is_dir():
        return
    images = walk(folder).images
    named = {os.path.normpath(file) for file in _named(table)}
    left = [file for file in images if os.path.normpath(file) not in named]
    if left:
        names = listing([inside(file, folder) for file in left], _NAMED)
        are = "is" if len(left) == 1 else "are"
        of = f"{len(left)} of {counted(len(images), 'image')} in {folder}"
        warn(f"{table.where}: {of} {are} in no row: {names}")


def _named(table: TableFile) -> Iterator[Path]:
    """The files of images, and those of all other columns with such: masks, further images."""
    yield from table.files or ()
    for name, column in table.columns.items():
        first = next(iter(column), None)
        if name != table.roles.image and isinstance(first, str | PurePath) and is_image(Path(first)):
            yield from (path_of(cell, table.root) for cell in column if isinstance(cell, str | PurePath))
