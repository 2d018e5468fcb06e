"""Rows that are kept of a data set's images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.data.row_cache.store import RowStore


class KeptRows:
    """A base of what is kept of a data set's images, each in a row of a store.

    Args:
        store: of the rows.
    """

    def __init__(self, store: RowStore) -> None:
        self._store = store

    @property
    def folder(self) -> Path:
        """The folder of these rows."""
        return self._store.folder

    @property
    def row_bytes(self) -> int:
        """Bytes of one image's row."""
        return self._store.layout.row_bytes

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Images without a row; the rows that are there are from now on safe from other runs."""
        return self._store.missing(indices)
