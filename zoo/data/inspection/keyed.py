"""A data set whose digests are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.interfaces.dataset import Dataset, Sample


class Keyed(Dataset):
    """A data set whose keys are known, so that nothing is read again.

    Args:
        dataset: as it is.
        keys: digest of each image.
    """

    def __init__(self, dataset: Dataset, keys: Sequence[str]) -> None:
        self.dataset, self.keys = dataset, keys
        self.labels, self.masks = dataset.labels, dataset.masks

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[index]

    @property
    def targets(self) -> Sequence[Any]:
        return self.dataset.targets

    def name(self, index: int) -> str:
        return self.dataset.name(index)

    def key(self, index: int) -> str:
        return self.keys[index]

    def split_of(self, index: int) -> str | None:
        return self.dataset.split_of(index)

    def group_of(self, index: int) -> str | None:
        return self.dataset.group_of(index)
