"""A torch data set of the map style, as a data set of ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from zoo.images.decode import to_image
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_targets
from zoo.spec.errors import DataError, quote

_PAIR = 2


class TorchData(Dataset):
    """Pairs of an image (Pillow image, H x W (x C) array or C x H x W tensor) and a target.

    Class names are read off `classes`, targets off `targets` where the set has them; else every sample is
    read once; what belongs together, off `group_of(index)`. Draw nothing at random in its transforms: give an
    augmenter instead.

    Args:
        source: has `__len__` and `__getitem__`.
        task: reads the targets; None where it is read off them.

    Raises:
        DataError: it has not, or is empty, or an item is not such a pair.
    """

    def __init__(self, source: Any, task: Task | None = None) -> None:
        self.source, self._parse = source, (task or Task()).parse
        if len(source) == 0:
            raise DataError(f"data {type(source).__name__}", expected="samples", got="none")
        self.labels = tuple(str(name) for name in getattr(source, "classes", ()))
        # Whole numbers of a task of values are no classes
        classes = task is None or task.stratum(0) is not None
        if isinstance(self.targets[0], int) and not self.labels and classes:
            self.labels = tuple(str(i) for i in range(max(self.targets) + 1))
        self.task = task or for_targets(self.targets, self.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        item = self.source[index]
        if not isinstance(item, tuple | list) or len(item) != _PAIR:
            raise DataError(self.name(index), expected="a pair (image, target)", got=quote(item))
        return Sample(to_image(item[0], self.name(index)), self._parse(item[1]))

    @cached_property
    def targets(self) -> Sequence[Any]:
        """All targets as plain numbers or lists."""
        given = getattr(self.source, "targets", None)
        # As torchvision's sets have them; of another length, they are those of something else
        if given is not None and len(given) == len(self):
            return [self._parse(target) for target in given]
        return [self[i].target for i in range(len(self))]

    def group_of(self, index: int) -> str | None:
        """The sample's group, where the set itself tells it."""
        group = getattr(self.source, "group_of", None)
        found = group(index) if callable(group) else None
        return None if found is None else str(found)

    def name(self, index: int) -> str:
        """Type and index, for example `MNIST[3]`."""
        return f"{type(self.source).__name__}[{index}]"
