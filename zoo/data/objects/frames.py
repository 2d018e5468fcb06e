"""Tables in memory as columns: frames, tables of Arrow and Hugging Face, lists of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.data.objects.arrays import first_sample
from zoo.data.objects.featured_tables import featured_columns
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.cells import ClassColumn
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.errors import DataError, quote
from zoo.spec.split_names import split_named

_PANDAS = ("iloc", "columns")
_POLARS = ("get_column", "columns")
_HUGGING_FACE = ("features", "column_names", "select_columns")
_ARROW = ("to_pydict", "column_names")
_LIBRARIES = (_PANDAS, _POLARS, _HUGGING_FACE, _ARROW)
"""Attributes by which tables of other libraries are known, so that none of these is imported."""


class LastRow(Sequence[Any]):
    """Samples of a data set, of which the last one is kept: several of its fields are asked for in turn.

    Args:
        source: gives a sample by number.
    """

    def __init__(self, source: Any) -> None:
        self.source, self._last = source, (-1, None)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: Any) -> Any:
        # Read once: another thread may put another one there
        number, row = self._last
        if number != index:
            row = self.source[index]
            self._last = (index, row)
        return row

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "_last": (-1, None)}


def has_columns(value: Any) -> bool:
    """Whether an object is a table: of columns, of rows, or of another library.

    Args:
        value: any object; what has names of splits is a table of data sets.

    Example:
        >>> has_columns({"image": []}), has_columns([{"image": 1}]), has_columns({"train": [], "val": []})
        (True, True, False)
    """
    if isinstance(value, Dataset):
        return False
    if isinstance(value, Mapping):
        return not all(split_named(str(name)) for name in value)
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(isinstance(row, Mapping) for row in value)
    return is_frame(value) or is_dicts(value)


def is_frame(value: Any) -> bool:
    """Whether an object is a table of another library.

    Args:
        value: any object.
    """
    return any(_has(value, names) for names in _LIBRARIES)


def is_dicts(value: Any) -> bool:
    """Whether an object is a torch data set whose samples are dicts.

    Args:
        value: any object.
    """
    by_number = _has(value, ("__getitem__", "__len__")) and not isinstance(value, Dataset | str | bytes)
    if not by_number or isinstance(value, Mapping | list | tuple) or hasattr(value, "shape"):
        return False
    return len(value) > 0 and isinstance(first_sample(value), Mapping)


def columns_of(value: Any) -> Cells:
    """The columns of a table of another library.

    Args:
        value: with the attributes of one.
    """
    if _has(value, _PANDAS):
        check_names(value.columns)
        return {str(name): _pandas(value.iloc[:, i]) for i, name in enumerate(value.columns)}
    if _has(value, _POLARS):
        return {str(name): _polars(value.get_column(name)) for name in value.columns}
    if _has(value, _HUGGING_FACE):
        return featured_columns(value)
    check_names(value.column_names)
    cells: dict[str, list[Any]] = value.to_pydict()
    return cells


def check_names(names: Iterable[Any]) -> None:
    """Raises DataError where two columns have one name, also as number and text.

    Args:
        names: of the columns.
    """
    found = Counter(map(str, names))
    if twice := next((name for name, count in found.items() if count > 1), None):
        hint = "rename one of them, or leave it out"
        raise DataError("data", expected="a name for each column", got=f"{quote(twice)} twice", hint=hint)


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> Cells:
    """The columns of rows; a cell that a row lacks is empty.

    Args:
        rows: cells by name.

    Example:
        >>> columns_of_rows([{"a": 1}, {"a": 2, "b": 3}])
        {'a': [1, 2], 'b': [None, 3]}
    """
    names = dict.fromkeys(name for row in rows for name in row)
    check_names(names)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _has(value: Any, names: Sequence[str]) -> bool:
    return all(hasattr(value, name) for name in names)


def _pandas(series: Any) -> Sequence[Any]:
    cells: list[Any] = series.tolist()
    kind = series.dtype
    return ClassColumn(cells, [*kind.categories]) if getattr(kind, "ordered", False) else cells


def _polars(series: Any) -> Sequence[Any]:
    cells: list[Any] = series.to_list()
    # An Enum says the order of its names, a Categorical does not
    kind = series.dtype
    return ClassColumn(cells, [*kind.categories]) if type(kind).__name__ == "Enum" else cells
