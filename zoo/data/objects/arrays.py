"""Arrays of many images, and lists of images with their targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.images.decode import SUFFIXES
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_samples
from zoo.interfaces.tasks.column_targets import TargetColumn
from zoo.interfaces.tasks.columns import Cells, plain
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError

IMAGE, TARGET, MASK = "image", "target", "mask"
"""Columns of images, targets and masks that were given without names."""

_FLAT, _MAP, _MANY = 2, 3, 4


class Listed(Records):
    """Images with their targets, one by one: whole numbers are class indices, as in torch data sets.

    Args:
        columns: as `Records` takes them.
        roles: which column holds what.
        names: of the classes, where the data say them.
        stable: whether a sample is the same whenever it is asked for, so that what follows from it is kept.
        **more: see `Records`.

    Example:
        >>> data = listed([np.zeros((8, 8), np.uint8)] * 3, [2, 0, 1])
        >>> data.labels, data.targets
        (('0', '1', '2'), [2, 0, 1])
    """

    def __init__(
        self,
        columns: Cells,
        roles: Roles,
        *,
        names: Sequence[str] = (),
        stable: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(columns, roles=roles, **more)
        self.class_names, self._stable = tuple(names), stable

    def read_targets(self, columns: Cells, task: Task | None) -> tuple[Task | None, TargetColumn]:
        """The targets as those of samples; see `zoo.interfaces.tasks.Task.read_samples`."""
        if len(columns) > 1 or self.roles.separator is not None:
            return super().read_targets(columns, task)
        (column,) = columns.values()
        cells = [(task or Task()).parse(plain(cell)) for cell in column]
        return for_samples(cells, self.class_names, self.where, task)

    @cached_property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and targets; None where they may change."""
        return super().fingerprint if self._stable else None


def listed(
    images: Sequence[Any],
    targets: Sequence[Any] | None,
    where: str = "data",
    *,
    masks: MaskValues | None = None,
) -> Listed:
    """Images with their targets.

    Args:
        images: as `Records` takes them.
        targets: as many; None where there are none.
        where: what to call the data in messages.
        masks: what values mean, where the targets are masks.
    """
    if targets is None:
        return Listed({IMAGE: images}, Roles(image=IMAGE), where=where)
    if masks is not None:
        return Listed(
            {IMAGE: images, MASK: targets}, Roles(image=IMAGE, mask=MASK), where=where, mask_values=masks
        )
    return Listed({IMAGE: images, TARGET: targets}, Roles(image=IMAGE, target=(TARGET,)), where=where)


class ArrayRows(Sequence[Any]):
    """The images of an array, one by one: N x H x W, N x H x W x C or N x C x H x W.

    Channels are the axis that is smaller than height and width; where both or none may be, the last one of an
    array and the first one of a tensor.

    Args:
        values: an array of numpy or torch, or what gives such a one by number, as files of HDF5 do.
        where: whose, for messages.

    Raises:
        DataError: it has another number of axes.
    """

    def __init__(self, values: Any, where: str) -> None:
        self.values, shape = values, tuple(map(int, values.shape))
        if len(shape) not in (_MAP, _MANY):
            expected = "N x H x W, N x H x W x C or N x C x H x W"
            raise DataError(f"{where}: images", expected=expected, got=" x ".join(map(str, shape)))
        self.first = len(shape) == _MANY and _channels_first(shape[1:], isinstance(values, Tensor))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        image = self.values[int(index)]
        if isinstance(image, Tensor):
            return image[None] if image.ndim == _FLAT else image if self.first else image.permute(2, 0, 1)
        image = np.asarray(image)
        return np.moveaxis(image, 0, -1) if self.first else image

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def is_array(value: Any) -> bool:
    """Whether an object is an array, of whatever library."""
    return all(hasattr(value, name) for name in ("shape", "ndim", "dtype", "__getitem__"))


def is_image(value: Any) -> bool:
    """Whether an object is one image: an array, a Pillow image, an image's path or bytes."""
    if isinstance(value, str | PurePath):
        return PurePath(str(value)).suffix.lower() in SUFFIXES
    if is_array(value):
        return value.ndim in (_FLAT, _MAP)
    return isinstance(value, bytes) or (hasattr(value, "convert") and hasattr(value, "size"))


def first_sample(data: Any) -> Any:
    """The first sample of a torch data set, with its Pillow images read, so that their files are closed."""
    sample = data[0]
    parts = (
        sample.values() if isinstance(sample, Mapping) else sample if isinstance(sample, tuple) else [sample]
    )
    for part in parts:
        if isinstance(part, Image.Image):
            with suppress(Exception):  # said where images are read
                part.load()
    return sample


def images_of(value: Any, where: str) -> Sequence[Any] | None:
    """Many images one by one: those of an array or a list; None where an object is neither.

    Args:
        value: any object.
        where: whose, for messages.
    """
    if is_array(value):
        return ArrayRows(value, where) if value.ndim >= _MAP else None
    return value if isinstance(value, list | tuple) and len(value) and is_image(value[0]) else None


def _channels_first(shape: tuple[int, ...], usual: bool) -> bool:
    a, b, c = shape
    first, last = a < min(b, c), c < min(a, b)
    return usual if first == last else first
