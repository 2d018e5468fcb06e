"""Tables of labels in Parquet, Feather and Arrow files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import DataError, quote, reason
from zoo.interfaces import ClassColumn, TableFile
from zoo_readers.packages import package


class ArrowTable(TableFile):
    """A table of labels in Parquet, Feather or Arrow's own format, perhaps with the images in it.

    Images are paths, bytes, or tables of `bytes` and `path` as Hugging Face writes them; so are its names of
    classes, which a file's schema keeps.
    """

    suffixes = (".parquet", ".feather", ".arrow")

    def read(self, file: Path) -> Mapping[str, Sequence[Any]]:
        """The cells of a file.

        Raises:
            DataError: it is no such table.
            MissingPackageError: pyarrow is not installed.
        """
        where = f"data {file}"
        arrow = package("pyarrow", where)
        try:
            if file.suffix.lower() == ".parquet":
                # The file alone: names of folders such as `x=1` are no columns
                table = package("pyarrow.parquet", where).ParquetFile(file).read()
            else:
                table = _arrow(arrow, file)
        except (arrow.ArrowException, OSError, ValueError) as error:
            expected = "a table of Parquet, Feather or Arrow"
            raise DataError(where, expected=expected, got=reason(error)) from error
        names = table.column_names
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DataError(where, expected="a name for each column", got=f"{quote(twice)} twice")
        features = _features(table)
        return {name: _column(table, name, features.get(name)) for name in table.column_names}


def _features(table: Any) -> Mapping[str, Any]:
    """What the schema says of the columns, where Hugging Face has written it."""
    try:
        found = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _column(table: Any, name: str, feature: Any) -> Sequence[Any]:
    cells: list[Any] = table.column(name).to_pylist()
    if names := _names(feature):
        return ClassColumn([_named(cell, names) for cell in cells], names)
    inner = feature.get("feature") if isinstance(feature, Mapping) else feature
    if names := _names(inner[0] if isinstance(inner, list) and inner else inner):
        return [None if row is None else [_named(cell, names) for cell in row] for row in cells]
    return cells


def _names(feature: Any) -> list[str]:
    """Names of the classes of a feature; nothing where it has none."""
    known = isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel"
    return [str(name) for name in feature.get("names") or ()] if known else []


def _named(cell: Any, names: Sequence[str]) -> str | None:
    return names[cell] if isinstance(cell, int) and 0 <= cell < len(names) else None


def _arrow(arrow: Any, file: Path) -> Any:
    with arrow.memory_map(str(file)) as source:
        try:
            return arrow.ipc.open_file(source).read_all()
        except arrow.ArrowInvalid:
            source.seek(0)
            return arrow.ipc.open_stream(source).read_all()
