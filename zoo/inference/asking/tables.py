"""Answers to tables, and to what else is no image, where images are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.data.section import read_by_suffix
from zoo.images.decode import is_image
from zoo.spec.errors import DataError
from zoo.spec.hints.spoken import spoken


def check_is_no_set(path: Path) -> None:
    """Raises DataError for a file that holds a data set, such as a table or a shard."""
    if not path.suffix or is_image(path) or not read_by_suffix(path):
        return
    shell = spoken().way == "shell"
    way = f"zoo evaluate MODEL {path}" if shell else f"zoo.evaluate(model, {str(path)!r})"
    got = f"a data set ({path.suffix})"
    files = "give its images as files" + ", or a list of their paths by --files-from" * shell
    hint = f"{files}; {way} measures the model on it"
    raise DataError(f"image {path}", expected="an image file, or a folder of images", got=got, hint=hint)


def way_to_give(source: Any) -> str | None:
    """The next step where something else than images is given: of columns in memory the paths of one."""
    columns = source if isinstance(source, Mapping) else getattr(source, "columns", None)
    if columns is None:
        several = "list(...) for all answers at once, iter(...) for one after the other"
        return several if isinstance(source, Iterable) else None
    name = '"image"'
    for column in columns:
        try:
            first = next(iter(source[column]))
        except (KeyError, TypeError, StopIteration):
            continue
        if isinstance(first, str | os.PathLike) and is_image(Path(first)):
            name = repr(column)
            break
    return f"give the paths of a column: zoo.predict(model, [*table[{name}]])"
