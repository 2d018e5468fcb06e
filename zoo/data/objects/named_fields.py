"""Samples with further images and targets, of columns that a model or its trainer names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.data.reading import check_there
from zoo.data.view import Around
from zoo.images.decode import ImageArray
from zoo.images.digests import digest_of_pixels
from zoo.images.ranges import scaled_by
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.columns import is_missing, plain
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.inputs import InputSpec, Reading

_NAMED = 6


class Fielded(Around):
    """Data whose samples have further images and targets by name.

    Args:
        source: image and target of each sample, perhaps a mask.
        records: the columns that the fields are of.
        fields: how an image is prepared, or the task of a target, by name.
        kept: numbers of the rows that are kept; all where None.

    Raises:
        DataError: a cell is empty, no number, or an image that is not there.
    """

    def __init__(
        self,
        source: Dataset,
        records: Records,
        fields: Mapping[str, InputSpec | Task],
        kept: Sequence[int] | None = None,
    ) -> None:
        super().__init__(source)
        self.files, self.fields = source.files, dict(fields)
        self._records, self._rows = records, range(len(records)) if kept is None else [*kept]
        self._numbers = {
            name: self._targets(name, task) for name, task in fields.items() if isinstance(task, Task)
        }
        for name in self._images:
            # Of objects whoever asks for the first sample learns it
            if isinstance(self._cell(name, 0), Path):
                cells = {row: self._cell(name, i) for i, row in enumerate(self._rows)}
                files = {row: cell for row, cell in cells.items() if isinstance(cell, Path)}
                check_there(files, records.where, name)

    @property
    def _images(self) -> list[str]:
        return [name for name, kind in self.fields.items() if isinstance(kind, InputSpec)]

    def _cell(self, name: str, index: int) -> Any:
        return self._records.image_cell(self._rows[index], name)

    def _targets(self, name: str, task: Task) -> list[Any]:
        found = []
        for row in self._rows:
            cell = self._records.columns[name][row]
            target = None if is_missing(cell) else task.parse(plain(cell))
            if not _is_number(target):
                expected = f"numbers, as task {task.name} takes them, in each row"
                got = f"{quote(target)} in row {row + 1}"
                hint = "number the classes from 0 on" if isinstance(target, str) else None
                where = f"{self._records.where}: column {quote(name)}"
                raise DataError(where, expected=expected, got=got, hint=hint)
            found.append(target)
        return found

    def __getitem__(self, index: int) -> Sample:
        return replace(self.source[index], fields=self._fields_of(index))

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample, its image read for a size; the images of its fields are decoded in full."""
        return replace(self.source.reduced(index, least), fields=self._fields_of(index))

    def _fields_of(self, index: int) -> dict[str, Any]:
        row = self._rows[index]
        images = {name: self._image(name, row) for name in self._images}
        return images | {name: values[index] for name, values in self._numbers.items()}

    def _image(self, name: str, row: int) -> ImageArray:
        spec = self.fields[name]
        # Its own spec may say another range than the model's, or none
        with scaled_by(Reading(spec.value_range, spec.pages) if isinstance(spec, InputSpec) else None):
            return self._records.taken(row, name).pixels

    @cached_property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # computed when first asked for
        """Digest of all samples with their fields; None where they may change."""
        if self.source.fingerprint is None:
            return None
        digest = hashlib.blake2b(self.source.fingerprint.encode(), digest_size=16)
        for i in range(len(self)):
            found = self._fields_of(i)
            parts = (
                digest_of_pixels(value) if name in self._images else repr(value)
                for name, value in found.items()
            )
            digest.update("\0".join([*found, *parts]).encode())
        return digest.hexdigest()


def check_columns(data: Dataset, fields: Mapping[str, InputSpec | Task]) -> Records:
    """The data as columns, among which the fields are looked for.

    Args:
        data: as they were read.
        fields: by name.

    Raises:
        DataError: they are not made of columns.
    """
    if isinstance(data, Records):
        return data.with_fields(tuple(fields))
    expected = (
        f"samples with the {'field' if len(fields) == 1 else 'fields'} {listing(map(quote, fields), _NAMED)}"
    )
    columns = ", ".join(f'"{name}": ...' for name in ("image", *fields))
    hint = f"give dicts {{{columns}}}, a data set of such, or a table with these columns"
    raise DataError("data", expected=expected, got=quote(type(data).__name__), hint=hint)


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > 0 and all(map(_is_number, value))
    return isinstance(value, int | float) and not is_missing(value)
