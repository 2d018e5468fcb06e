"""Images of columns or of a torch data set, with the masks that stand beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask
from zoo.data.reading import check_there
from zoo.data.sources.mask_options import check_none
from zoo.data.sources.mask_reader import CLASSES, MaskReader, header_size, names_in
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.view import Around, Subset
from zoo.images.digests import FileDigests
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_masks, needs_masks
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError

WithMasks = Records | TorchData


class Masked(Around):
    """Images with masks of a column, or of the second place of pairs; every mask is read once, and checked.

    What masks are, and what their values mean, is as in folders; see `zoo.data.sources.mask_folders`.

    Args:
        source: the images, and the masks as they came.
        options: what values mean, where it is said.
        classes: of the model, where they are known.
        kept: numbers of the samples that are kept; all where None.

    Raises:
        DataError: a mask is missing, or does not fit.
        OptionError: options do not fit.
    """

    def __init__(
        self,
        source: WithMasks,
        options: MaskValues,
        classes: int | None = None,
        kept: Sequence[int] | None = None,
    ) -> None:
        super().__init__(source if kept is None else Subset(source, kept))
        self.files = self.source.files
        home = source.home if isinstance(source, Records) else None
        self._cells = _Cells(source, range(len(source)) if kept is None else kept)
        if isinstance(source, Records):
            check_there(self._cells.files, source.where, source.roles.mask, masks=True)
        root = home or (source.root if isinstance(source, Records) else None)
        self.reader = MaskReader(
            self._cells,
            self._size,
            options,
            names=source.class_names or (() if root is None else names_in(root / CLASSES, source.where)),
            root=root or Path(),
            classes=classes,
            where=source.where,
            calls=self._called,
            sure=not source.class_names,
        )
        if self.files is not None:
            warn_turned(self.files)
        self.masks, self.task = True, for_masks()
        self.labels, self.numbered = self.reader.labels, self.reader.numbered
        self.present, self.leaves_out = self.reader.present, self.reader.leaves_out

    def _size(self, index: int, mask: npt.NDArray[np.uint8]) -> tuple[tuple[int, int], str]:
        if self.files is not None:
            return header_size(self.files[index], mask), self.files[index].name
        try:
            height, width = self.source[index].image.shape[:2]
        except DataError:  # said where images are read
            height, width = mask.shape
        return (height, width), self.name(index)

    def _called(self, index: int) -> str:
        cell = self._cells[index]
        return f"mask {cell}" if isinstance(cell, Path) else f"mask of {self.name(index)}"

    def __getitem__(self, index: int) -> Sample:
        # The mask first: a torch data set that is asked for a sample keeps the last one
        mask, image = self.mask(index), self.source[index].image
        check_mask(mask, image, self.name(index))
        return Sample(image, None, mask)

    def mask(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers, without reading the image."""
        return self.reader[index]

    @property
    def targets(self) -> Sequence[Any]:
        """None each."""
        return [None] * len(self)

    @property
    def words(self) -> str:
        """The place of the masks and the way in which they are read, in words."""
        return "; ".join([self._cells.words, *self.reader.words])

    @property
    def way_out(self) -> str | None:
        """The next step where one class alone is in the masks; see `MaskReader`."""
        return self.reader.way_out

    @cached_property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and masks, and of how masks are read; None where they may change."""
        if self.source.fingerprint is None:
            return None
        digest = hashlib.blake2b(self.source.fingerprint.encode(), digest_size=16)
        files = self._mask_digests
        for i in range(len(self)):
            digest.update(
                np.ascontiguousarray(self.mask(i)).tobytes() if files is None else files[i].encode()
            )
        digest.update("\n".join(self.labels).encode() + self.reader.token)
        return digest.hexdigest()

    def unchanged(self, index: int) -> bool:
        """Whether the image is, and the file of its mask."""
        files = self._mask_digests
        return super().unchanged(index) and (files is None or files.unchanged(index))

    @cached_property
    def _mask_digests(self) -> FileDigests | None:
        """The digests of the masks' files; None where masks are no files."""
        # Else each of them is read to see what it is
        cells = [] if self.files is None else [cell for cell in self._cells if isinstance(cell, Path)]
        return FileDigests(cells) if cells and len(cells) == len(self) else None


class _Cells(Sequence[Any]):
    """The masks as they came, one by one."""

    def __init__(self, source: WithMasks, kept: Sequence[int]) -> None:
        self.source, self.kept = source, kept
        column = source.roles.mask if isinstance(source, Records) else None
        self.words = "beside the images" if column is None else f"in the column {column}"

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def files(self) -> dict[int, Path]:
        """Those that are files, by their row in the table."""
        cells = dict(zip(self.kept, self, strict=True))
        return {row: cell for row, cell in cells.items() if isinstance(cell, Path)}

    def __getitem__(self, index: Any) -> Any:
        return self.source.mask_cell(self.kept[index])


def with_masks(
    data: Dataset, task: Task | None, classes: int | None, kept: Sequence[int] | None = None
) -> Dataset:
    """The data with the masks that stand beside their images; as they are where there are none.

    Args:
        data: as a task reads them.
        task: of the model.
        classes: of the model, where they are known.
        kept: numbers of the samples that are kept; all where None.

    Raises:
        DataError: a mask is missing, or does not fit.
        OptionError: options of masks are given for data that are read without any.
    """
    if isinstance(data, Records | TorchData):
        has = data.roles.mask is not None if isinstance(data, Records) else needs_masks(task)
        if has:
            return Masked(data, data.mask_values, classes, kept)
        check_none(data.mask_values, data.where)
    return data if kept is None else Subset(data, kept)
