"""Tables whose columns have features, which say the classes and the images: those of Hugging Face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from zoo.interfaces.records.cells import ClassColumn
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.errors import DataError

_CUSTOM = "custom"


class LazyColumn(Sequence[Any]):
    """A column whose cells are read when they are asked for, as images of Hugging Face are.

    Args:
        source: gives a row by number.
        name: of the column.
        full: whether it is known that no cell is empty.
    """

    def __init__(self, source: Any, name: str, *, full: bool = False) -> None:
        self.source, self.column, self.full = source, name, full

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.source[int(index)][self.column]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def featured_columns(data: Any) -> Cells:
    """The columns of a table with features; images are read when they are asked for.

    Args:
        data: a `Dataset` of Hugging Face. Its format, by `with_format`, changes nothing but which columns it
            shows.

    Raises:
        DataError: its samples are what a function makes of them.
    """
    if data.format["type"] == _CUSTOM:
        expected, got = "samples as they are kept", "what with_transform makes of them"
        hint = "give data.with_format(None), and an augmenter (augment=) for what is drawn at random"
        raise DataError(f"data {type(data).__name__}", expected=expected, got=got, hint=hint)
    shown = data.format["columns"]
    kept = data.with_format(None)
    return {name: _column(kept.select_columns([name]), name, kept.features[name]) for name in shown}


def _column(data: Any, name: str, feature: Any) -> Sequence[Any]:
    if hasattr(feature, "decode_example"):
        return _decoded(data, name, feature)
    if len(data) and isinstance(data[0][name], bytes):
        return LazyColumn(data, name, full=data.data.column(name).null_count == 0)
    if len(getattr(feature, "shape", ())) > 1:
        return LazyColumn(data.with_format("numpy", dtype=feature.dtype), name)
    cells: list[Any] = data.with_format("arrow")[:].column(name).to_pylist()
    if names := names_of(feature):
        return ClassColumn([_named(cell, names) for cell in cells], names)
    if names := names_of(getattr(feature, "feature", None)):
        return [None if row is None else [_named(cell, names) for cell in row] for row in cells]
    return cells


def _decoded(data: Any, name: str, feature: Any) -> Sequence[Any]:
    """Images as they are kept, so that zoo decodes them once; far ones as the library reads them."""
    if not hasattr(feature, "decode"):
        return LazyColumn(data, name)
    stored = data.data.column(name)
    raw = LazyColumn(
        data.cast_column(name, replace(feature, decode=False)), name, full=stored.null_count == 0
    )
    # Files that lie beside the table are files as those of a folder are
    if all(chunk.field("bytes").null_count == len(chunk) for chunk in stored.chunks):
        paths = [None if cell is None else cell["path"] for cell in raw]
        far = any("://" in path for path in paths if path)
        return LazyColumn(data, name, full=raw.full) if far else paths
    return raw


def names_of(feature: Any) -> list[str]:
    """Names of the classes of a feature; nothing where it has none.

    Args:
        feature: of a column.
    """
    names = getattr(feature, "names", None)
    return [*names] if names and hasattr(feature, "int2str") else []


def _named(cell: Any, names: Sequence[str]) -> str | None:
    return None if cell in (None, -1) else names[cell]
