"""Batches of a stream: as many an epoch as somebody said, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from zoo.data.batches import Prepared, Reading
from zoo.data.collating import PLACE, SIZE, as_trained_on, collate
from zoo.data.loader.transfers import arriving, pins
from zoo.data.loader.workers import check_workers, watched
from zoo.data.streams.forms import Streamed
from zoo.data.streams.samples import Coming
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, ZooError, reason
from zoo.spec.hints.spoken import argument
from zoo.spec.inputs import InputSpec


class StreamOrder:
    """The batches of an epoch, which have no order of their own.

    Args:
        steps: batches an epoch.
        size: images a batch.
    """

    def __init__(self, steps: int, size: int) -> None:
        self.steps, self.size = steps, size

    def __len__(self) -> int:
        return self.steps

    def images(self, step: int) -> int:
        """Number of images in a batch."""
        return self.size

    def repeats(self, step: int) -> list[int]:
        """Times that each image of a batch has been drawn before in the epoch."""
        return [0] * self.size


class StreamBatches:
    """Batches of a stream, as `Batches` makes them of a set; an epoch goes on where the last one ended.

    Args:
        data: the stream.
        spec: size, channels and interpolation of the images.
        labels: of the model.
        task: how targets are read and collated.
        batch_size: images a batch.
        seed: of random crops.
        crop: as `Batches` takes it.
        workers: processes that read; each has to get other images, which the stream sees to.
        device: as `Batches` takes it.

    Raises:
        OptionError: nobody said how many batches are an epoch.
    """

    def __init__(
        self,
        data: Streamed,
        spec: InputSpec,
        *,
        labels: Sequence[str],
        task: Task,
        batch_size: int,
        seed: int,
        crop: bool = False,
        workers: int = 0,
        device: torch.device | None = None,
    ) -> None:
        self.order = StreamOrder(data.counted, batch_size)
        self._workers, self._device = workers, device
        coming = Coming(data.stream, data.columns, task, labels)
        reading = Reading(crop=crop, own_size=False, places=False)
        samples = _Samples(coming, Prepared(coming, spec, reading, seed, task))
        put = partial(collate, task=task, fields={})
        check_workers(workers, samples, put)
        self._loader: DataLoader[Any] = DataLoader(
            samples, batch_size=batch_size, num_workers=workers, collate_fn=put, generator=torch.Generator(),
            pin_memory=workers > 0 and pins(device),
        )  # fmt: skip
        self._batches: Iterator[Any] | None = None
        self._first: list[torch.Tensor] = []

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch.

        Args:
            number: of the epoch, which changes nothing.
            skip: batches to leave out at its beginning: those that are left are the next of the stream.

        Raises:
            DataError: a sample cannot be read, or workers get the same images.
        """
        yield from map(as_trained_on, arriving(self._entries(skip), self._device))

    def _entries(self, skip: int) -> Iterator[Batch]:
        if self._batches is None:
            self._batches = watched(self._loader, self._workers)
        for _ in range(skip, len(self.order)):
            batch = next(self._batches)
            if isinstance(batch, ZooError):
                raise batch
            self._check_apart(batch["image"])
            yield {name: value for name, value in batch.items() if name not in (PLACE, SIZE)}

    def _check_apart(self, images: torch.Tensor) -> None:
        """Raises DataError where the first batches of two workers, which come in turn, are the same."""
        if len(self._first) >= self._workers or self._workers == 1:
            return
        if any(torch.equal(images, one) for one in self._first):
            hint = (
                "split it by torch.utils.data.get_worker_info() in its __iter__, or "
                f"{argument('workers', 0)} reads it in this process"
            )
            raise DataError(
                f"{argument('workers', self._workers)}: the stream", expected="other images for each worker",
                got="the same for two of them", hint=hint,
            )  # fmt: skip
        self._first.append(images)


class _Samples(IterableDataset[Any]):
    """Samples of a stream as the model takes them, without an end. Errors are values, as in `Prepared`."""

    def __init__(self, coming: Coming, prepared: Prepared) -> None:
        self.coming, self.prepared = coming, prepared

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        number, apart = (info.id, info.num_workers) if info is not None else (0, 1)
        turn = 0
        while True:
            if hasattr(self.coming.stream, "set_epoch"):
                self.coming.stream.set_epoch(turn)
            before = number
            try:
                for raw in self.coming.stream:
                    self.coming.raw = raw
                    yield self.prepared[0, number]
                    number += apart
            except Exception as error:  # of the stream's own code
                where, got = self.coming.where, f"{type(error).__name__}: {reason(error)}"
                yield DataError(where, expected="the next sample", got=got)
                return
            if number == before:
                hint = "take fewer workers than it has parts" if apart > 1 else None
                yield DataError(self.coming.where, expected="samples", got="none", hint=hint)
                return
            turn += 1
