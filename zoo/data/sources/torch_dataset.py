"""A torch data set of the map style, as a data set of ours."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch.utils.data import ConcatDataset, Subset

from zoo.data.objects.arrays import first_sample, is_image
from zoo.data.objects.frames import LastRow
from zoo.images.digests import digest_of_pixels
from zoo.images.objects import Taken, taken, to_image
from zoo.images.ranges import as_stored
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.records.cells import group_key
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_samples, needs_images_alone, needs_masks
from zoo.interfaces.tasks.column_targets import TargetColumn
from zoo.interfaces.tasks.columns import plain
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.names import in_order

_PAIR = 2
_EXPECTED = "a pair (image, target) or a dict"


class TorchData(Dataset):
    """Pairs of an image (Pillow image, H x W (x C) array or C x H x W tensor) and a target.

    Class names are read off `classes` or `class_to_idx`, targets off `targets` where the set has them; else
    every sample is read once; what belongs together, off `group_of(index)`. `Subset`, `random_split` and
    `ConcatDataset` have all that from the sets that they are made of. Draw nothing at random in its
    transforms: give an augmenter instead.

    Args:
        source: has `__len__` and `__getitem__`.
        task: reads the targets; None where it is read off them.
        mask_values: what the values of masks mean, where targets are masks.

    Raises:
        DataError: it has not, or is empty, or an item is not such a pair; or parts number their classes
            otherwise.
    """

    def __init__(self, source: Any, task: Task | None = None, mask_values: MaskValues | None = None) -> None:
        self.source, self._rows = source, LastRow(source) if needs_masks(task) else source
        self.mask_values = mask_values or MaskValues()
        self.where = f"data {type(source).__name__}"
        self._keys: dict[int, str] = {}
        if len(source) == 0:
            raise DataError(self.where, expected="samples", got="none")
        self._alone = needs_images_alone(task) and is_image(first_sample(source))
        self.class_names = labels = class_names(source)
        if needs_masks(task):
            # Masks are read where they are looked through
            self._targets: Sequence[Any] = [None] * len(source)
            return
        cells = self._cells(task or Task())
        if self._alone or all(cell is None for cell in cells):
            self.task, found = task, TargetColumn(cells, labels)
        else:
            self.task, found = for_samples(cells, labels, self.where, task)
        self._targets, self.labels, self.numbered = found.targets, found.labels, found.numbered
        self.tagged, self.numerals = found.tagged, found.numerals

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        image, _ = self._pair(index)
        return Sample(to_image(image, self.name(index)), self._targets[index])

    def taken(self, index: int) -> Taken:
        """An image, and what it loses where it is read."""
        return taken(self._pair(index)[0], self.name(index))

    def mask_cell(self, index: int) -> Any:
        """The mask of a sample as it comes."""
        # Splits ask for the digests next
        return self._pair(index)[1] if index in self._keys else self._noted(index)

    def _pair(self, index: int) -> tuple[Any, Any]:
        item = self._rows[index]
        if self._alone:
            return item, None
        if not isinstance(item, tuple | list) or len(item) != _PAIR:
            raise DataError(self.name(index), expected=_EXPECTED, got=_shown(item), hint=_hint(item))
        return item[0], item[1]

    def _cells(self, task: Task) -> list[Any]:
        given = None if self._alone else _targets(self.source)
        if given is None:
            # Splits ask for the digests next: a sample is read once for both, not twice
            given = [self._noted(i) for i in range(len(self))]
        return [task.parse(plain(target)) for target in given]

    @property
    def targets(self) -> Sequence[Any]:
        """All targets as plain numbers or lists."""
        return self._targets

    def key(self, index: int) -> str:
        """A digest of the image's content, computed once."""
        if index not in self._keys:
            self._noted(index)
        return self._keys[index]

    def _noted(self, index: int) -> Any:
        """The raw target of a sample, the digest of whose image is kept."""
        image, target = self._pair(index)
        self._keys[index] = digest_of_pixels(as_stored(lambda: to_image(image, self.name(index))))
        return target

    def group_of(self, index: int) -> str | None:
        """The sample's group, where the set itself tells it."""
        source, at = _inside(self.source, index)
        group = getattr(source, "group_of", None)
        return group_key(group(at)) if callable(group) else None

    def name(self, index: int) -> str:
        """Type and index, for example `MNIST[3]`."""
        return f"{type(self.source).__name__}[{index}]"


def class_names(source: Any) -> tuple[str, ...]:
    """Names of the classes of a torch data set, or of what it is made of; nothing where there are none.

    Raises:
        DataError: parts number their classes otherwise.
    """
    if isinstance(source, Subset):
        return class_names(source.dataset)
    if isinstance(source, ConcatDataset):
        parts = [class_names(part) for part in source.datasets]
        if other := next((names for names in parts if names != parts[0]), None):
            expected, got = f"the classes of the first part ({_listed(parts[0])})", _listed(other)
            hint = "give the parts the same classes in the same order"
            raise DataError("data ConcatDataset", expected=expected, got=got, hint=hint)
        return parts[0]
    # What transforms targets may number them as it likes
    if getattr(source, "target_transform", None) is not None:
        return ()
    names = getattr(source, "classes", None)
    # Others are a number of classes or a method
    if isinstance(names, Iterable) and (isinstance(names, Mapping) or hasattr(names, "__len__")):
        names = _in_order(source, names)
        if names:
            return names
    numbers = getattr(source, "class_to_idx", None)
    if isinstance(numbers, Mapping) and sorted(numbers.values()) == [*range(len(numbers))]:
        return tuple(str(name) for name in sorted(numbers, key=numbers.__getitem__))
    return ()


def _in_order(source: Any, names: Any) -> tuple[str, ...]:
    where = f"data {type(source).__name__}: classes"
    if isinstance(names, str | bytes):
        raise DataError(where, expected="a name for each class", got=quote(names), hint="a list of them")
    try:
        return in_order(names)
    except ValueError as error:
        raise DataError(where, expected=str(error), got=quote(names)) from None


def _targets(source: Any) -> Sequence[Any] | None:
    """Targets of a set without reading its samples; None where it does not tell them."""
    if isinstance(source, Subset):
        whole = _targets(source.dataset)
        return None if whole is None else [whole[i] for i in source.indices]
    if isinstance(source, ConcatDataset):
        parts = [_targets(part) for part in source.datasets]
        return (
            None
            if any(part is None for part in parts)
            else [target for part in parts for target in part or ()]
        )
    if getattr(source, "target_transform", None) is not None:
        return None
    # Of another length, they are those of something else
    found = getattr(source, "targets", None)
    return found if found is not None and len(found) == len(source) else None


def _inside(source: Any, index: int) -> tuple[Any, int]:
    """The set that a sample comes from, and its number there."""
    if isinstance(source, Subset):
        return _inside(source.dataset, int(source.indices[index]))
    if isinstance(source, ConcatDataset):
        part = bisect.bisect_right(source.cumulative_sizes, index)
        before = source.cumulative_sizes[part - 1] if part else 0
        return _inside(source.datasets[part], index - before)
    return source, index


def _listed(names: tuple[str, ...]) -> str:
    return listing(map(quote, names), 6)


def _shown(item: Any) -> str:
    return f"{type(item).__name__} of {len(item)}" if isinstance(item, list | tuple) else quote(item)


def _hint(item: Any) -> str | None:
    """How to wrap samples that have more than an image and a target."""
    if isinstance(item, list | tuple) and len(item) > _PAIR:
        return "[(image, target) for image, target, *_ in data] keeps two; a dict names what else there is"
    return None
