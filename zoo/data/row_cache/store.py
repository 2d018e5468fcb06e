"""Rows of tensors by image, on disk: filled by one process at a time, read by many, each row checked."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zoo.data.row_cache.leases import lease, touch
from zoo.data.row_cache.segments import Array, Handles, Layout, Segment, opened, write
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.disk.leftovers import OLD_PART, sweep_parts
from zoo.spec.disk.locks import ENDING, Lock, take
from zoo.spec.errors import listing, warn

SEGMENT_BYTES = 64_000_000
SEGMENT_SECONDS = 10.0
"""A segment is closed at so many bytes, or after so long: a killed process loses no more."""

PATIENCE, _POLL = 90.0, 1.0
"""Seconds without a new segment after which whoever fills is not waited for, and between two looks."""

_SEGMENT = re.compile(r"(\d{6})-[0-9a-f]{8}\.safetensors")
_NOWHERE = -1


class RowStore:
    """Rows by image in a folder of their own for each key.

    Nothing is read or written before it is asked. From then on the folder is held by a lease for as long as
    the store lives, if the disk knows locks. A copy in a forked or spawned worker reads as well.

    Args:
        home: folder of all keys' folders.
        key: says all that decides the rows; a file name.
        layout: of a row.
        count: number of images.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     store = RowStore(Path(home) / "rows", "key", Layout(((2,),), torch.float32), count=5)
        ...     with store.writing() as writer:
        ...         writer.add([3, 1], [torch.tensor([[3.0, 3.5], [1.0, 1.5]])])
        ...     (rows,), lost = store.read([1, 3])
        ...     missing, rows = store.missing(range(5)), rows.tolist()
        ...     store.close()
        >>> rows, lost, missing
        ([[1.0, 1.5], [3.0, 3.5]], [], [0, 2, 4])
    """

    def __init__(self, home: Path, key: str, layout: Layout, count: int) -> None:
        self.folder, self.key, self.layout, self.count = home / key, key, layout, count
        self._files = Handles()
        self._segments: list[Segment] = []
        # For each image the number of its segment, and its row there
        self._segment, self._row = np.full(count, _NOWHERE), np.zeros(count, dtype=np.int64)
        self._known = False
        self._lease: Path | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # Open files and the lease stay with their process
        return RowStore, (self.folder.parent, self.key, self.layout, self.count)

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Images without a row, as the folder is now."""
        self._look()
        return [i for i in indices if self._segment[i] == _NOWHERE]

    def read(self, indices: Sequence[int]) -> tuple[list[Tensor], list[int]]:
        """Rows by image, in memory: a tensor of N rows for each output.

        Args:
            indices: of N images.

        Returns:
            The tensors, and the places 0..N-1 of rows that are not there or damaged: their values mean
            nothing.
        """
        if not self._known:
            self._look()
        dtype = self.layout.dtype
        # Made by torch, so that a row begins at the same place within a line at every run
        found = [torch.empty(len(indices), *shape, dtype=dtype) for shape in self.layout.shapes]
        outputs = [_bytes(values) for values in found]
        lost = self._read(indices, outputs, range(len(indices)))
        if lost:
            # Another process may have written them anew
            self._look()
            lost = self._read(indices, outputs, lost)
        return found, lost

    def _read(self, indices: Sequence[int], outputs: Sequence[Array], places: Iterable[int]) -> list[int]:
        lost = []
        for place in places:
            number = self._segment[indices[place]]
            into = [values[place] for values in outputs]
            if number == _NOWHERE or not self._segments[number].read(
                self._row[indices[place]], into, self._files
            ):
                lost.append(place)
        return lost

    @contextmanager
    def filling(
        self, waits: Callable[[], None] | None, *, together: tuple[int, int] = (0, 1)
    ) -> Iterator[bool]:
        """Alone in filling the folder, among all processes, while inside.

        Args:
            waits: called once if another process is filling it, which is then waited for; None does not wait.
            together: number of this process, and how many fill the folder as one; the first does so for all.

        Yields:
            Whether it is so; False where another process is filling it and is not waited for.

        Raises:
            SaveError: the folder cannot be made.
        """
        self._make()
        process, count = together
        if process > 0:
            yield True
            return
        lock = self._take(waits)
        if lock is None:
            yield False
            return
        try:
            # What the others of this run are writing stays
            sweep_parts(self.folder, 0 if isinstance(lock, Lock) and count == 1 else OLD_PART)
            self._look(sweep=True)
            yield True
        finally:
            if isinstance(lock, Lock):
                lock.release()

    def _take(self, waits: Callable[[], None] | None) -> Lock | str | None:
        """The lock, or why there is none on this disk; None where another process has it."""
        path = self.folder / f"fill{ENDING}"
        try:
            lock = take(path)
            if lock is None and waits is not None:
                waits()
                return self._waited(path)
        except OSError as error:
            # Two that fill at once then do the same work twice; a disk that cannot be written says so below
            return str(error)
        return lock

    def _waited(self, path: Path) -> Lock | str:
        """The lock once it is free, or why it is no longer waited for: its holder may be stopped for good."""
        seen, until = self._listed(), time.monotonic() + PATIENCE
        while (lock := take(path, _POLL)) is None:
            if (now := self._listed()) != seen:
                seen, until = now, time.monotonic() + PATIENCE
            elif time.monotonic() > until:
                warn(
                    f"the process that fills {self.folder} has written nothing for {PATIENCE:.0f} s; what it "
                    "does is done beside it now"
                )
                return "another process, which stands still"
        return lock

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Takes new rows; those that it got are on the disk at the end, whatever ends it.

        Raises:
            SaveError: the disk says no. What was written before stays.
        """
        self._make()
        writer = Writer(self)
        try:
            yield writer
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell
                writer.flush()
            raise
        writer.flush()

    def write(self, index: Sequence[int], rows: Sequence[Sequence[Array]]) -> None:
        """Writes one segment; see `Writer`."""
        numbers = [int(found[1]) for path in self._listed() if (found := _SEGMENT.fullmatch(path.name))]
        # A number says which row of an image is the newest; two that fill at once, on a disk without locks,
        # have names of their own
        name = f"{max(numbers, default=0) + 1:06d}-{uuid.uuid4().hex[:8]}.safetensors"
        with write_errors(f"rows in {self.folder}"):
            write(self.folder / name, self.layout, self.key, index, rows)

    def close(self) -> None:
        """Closes the files that were opened for reading; they are opened again when asked."""
        self._files.close()

    def _make(self) -> None:
        with write_errors(f"rows in {self.folder}"):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._hold()

    def _hold(self) -> None:
        # Somebody may have removed the folder
        if self._lease is None or not self._lease.exists():
            # A folder that cannot be written is read all the same, if it is there
            with suppress(OSError):
                self._lease = lease(self, self.folder)
        touch(self.folder)

    def _listed(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if _SEGMENT.fullmatch(path.name))
        except OSError:
            return []

    def _look(self, *, sweep: bool = False) -> None:
        """Looks which rows are there.

        Args:
            sweep: whether files go of which no row is any use; nobody else may be writing.
        """
        self._hold()
        self._files.close()
        self._segments, useless = [], set[Path]()
        for path in self._listed():
            with suppress(OSError):  # perhaps another time
                if (segment := opened(path, self.layout, self.key, self.count)) is None:
                    useless.add(path)
                else:
                    self._segments.append(segment)
        self._segment.fill(_NOWHERE)
        # In the order of their numbers: what was computed anew stands in a later one
        for number, segment in enumerate(self._segments):
            self._segment[segment.index] = number
            self._row[segment.index] = np.arange(len(segment.index))
        self._known = True
        if sweep:
            # Files are put in place whole: something else has spoilt these
            spoilt = sorted(useless | {segment.path for segment in self._segments if not len(segment.index)})
            if spoilt:
                warn(f"damaged, so that all its rows are made anew: {listing(map(str, spoilt), 3)}")
            used = {*self._segment.tolist()}
            useless |= {segment.path for i, segment in enumerate(self._segments) if i not in used}
            for path in useless:
                with suppress(OSError):
                    path.unlink()


class Writer:
    """Rows on their way to the disk; see `RowStore.writing`.

    Args:
        store: that gets them.
    """

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._index: list[int] = []
        self._rows: list[list[Array]] = []
        self._since = time.monotonic()

    def add(self, index: Sequence[int], outputs: Sequence[Tensor]) -> None:
        """Takes rows.

        Args:
            index: images, one a row.
            outputs: tensors of as many rows, of the store's shapes and type.

        Raises:
            SaveError: the disk says no.
        """
        arrays = [_bytes(values.cpu().contiguous()) for values in outputs]
        self._index += index
        self._rows += [[values[row] for values in arrays] for row in range(len(index))]
        size = len(self._rows) * self._store.layout.row_bytes
        if size >= SEGMENT_BYTES or time.monotonic() - self._since >= SEGMENT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what there is.

        Raises:
            SaveError: the disk says no.
        """
        index, rows = self._index, self._rows
        self._index, self._rows = [], []
        if index:
            self._store.write(index, rows)
        self._since = time.monotonic()


def _bytes(values: Tensor) -> Array:
    """The memory of a tensor of N rows, N x bytes."""
    rows = values.flatten(1) if values.ndim > 1 else values[:, None]
    return rows.numpy().view(np.uint8)
