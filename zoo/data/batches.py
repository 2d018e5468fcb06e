"""Batches: pictures decoded and resized by workers, in an order that follows from (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from zoo.data.pictures import prepare
from zoo.data.seeds import generator
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.dataset import Dataset
from zoo.spec.errors import DataError, OptionError, ZooError
from zoo.spec.inputs import InputSpec

Item = dict[str, Any] | ZooError


class Batches:
    """Batches of a part of a data set: `image` N x C x H x W float32 in [0, 1], `target`, `index`.

    The same with any number of workers. The last batch may be short. A last batch of one picture is joined
    to the one before it where `join_single` is set, since batch norm learns nothing from a single picture;
    no picture is left out.

    Args:
        dataset: where the pictures come from.
        indices: which of them.
        spec: size, channels and interpolation of the pictures.
        batch_size: pictures a batch.
        seed: of the order.
        shuffle: a new order each epoch; else as `indices`.
        workers: processes that read; 0 reads in this one.
        join_single: see above.

    Raises:
        DataError: there is no picture.
        OptionError: a number is out of range.
    """

    def __init__(
        self,
        dataset: Dataset,
        indices: Sequence[int],
        spec: InputSpec,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        workers: int = 0,
        join_single: bool = False,
    ) -> None:
        if not indices:
            raise DataError("batches", expected="at least one picture", got="none")
        if batch_size < 1:
            raise OptionError("batch_size", expected="at least 1", got=str(batch_size))
        if workers < 0:
            raise OptionError("workers", expected="0 or more", got=str(workers))
        self.dataset, self.indices = dataset, tuple(indices)
        self._order = _Order(self.indices, batch_size, seed, shuffle, join_single)
        self._loader: DataLoader[Any] = DataLoader(
            _Prepared(dataset, spec),
            batch_sampler=self._order,
            collate_fn=_collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # so that it draws nothing from the global one
        )

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self._order)

    @property
    def pictures(self) -> int:
        """Pictures an epoch."""
        return len(self.indices)

    def epoch(self, number: int = 0) -> Iterator[Batch]:
        """The batches of an epoch.

        Raises:
            DataError: a picture cannot be read; the message names it.
        """
        self._order.epoch = number
        for batch in self._loader:
            if isinstance(batch, ZooError):
                raise batch
            yield batch

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch()


class _Order:
    """Lists of indices, one a batch; set `epoch` before iterating."""

    def __init__(
        self, indices: tuple[int, ...], size: int, seed: int, shuffle: bool, join_single: bool
    ) -> None:
        self.indices, self.size, self.seed, self.shuffle = indices, size, seed, shuffle
        self.joined = join_single and size > 1 and len(indices) > size and len(indices) % size == 1
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.indices) // self.size) - self.joined

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self.indices)
        if self.shuffle:
            places = torch.randperm(len(order), generator=generator("order", self.seed, self.epoch)).tolist()
            order = [self.indices[i] for i in places]
        last = len(self) - 1
        for i in range(last + 1):
            yield order[i * self.size : None if i == last else (i + 1) * self.size]


class _Prepared(TorchDataset[Item]):
    """Samples as the model takes them. Errors are values here: torch's workers garble what is raised."""

    def __init__(self, dataset: Dataset, spec: InputSpec) -> None:
        self.dataset, self.spec = dataset, spec

    def __getitem__(self, index: int) -> Item:
        try:
            sample = self.dataset[index]
            image = prepare(sample.picture, self.spec, self.dataset.name(index))
        except ZooError as error:
            return error
        return {"image": image, "target": sample.target, "index": index}


def _collate(items: list[Item]) -> Batch | ZooError:
    good = []
    for item in items:
        if isinstance(item, ZooError):
            return item
        good.append(item)
    batch = {"image": torch.stack([item["image"] for item in good])}
    targets = [item["target"] for item in good]
    if targets[0] is not None:
        try:
            batch["target"] = _targets(targets)
        except (TypeError, ValueError) as error:
            return DataError("targets", expected="numbers, or rows of one length", got=str(error))
    batch["index"] = torch.tensor([item["index"] for item in good])
    return batch


def _targets(values: list[Any]) -> Tensor:
    """Class indices as int64, everything else as float32."""
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    return torch.tensor(values, dtype=torch.int64 if whole else torch.float32)
