"""Batches: images decoded and resized by workers, in an order that follows from (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from zoo.data.batch_order import Order
from zoo.data.masks import check_mask, cropped, prepare_mask
from zoo.data.workers import check_workers, watched
from zoo.images.prepare import prepare
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.draws import generator
from zoo.interfaces.geometry.places import SpatialTensor, resizing
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.errors import DataError, ZooError
from zoo.spec.inputs import InputSpec

PLACE, SIZE = "place", "size"
"""Entries of a batch that say where each image comes from."""

Item = dict[str, Any] | ZooError
Place = tuple[int, int]
"""Epoch and index."""


class Batches:
    """Batches of a part of a data set: `image` N x C x H x W float32 in [0, 1], `target`, `index`,
    and `mask` N x H x W class indices where there are masks.

    The same with any number of workers.

    Args:
        dataset: where the images come from.
        indices: which of them.
        spec: size, channels and interpolation of the images.
        crop: cut images of another size to that of the spec, instead of resizing them: at a random place
            where the order is shuffled, else in the middle. Only smaller ones are enlarged.
        own_size: leave each image in its own size, whatever the spec says; batches are then of one.
        task: how targets are read and collated; by default that of the data set.
        places: say of each image where it comes from, in `place` (N x 3 x 3, from the image as it is here
            to its source, see `zoo.interfaces.geometry`) and `size` (N x 2, the source's height and width).
        workers: processes that read; 0 reads in this one.
        **order: which batches in which order, see `zoo.data.batch_order.Order`.

    Raises:
        DataError: there is no image, or the data cannot be sent to workers.
        OptionError: a number is out of range, or workers cannot begin here.
    """

    def __init__(
        self,
        dataset: Dataset,
        indices: Sequence[int],
        spec: InputSpec,
        *,
        crop: bool = False,
        own_size: bool = False,
        task: Task | None = None,
        places: bool = False,
        workers: int = 0,
        **order: Any,
    ) -> None:
        order |= {"batch_size": 1} if own_size else {}
        self.dataset, self.order = dataset, Order(indices, **order)
        prepared = _Prepared(
            dataset,
            spec,
            Reading(crop=crop and not own_size, own_size=own_size, places=places),
            # Without a seed, crops are taken from the middle
            self.order.seed if self.order.shuffle else None,
            chosen := task or dataset.task or Task(),
        )
        collate = partial(_collate, task=chosen)
        check_workers(workers, prepared, collate)
        self._loader: DataLoader[Any] = DataLoader(
            prepared,
            batch_sampler=_InEpoch(self.order),
            collate_fn=collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # so that it draws nothing from the global one
        )

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self.order)

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch.

        Args:
            number: of the epoch, which decides the order.
            skip: batches to leave out at its beginning.

        Raises:
            DataError: an image cannot be read; the message names it.
        """
        self.order.epoch, self.order.skip = number, skip
        for batch in watched(self._loader, self._loader.num_workers):
            if isinstance(batch, ZooError):
                raise batch
            yield batch

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reading of images at the size of a batch; see `Batches`."""

    crop: bool
    own_size: bool
    places: bool


class _InEpoch:
    """The lists of an order, with the number of the epoch for workers, which see nothing else of it."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[list[Place]]:
        for indices in self.order:
            yield [(self.order.epoch, index) for index in indices]


class _Prepared(TorchDataset[Item]):
    """Samples as the model takes them. Errors are values here: torch's workers garble what is raised."""

    def __init__(
        self, dataset: Dataset, spec: InputSpec, reading: Reading, seed: int | None, task: Task
    ) -> None:
        self.dataset, self.spec, self.reading, self.seed, self.task = dataset, spec, reading, seed, task

    def __getitem__(self, place: Place) -> Item:
        epoch, index = place
        try:
            sample, where = self.dataset[index], self.dataset.name(index)
            if sample.mask is not None:
                ignored = IGNORED if self.task.ignored is None else self.task.ignored
                check_mask(sample.mask, sample.image, where, len(self.dataset.labels) or None, ignored)
            # Height and width, from H x W x C
            own = sample.image.shape[0], sample.image.shape[1]
            if self.reading.crop:
                draw = None if self.seed is None else generator("place", self.seed, epoch, index)
                image, mask, matrix = cropped(sample.image, sample.mask, self.spec, draw, where)
            else:
                spec = self.spec.with_size(own) if self.reading.own_size else self.spec
                image = prepare(sample.image, spec, where)
                mask = None if sample.mask is None else prepare_mask(sample.mask, spec.size)
                matrix = resizing(own, spec.size)
            target = sample.target
            if self.task.spatial and target is not None:
                rows = self._rows(target, where)
                # 1 x 3 x 3: places move as the pixels did
                target = rows.warped(matrix[None], own, (image.shape[1], image.shape[2]))
        except ZooError as error:
            return error
        item = {"image": image, "target": target, "index": index}
        item |= {PLACE: matrix, SIZE: torch.tensor(own)} if self.reading.places else {}
        return item if mask is None else {**item, "mask": mask}

    def _rows(self, target: Any, where: str) -> SpatialTensor:
        """One target as a tensor of one row."""
        try:
            rows = self.task.collate([target])
        except (TypeError, ValueError) as error:
            raise DataError(f"target of {where}", expected="numbers", got=str(error)) from error
        assert isinstance(rows, SpatialTensor)  # noqa: S101 - as a task promises by `spatial`
        return rows


def _collate(items: list[Item], task: Task) -> Batch | ZooError:
    good = []
    for item in items:
        if isinstance(item, ZooError):
            return item
        good.append(item)
    # N x C x H x W
    batch = {"image": torch.stack([item["image"] for item in good])}
    targets = [item["target"] for item in good]
    if targets[0] is not None:
        try:
            # Spatial targets were collated one by one above, as the matrix of each is its own
            batch["target"] = torch.cat(targets) if task.spatial else task.collate(targets)
        except (TypeError, ValueError, RuntimeError) as error:
            return DataError("targets", expected="numbers, or rows of one length", got=str(error))
    for name in ("mask", PLACE, SIZE):
        if name in good[0]:
            batch[name] = torch.stack([item[name] for item in good])
    batch["index"] = torch.tensor([item["index"] for item in good])
    return batch
