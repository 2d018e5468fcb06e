"""Batches: images decoded and resized by workers, in an order that follows from (seed, epoch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from zoo.data.batch_order import Order
from zoo.data.collating import MASK, PLACE, SIZE, Item, as_trained_on, collate
from zoo.data.loader.chosen_workers import ChosenReading, ChosenWorkers
from zoo.data.loader.ranged import ranged
from zoo.data.loader.torch_loader import Place, loader_of
from zoo.data.loader.transfers import arriving
from zoo.data.loader.workers import check_workers, watched
from zoo.data.masks import check_mask, cropped, prepare_mask
from zoo.data.row_cache.pixels import Kept, PixelCache
from zoo.data.row_cache.whole import WholeImages
from zoo.data.view import source_of
from zoo.images.framing import covered, framing
from zoo.images.prepare import pixels
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import generator
from zoo.interfaces.geometry.places import SpatialTensor, resizing
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.errors import DataError, ZooError
from zoo.spec.inputs import EXACT, InputSpec

_CPU = torch.device("cpu")


class Batches:
    """Batches of a part of a data set: `image` N x C x H x W float32 in [0, 1], `target`, `index`,
    `mask` N x H x W class indices where there are masks, and the fields of the data by their names.

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
        workers: processes that read; 0 reads in this one, and chosen ones begin where they pay.
        passes: over the images that are to come, where workers are chosen; by default as many as the run has.
        pixels: keeps what was read, and gives it from then on, with neither `crop` nor `own_size`; or has
            whole images, which are then not decoded.
        device: that computes: to a card of CUDA batches are sent, as bytes, while it works at others.
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
        workers: int | ChosenWorkers = 0,
        passes: int | None = None,
        pixels: PixelCache | WholeImages | None = None,
        device: torch.device | None = None,
        **order: Any,
    ) -> None:
        order |= {"batch_size": 1} if own_size else {}
        self.dataset, self.order = dataset, Order(indices, **order)
        whole = pixels if isinstance(pixels, WholeImages) else None
        self._pixels = None if isinstance(pixels, WholeImages) else pixels
        self._places, self._device = places, device
        self._prepared = prepared = Prepared(
            dataset,
            spec,
            Reading(crop=crop and not own_size, own_size=own_size, places=places or self._pixels is not None),
            # Without a seed, crops are taken from the middle
            self.order.seed if self.order.shuffle else None,
            chosen := task or dataset.task or Task(),
            whole=whole,
        )
        self._collate = put = partial(collate, task=chosen, fields=dict(dataset.fields))
        make = partial(loader_of, prepared, self.order, put, device)
        if isinstance(workers, ChosenWorkers):
            again = 1 if self._pixels is not None else passes or workers.passes
            self._read: Callable[[], Iterator[Batch | ZooError]] = ChosenReading(
                workers, make, self.order, (prepared, put), passes=again,
                files=source_of(dataset).files is not None, card=(device or _CPU).type != "cpu",
            ).epoch  # fmt: skip
        else:
            check_workers(workers, prepared, put)
            self._read = partial(watched, make(workers), workers)

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
        images = [name for name, kind in self.dataset.fields.items() if isinstance(kind, InputSpec)]
        # Bytes until here: a quarter of what workers send, and of what goes to a card
        for batch in arriving(self._entries(), self._device):
            yield as_trained_on(batch, images)

    def _entries(self) -> Iterator[Batch]:
        kept = self._pixels
        read = self._read if kept is None else self._kept if self._is_full(kept) else self._keeping
        for batch in read():
            if isinstance(batch, ZooError):
                raise batch
            yield batch if self._places else {k: v for k, v in batch.items() if k not in (PLACE, SIZE)}

    def _is_full(self, kept: PixelCache) -> bool:
        return not kept.missing(self.order.indices)

    def _keeping(self) -> Iterator[Batch | ZooError]:
        """Batches that are read, and kept on the way."""
        assert self._pixels is not None  # noqa: S101 - as `epoch` has looked
        with self._pixels.filling():
            for batch in self._read():
                if not isinstance(batch, ZooError):
                    sizes = [(int(height), int(width)) for height, width in batch[SIZE]]
                    read = Kept(batch["image"], batch.get(MASK), sizes)
                    self._pixels.add(batch["index"].tolist(), read)
                yield batch

    def _kept(self) -> Iterator[Batch | ZooError]:
        """Batches of kept pixels; workers would read them no faster."""
        assert self._pixels is not None  # noqa: S101 - as `epoch` has looked
        for indices in self.order:
            kept, lost = self._pixels.read(indices)
            items: list[Item] = []
            for place, index in enumerate(indices):
                if place in lost:
                    item = self._prepared[self.order.epoch, index]
                else:
                    item = self._prepared.item(
                        index, kept.images[place], kept.sizes[place], self._pixels.targets[index]
                    )
                    if kept.masks is not None and not isinstance(item, ZooError):
                        item[MASK] = kept.masks[place]
                items.append(item)
            yield self._collate(items, images=None if lost else kept.images)

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reading of images at the size of a batch; see `Batches`."""

    crop: bool
    own_size: bool
    places: bool


class Prepared(TorchDataset[Item]):
    """Samples as the model takes them. Errors are values here: torch's workers garble what is raised.

    Args:
        dataset: where they come from.
        spec: size, channels and interpolation of the images.
        reading: how they are brought to it.
        seed: of random crops; None takes crops from the middle.
        task: how targets are read.
        whole: images that were decoded before; those that it lacks are decoded.
    """

    def __init__(
        self,
        dataset: Dataset,
        spec: InputSpec,
        reading: Reading,
        seed: int | None,
        task: Task,
        *,
        whole: WholeImages | None = None,
    ) -> None:
        self.whole = whole
        self.dataset, self.spec, self.reading, self.seed, self.task = dataset, spec, reading, seed, task
        self._read = ranged(dataset, spec.reading)

    def __getitem__(self, place: Place) -> Item:
        epoch, index = place
        try:
            sample, where = self._sample(index), self.dataset.name(index)
            if sample.mask is not None:
                ignored = IGNORED if self.task.ignored is None else self.task.ignored
                check_mask(sample.mask, sample.image, where, len(self.dataset.labels) or None, ignored)
            # Height and width, from H x W x C
            own = sample.size or (sample.image.shape[0], sample.image.shape[1])
            if self.reading.crop:
                draw = None if self.seed is None else generator("place", self.seed, epoch, index)
                image, mask, matrix = cropped(sample.image, sample.mask, self.spec, draw, where)
            else:
                spec = self.spec.with_size(own) if self.reading.own_size else self.spec
                image = pixels(sample.image, spec, where, own)
                mask = None if sample.mask is None else prepare_mask(sample.mask, spec.size)
                matrix = _framed(own, spec)
            item = self._item(index, image, own, matrix, sample.target)
            item |= {name: self._field(name, value, where) for name, value in sample.fields.items()}
        except ZooError as error:
            return error
        return item if mask is None else {**item, MASK: mask}

    def _field(self, name: str, value: Any, where: str) -> Any:
        """A field as it is collated: an image prepared by its own spec, a target as it is."""
        kind = self.dataset.fields[name]
        return pixels(value, kind, f"{name} of {where}") if isinstance(kind, InputSpec) else value

    def item(self, index: int, image: Tensor, own: tuple[int, int], target: Any) -> Item:
        """The entries of an image that was read before.

        Args:
            index: its number.
            image: C x H x W, as it was read.
            own: height and width of the source.
            target: as the data set has it.
        """
        try:
            return self._item(index, image, own, _framed(own, self.spec), target)
        except ZooError as error:
            return error

    def _item(
        self, index: int, image: Tensor, own: tuple[int, int], matrix: Tensor, target: Any
    ) -> dict[str, Any]:
        if self.task.spatial and target is not None:
            rows = self._rows(target, self.dataset.name(index))
            # 1 x 3 x 3: places move as the pixels did
            target = rows.warped(matrix[None], own, (image.shape[1], image.shape[2]))
        item = {"image": image, "target": target, "index": index}
        return item | ({PLACE: matrix, SIZE: torch.tensor(own)} if self.reading.places else {})

    def _sample(self, index: int) -> Sample:
        """A sample, read at a reduced scale where each image gets the size of the spec anyway."""
        spec, reading = self.spec, self.reading
        if self.whole is not None and (kept := self.whole.sample(index)) is not None:
            return kept
        # Of the pixels that `nearest` takes there are none at another scale
        whole = reading.crop or reading.own_size or spec.decode == EXACT or spec.interpolation == "nearest"
        return self._read[index] if whole else self._read.reduced(index, covered(spec))

    def _rows(self, target: Any, where: str) -> SpatialTensor:
        """One target as a tensor of one row."""
        try:
            rows = self.task.collate([target])
        except (TypeError, ValueError) as error:
            raise DataError(f"target of {where}", expected="numbers", got=str(error)) from error
        assert isinstance(rows, SpatialTensor)  # noqa: S101 - as a task promises by `spatial`
        return rows


def _framed(own: tuple[int, int], spec: InputSpec) -> Tensor:
    """The matrix from an image as a model takes it to its source; see `resizing`."""
    to, corner = framing(own, spec)
    return resizing(own, to, (corner, spec.size))
