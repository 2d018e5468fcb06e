"""Workers that zoo chooses: where images are files and the first batches say that more processes pay."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from zoo.data.batch_order import Order
from zoo.data.loader.workers import check_workers, watched
from zoo.registry.environment import processes, whole
from zoo.spec.disk.machine import processors, shared_memory
from zoo.spec.disk.systems import begins_anew
from zoo.spec.display import counted
from zoo.spec.errors import DataError, ZooError, warn
from zoo.spec.hints.spoken import argument

FEWEST = 64
"""Images to read, of which fewer are read in one process without a look at their time."""

_LEAST_GAIN, _LEAST_GAIN_ANEW = 2.0, 20.0
"""Seconds that workers have to spare, forked and begun anew, which import all once more."""

_MOST, _MOST_BESIDE_CARD = 8, 16

_MEASURED = 2
"""Batches whose time is taken: the first one also loads libraries, and wakes a disk."""

_SOURCES, _AHEAD = 2, 3
"""Sources that may have workers at once, for training and validation, and the batches of one worker that are
in shared memory: two that it has read ahead, and one that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts of a source of batches and of the machine, by which workers are chosen.

    Args:
        images: that this process still has to read from files.
        seconds: that one of them takes.
        batches: of an epoch; each is read by one worker.
        batch_bytes: size of one.
        processors: for this process.
        card: whether something else than a processor computes.
        anew: whether workers are begun anew, and no forks.
        room: bytes of shared memory that are free; None where no limit is known.
    """

    images: int
    seconds: float
    batches: int
    batch_bytes: int
    processors: int
    card: bool = False
    anew: bool = False
    room: int | None = None


def workers_for(facts: Facts) -> int:
    """Number of workers that pay; 0 where reading in one process is as good.

    Args:
        facts: of the source and the machine.

    Example:
        >>> usual = {"images": 8000, "seconds": 0.004, "batches": 250, "batch_bytes": 2**22}
        >>> workers_for(Facts(**usual, processors=4)), workers_for(Facts(**usual, processors=4, card=True))
        (3, 4)
    """
    gain = facts.images * facts.seconds * (1 - 1 / facts.processors)
    if facts.images < FEWEST or gain <= (_LEAST_GAIN_ANEW if facts.anew else _LEAST_GAIN):
        return 0
    if facts.batches < 2:  # while the only one is read nothing else goes on
        return 0
    # Without a card one processor trains
    most = min(facts.processors, _MOST_BESIDE_CARD) if facts.card else min(facts.processors - 1, _MOST)
    if facts.room is not None:
        most = min(most, facts.room // 2 // (_SOURCES * _AHEAD * max(facts.batch_bytes, 1)))
    return min(most, facts.batches)


class ChosenWorkers:
    """The choice of a run's workers: each source of its batches begins some where that pays.

    Args:
        passes: epochs that are to come.
        tell: says a line.
    """

    def __init__(self, passes: int, tell: Callable[[str], None]) -> None:
        self.passes, self._tell = passes, tell
        self.most, self.failed = 0, False

    def begun(self, workers: int) -> None:
        """Notes that workers of a source read; of the first ones it is told."""
        if not self.most:
            how = f"since reading takes long; {argument('workers', 0)} reads in this one"
            self._tell(f"reads images in {counted(workers, 'process', 'processes')} beside this one, {how}")
        self.most = max(self.most, workers)

    def lost(self, error: DataError) -> None:
        """Notes that workers could not begin, or have died: the run goes on without them, and begins none."""
        self.failed = True
        warn(f"images are read in this process from here on, as more could not be had: {error}")


class ChosenReading:
    """Batches read in this process, and by workers from where these pay; the same ones in the same order.

    Args:
        chosen: of the run.
        make: a loader with so many workers.
        order: of the batches, from which loaders begin at its `skip`.
        sent: what workers are sent.
        passes: that are to come.
        files: whether images are files: who forks what else is open may read garbage.
        card: whether something else than a processor computes.
    """

    def __init__(
        self,
        chosen: ChosenWorkers,
        make: Callable[[int], Any],
        order: Order,
        sent: tuple[object, ...],
        *,
        passes: int,
        files: bool,
        card: bool,
    ) -> None:
        self._chosen, self._make, self._order, self._sent = chosen, make, order, sent
        self._passes, self._files, self._card = passes, files, card
        self._images = len(order.indices) // order.parts
        self._plain, self._helped = make(0), None
        self._seconds: list[float] = []
        self._workers: int | None = None  # not chosen yet

    def epoch(self) -> Iterator[Any]:
        """The batches of an epoch, from the order's `skip` on."""
        self._at = self._order.skip
        self._passes = max(self._passes - 1, 0)
        if self._workers is None and self._may_pay():
            yield from self._measured()
        if self._workers and not self._chosen.failed and self._at < len(self._order):
            try:
                yield from self._by_workers(self._workers)
            except DataError as error:
                self._chosen.lost(error)
        if self._chosen.failed or not self._passes:
            self._workers = self._helped = None  # they end with it
        if self._at < len(self._order):
            yield from self._rest(self._plain, 0)

    def _may_pay(self) -> bool:
        """Whether it is worth a look, and workers may begin at all."""
        inside = multiprocessing.current_process().daemon  # a worker may have no workers
        return self._files and not inside and not self._chosen.failed and self._left() >= FEWEST

    def _left(self) -> int:
        """Images that are still to be read."""
        share = 1 - self._at / len(self._order)
        return round(self._images * (share + self._passes))

    def _rest(self, loader: Any, workers: int) -> Iterator[Any]:
        """The batches that have not been given yet."""
        self._order.skip = self._at
        for batch in watched(loader, workers):
            self._at += 1
            yield batch

    def _measured(self) -> Iterator[Any]:
        """Batches that are read anyway, until their time has said how many workers pay."""
        batches = self._rest(self._plain, 0)
        while self._workers is None:
            started = time.perf_counter()
            if (batch := next(batches, None)) is None:
                return
            if isinstance(batch, dict):  # no error
                self._seconds.append((time.perf_counter() - started) / len(batch["index"]))
                if len(self._seconds) >= _MEASURED:
                    self._workers = self._choice(batch)
            yield batch

    def _choice(self, batch: dict[str, Any]) -> int:
        """The number of workers, which could begin here."""
        beside = whole("LOCAL_WORLD_SIZE", processes()[1], "the number of processes on a machine", least=1)
        room = shared_memory()
        workers = workers_for(
            Facts(
                images=self._left(),
                seconds=min(self._seconds),
                batches=len(self._order),
                batch_bytes=sum(v.nbytes for v in batch.values() if isinstance(v, Tensor)),
                processors=max(processors() // beside, 1),
                card=self._card,
                anew=begins_anew(),
                room=None if room is None else room // beside,
            )
        )
        try:
            check_workers(workers, *self._sent)
        except ZooError:  # a notebook, say: who asked for none is told nothing
            return 0
        return workers

    def _by_workers(self, workers: int) -> Iterator[Any]:
        if self._helped is None:
            self._helped = self._make(workers)
        for batch in self._rest(self._helped, workers):
            self._chosen.begun(workers)
            yield batch
