"""Segments of a row cache: safetensors files of rows, each row with its checksum, written once.

Beside the rows lie the tensors `index`, of which image each row is, and `crc32`, its checksum over all
outputs. The header has a checksum of those two. So whatever happens to a file, a row is read as it was
written or not at all.
"""

from __future__ import annotations

import json
import math
import sys
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from zoo.spec.disk.atomic_write import atomic_write
from zoo.spec.disk.reading import check_regular, parse_json
from zoo.spec.disk.systems import read_at

Array = npt.NDArray[Any]

_FORMAT = "zoo rows 1"
_MOST_HEADER = 1 << 20
_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.uint8: "U8"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of a row: the shapes of its tensors, one an output, and the type of their numbers.

    Args:
        shapes: of each output, without the batch.
        dtype: float32, float16 or uint8.

    Example:
        >>> Layout(((64, 8, 8), (10,)), torch.float32).row_bytes
        16424
    """

    shapes: tuple[tuple[int, ...], ...]
    dtype: torch.dtype

    @property
    def sizes(self) -> list[int]:
        """Bytes of each output of a row."""
        return [math.prod(shape) * self.dtype.itemsize for shape in self.shapes]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return sum(self.sizes)

    def header(self, rows: int, key: str, checksum: int) -> dict[str, Any]:
        """The header of a segment.

        Args:
            rows: their number.
            key: of the cache.
            checksum: of the tensors `index` and `crc32`.
        """
        tensors = [("index", "I64", [rows], 8 * rows), ("crc32", "U32", [rows], 4 * rows)]
        for i, (shape, size) in enumerate(zip(self.shapes, self.sizes, strict=True)):
            tensors.append((str(i), _TYPES[self.dtype], [rows, *shape], size * rows))
        ends = list(accumulate(size for *_, size in tensors))
        notes = {"format": _FORMAT, "order": sys.byteorder, "key": key, "crc32": f"{checksum:08x}"}
        return {"__metadata__": notes} | {
            name: {"dtype": dtype, "shape": shape, "data_offsets": [end - size, end]}
            for (name, dtype, shape, size), end in zip(tensors, ends, strict=True)
        }


def checksum(parts: Sequence[Array]) -> int:
    """CRC-32 of arrays, one after the other."""
    value = 0
    for part in parts:
        value = zlib.crc32(part.data, value)
    return value


class Handles:
    """Open files for reading, those that were used last: a cache may have more than a process may open.

    Args:
        most: number of files open at the same time.
    """

    def __init__(self, most: int = 64) -> None:
        self.most = most
        self._open = OrderedDict[Path, BinaryIO]()
        weakref.finalize(self, _close, self._open)

    def get(self, path: Path) -> BinaryIO:
        """The open file of a path.

        Raises:
            OSError: it cannot be opened, or is no regular file.
        """
        if path not in self._open:
            check_regular(path)
            # Without a buffer, which would read ahead of places that are drawn by chance
            self._open[path] = path.open("rb", buffering=0)
            if len(self._open) > self.most:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(path)
        return self._open[path]

    def close(self) -> None:
        """Closes all of them."""
        _close(self._open)


def _close(files: OrderedDict[Path, BinaryIO]) -> None:
    while files:
        files.popitem()[1].close()


class Segment:
    """One file of rows; see `opened`.

    Args:
        path: of the file.
        index: image of each row.
        sums: checksum of each row.
        starts: byte at which each output's first row begins.
        sizes: bytes of each output of a row.
    """

    def __init__(
        self, path: Path, index: Array, sums: Array, starts: Sequence[int], sizes: Sequence[int]
    ) -> None:
        self.path, self.index, self.sums, self.starts, self.sizes = path, index, sums, starts, sizes

    def read(self, row: int, outputs: Sequence[Array], files: Handles) -> bool:
        """Reads a row, which its checksum says is what was written.

        Args:
            row: its place in the segment.
            outputs: bytes to fill, of one output each.
            files: open ones.

        Returns:
            False if it is damaged, cut off or gone; what is in `outputs` is then of no use.
        """
        try:
            file = files.get(self.path)
            for output, start, size in zip(outputs, self.starts, self.sizes, strict=True):
                if not read_at(file, output, start + row * size):
                    return False
        except OSError:
            return False
        return checksum(outputs) == int(self.sums[row])


def write(
    path: Path, layout: Layout, key: str, index: Sequence[int], rows: Sequence[Sequence[Array]]
) -> None:
    """Writes a segment by ordinary writes, whole or not at all.

    Args:
        path: of the new file.
        layout: of the rows.
        key: of the cache.
        index: image of each row.
        rows: the outputs of each row, contiguous.

    Raises:
        OSError: the disk says no.
    """
    places = np.array(index, dtype=np.int64)
    sums = np.array([checksum(row) for row in rows], dtype=np.uint32)
    header = layout.header(len(index), key, checksum([places, sums]))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (
        -len(text) % 8
    )  # the format allows blanks, and numbers then begin where they may in memory
    # Not forced to the disk: what a power cut takes away its checksum tells
    with atomic_write(path, durable=False) as staged, staged.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        file.write(places.data)
        file.write(sums.data)
        for i in range(len(layout.shapes)):
            for row in rows:
                file.write(row[i].data)


def opened(path: Path, layout: Layout, key: str, count: int) -> Segment | None:
    """The segment in a file.

    Args:
        path: of the file.
        layout: that its rows must have.
        key: of the cache.
        count: number of all images; an index is below it.

    Returns:
        Without the rows that were cut off at its end; None where the file holds no such segment.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        size = check_regular(path)
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(size, _MOST_HEADER):
                return None
            header = parse_json(file.read(length).decode())
            rows = header["index"]["shape"][0]
            # Before so many are taken in
            if not isinstance(rows, int) or not 0 < 12 * rows <= size:
                return None
            index = np.frombuffer(file.read(8 * rows), dtype=np.int64)
            sums = np.frombuffer(file.read(4 * rows), dtype=np.uint32)
        if header != layout.header(rows, key, checksum([index, sums])):
            return None
        if index.min() < 0 or index.max() >= count:
            return None
        starts = [8 + length + header[str(i)]["data_offsets"][0] for i in range(len(layout.shapes))]
        there = min((size - start) // each for start, each in zip(starts, layout.sizes, strict=True))
        return Segment(path, index[: max(there, 0)], sums, starts, layout.sizes)
    return None
