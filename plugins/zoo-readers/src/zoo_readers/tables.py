"""Tables of labels in Parquet, Feather and Arrow files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import DataError, reason
from zoo.interfaces import TableFile
from zoo_readers.packages import package


class ArrowTable(TableFile):
    """A table of labels in Parquet, Feather or Arrow's own format, perhaps with the images in it.

    Images are paths, bytes, or tables of `bytes` and `path` as Hugging Face writes them.
    """

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
        return {name: table.column(name).to_pylist() for name in table.column_names}


def _arrow(arrow: Any, file: Path) -> Any:
    with arrow.memory_map(str(file)) as source:
        try:
            return arrow.ipc.open_file(source).read_all()
        except arrow.ArrowInvalid:
            source.seek(0)
            return arrow.ipc.open_stream(source).read_all()
