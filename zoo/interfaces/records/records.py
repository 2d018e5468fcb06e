"""A data set of columns: the images of one, the targets of others."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from zoo.images.decode import ImageArray, decode_counted
from zoo.images.digests import FileDigests, digest_of_content
from zoo.images.objects import Taken
from zoo.interfaces.dataset import Dataset, Sample, fingerprint_of
from zoo.interfaces.records.cells import content_of, group_key
from zoo.interfaces.records.file_groups import groups_in
from zoo.interfaces.records.images import located, reduced_cell, taken_cell
from zoo.interfaces.records.paths import names_in, path_of, suffix_lacking
from zoo.interfaces.records.places import folds_in, order_in, splits_in
from zoo.interfaces.records.roles import Roles, settled, words_of_unused
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_columns, wants_of
from zoo.interfaces.tasks.column_targets import TargetColumn
from zoo.interfaces.tasks.columns import Cells, is_missing
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError, listing, quote, warn

_NAMED = 3


class Records(Dataset):
    """A data set made of columns, such as those of a table; a task decides how targets are read.

    Images are paths of files, contents of files, Pillow images, arrays H x W (x C), tensors C x H x W, or
    tables with `bytes` and `path`, as Hugging Face keeps them.

    Args:
        columns: cells by the name of their column, as many in each.
        roles: which column holds what; what is not said is told by names and cells.
        root: folder that paths are read from; the working folder where None.
        where: what to call the data in messages.
        mask_values: what the values of masks mean, where a column holds masks.

    Attributes:
        asked: the roles as they were said.
        home: the folder that a table lies in, with `classes.txt` beside it; None where it is no file.
        class_names: names of the classes, where the data themselves say them.

    Raises:
        DataError: the columns are of several lengths, or have no row. Reading the targets raises it where
            nobody can tell which column is meant, or a cell does not fit.

    Example:
        >>> import numpy as np
        >>> images = [np.zeros((8, 8), np.uint8)] * 3
        >>> data = Records({"image": images, "label": ["cat", "dog", "cat"]})
        >>> data.labels, data.targets
        (('cat', 'dog'), [0, 1, 0])
    """

    home: Path | None = None
    class_names: tuple[str, ...] = ()

    def __init__(
        self,
        columns: Cells,
        *,
        roles: Roles | None = None,
        root: Path | None = None,
        where: str = "data",
        mask_values: MaskValues | None = None,
    ) -> None:
        self.columns, self.root, self.where = columns, root, where
        self.mask_values, self.asked = mask_values or MaskValues(), roles or Roles()
        self._for: Task | None = None
        lengths = {name: len(column) for name, column in columns.items()}
        if len({*lengths.values()}) > 1:
            got = listing(f"{length} in {quote(name)}" for name, length in lengths.items())
            raise DataError(where, expected="columns of one length", got=got)
        if not any(lengths.values()):
            raise DataError(where, expected="rows", got="none")

    # -- targets ---------------------------------------------------------------------------------------

    def for_task(self, task: Task | None) -> Dataset:
        """The data with the targets that a task reads.

        Args:
            task: of the model; None reads off the cells what they are.

        Raises:
            DataError: nobody can tell which columns are meant, or a cell does not fit.
        """
        found = copy(self)
        # What was read for another task is read anew
        read = [name for name in vars(self) if isinstance(getattr(type(self), name, None), cached_property)]
        for name in read:
            delattr(found, name)
        found._for = task
        found._tell_unused()
        return found

    @cached_property
    def roles(self) -> Roles:
        """Columns by what they hold."""
        return settled(self.asked, self.columns, self.where, **wants_of(self._for))

    @cached_property
    def _read(self) -> tuple[Task | None, TargetColumn]:
        names = self.roles.target
        if not names:
            return None, TargetColumn([None] * len(self))
        return self.read_targets({name: self.columns[name] for name in names}, self._for)

    def read_targets(self, columns: Cells, task: Task | None) -> tuple[Task | None, TargetColumn]:
        """The targets as a task reads them, and the task that they tell where there is none.

        Args:
            columns: of the targets.
            task: of the model.

        Raises:
            DataError: a cell does not fit.
        """
        return for_columns(columns, self.roles.separator, self.where, task)

    @property
    def task(self) -> Task | None:  # type: ignore[override]  # follows from the columns
        """The task that the targets were read for; None where there are none."""
        return self._read[0]

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]  # follows from the columns
        """Names of classes, labels or values."""
        return self._read[1].labels

    @property
    def numbered(self) -> bool:  # type: ignore[override]  # follows from the columns
        """Whether the table names classes by numbers from 0 on."""
        return self._read[1].numbered

    @property
    def tagged(self) -> bool:  # type: ignore[override]  # follows from the columns
        """Whether cells name labels one by one."""
        return self._read[1].tagged

    @property
    def targets(self) -> Sequence[Any]:
        """All targets."""
        return self._read[1].targets

    def _tell_unused(self) -> None:
        """Says which columns have no role where one of them may have been meant."""
        assert self._read  # noqa: S101 - reads the targets, which settles the roles
        said = bool(self.asked.target or self.asked.mask) and not self.asked.fields
        if words := words_of_unused(self.roles, self.columns, said=said):
            warn(f"{self.where}: {words}")

    # -- samples ---------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._image(index), self.targets[index])

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample, a JPEG perhaps decoded at a reduced scale."""
        if type(self).__getitem__ is not Records.__getitem__:
            return self[index]
        column = str(self.roles.image)
        cell = self.image_cell(index, column) if self.files is None else self.files[index]
        image, size = reduced_cell(cell, least, self.name(index))
        return Sample(image, self.targets[index], size=size)

    def mask_cell(self, index: int) -> Any:
        """The mask of a sample as its column holds it: the path of a file, or an object."""
        return self.image_cell(index, str(self.roles.mask))

    def image_cell(self, index: int, column: str) -> Any:
        """An image or mask as a column holds it: the path of a file, or an object.

        Raises:
            DataError: the cell is empty.
        """
        cell = self.columns[column][index]
        if is_missing(cell):
            where, got = f"{self.where}: column {quote(column)}", f"none in row {index + 1}"
            raise DataError(where, expected="an image or mask in each row", got=got)
        return located(cell, self.root)

    def _image(self, index: int) -> ImageArray:
        return self.taken(index).pixels if self.files is None else decode_counted(self.files[index])

    def taken(self, index: int, column: str | None = None) -> Taken:
        """An image, and what it loses where it is read.

        Args:
            index: of the sample.
            column: of the image; by default that of the images.
        """
        where = self.name(index) if column is None else f"{quote(column)} of {self.name(index)}"
        return taken_cell(self.image_cell(index, column or str(self.roles.image)), where)

    def with_fields(self, names: tuple[str, ...]) -> Records:
        """The data with columns of further images and targets, which are then nothing else.

        Args:
            names: of the columns.
        """
        found = copy(self)
        found.asked = replace(self.asked, fields=names)
        return found

    @cached_property
    def _cells(self) -> Sequence[Any]:
        column = names_in(self.columns[str(self.roles.image)])
        # What is read from a disk when it is asked for may know that it lacks none
        full = getattr(column, "full", False)
        empty = [] if full else [i + 1 for i, cell in enumerate(column) if is_missing(cell)]
        if empty:
            expected, got = "an image in each row", f"none in row {listing(map(str, empty), _NAMED)}"
            raise DataError(f"{self.where}: column {quote(self.roles.image)}", expected=expected, got=got)
        return column

    @cached_property
    def files(self) -> list[Path] | None:  # type: ignore[override]  # follows from the cells
        """The files of the images; None where an image is none."""
        cells = self._cells
        if not all(isinstance(cell, str | PurePath) for cell in cells):
            return None
        suffix = suffix_lacking(str(cells[0]), self.root)
        return [path_of(f"{cell}{suffix}", self.root) for cell in cells]

    def name(self, index: int) -> str:
        """The path of a sample's file, or its row."""
        return f"row {index + 1}" if self.files is None else str(self.files[index])

    def key(self, index: int) -> str:
        """A digest of the file's bytes, or of the image."""
        if self._digests is not None:
            return self._digests[index]
        content = content_of(self._cells[index])
        return super().key(index) if content is None else digest_of_content(content)

    def unchanged(self, index: int) -> bool:
        """Whether the file is still the one of its digest."""
        return self._digests is None or self._digests.unchanged(index)

    @cached_property
    def _digests(self) -> FileDigests | None:
        return None if self.files is None else FileDigests(self.files)

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all names, images and targets."""
        return fingerprint_of(self)

    # -- sides -----------------------------------------------------------------------------------------

    def split_of(self, index: int) -> str | None:
        """`train`, `val` or `test`, where a column says so."""
        return self._splits[index] if self._splits else None

    @cached_property
    def _splits(self) -> list[str] | None:
        name = self.roles.split
        if name is None or self._folds is not None:
            return None
        return splits_in(self.columns[name], f"{self.where}: column {quote(name)}")

    def fold_of(self, index: int) -> int | None:
        """The number of its fold, where the column of the splits holds such numbers."""
        return self._folds[index] if self._folds else None

    @cached_property
    def _folds(self) -> list[int] | None:
        return None if (name := self.roles.split) is None else folds_in(self.columns[name])

    def group_of(self, index: int) -> str | None:
        """The group of a sample, where a column says it, else its file; an empty cell is none."""
        if (name := self.roles.group) is None:
            return self._file_groups[index] if self._file_groups else None
        return group_key(self.columns[name][index])

    @cached_property
    def _file_groups(self) -> list[str | None]:
        return groups_in(self.files, self.where, sides=self._splits or self._folds or ())

    def order_of(self, index: int) -> Any:
        """The place in time, where a column says it."""
        return self._order[index] if self._order else None

    @cached_property
    def _order(self) -> list[Any] | None:
        if (name := self.roles.order) is None:
            return None
        return order_in(self.columns[name], f"{self.where}: column {quote(name)}")
