"""Images and masks as they are in their files, kept on disk by image, for crops drawn anew each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from zoo.data.loader.ranged import Ranged
from zoo.data.reading import in_threads
from zoo.data.row_cache.kept import KeptRows
from zoo.data.row_cache.pixels import key_of
from zoo.data.row_cache.segments import Layout
from zoo.data.row_cache.store import RowStore, Writer
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Task
from zoo.registry.environment import processes

FORMAT = 1
AT_ONCE = 8
"""Images that are decoded in threads and then written."""

_KINDS = (np.dtype(np.uint8), np.dtype(np.float32))
_FACTS = 4
"""Height, width, channels and number of the type."""


class WholeImages(KeptRows):
    """Rows of decoded images, one an image of a data set, each as long as the largest may be.

    They are computed before the first epoch, in threads, and read by whoever cuts a part out of them. What is
    larger than a row, has changed, or lies damaged is decoded anew each time.

    Args:
        dataset: with a fingerprint; `Ranged` for a model with a range.
        home: folder of all keys' folders.
        plugins: versions of the distributions that the data set's code is in.
        most: bytes of the largest image, and of the largest mask; 0 where there are none.
        task: of the model, which says what values of masks count.
    """

    def __init__(
        self,
        dataset: Dataset,
        home: Path,
        plugins: dict[str, str],
        most: tuple[int, int],
        *,
        task: Task | None = None,
    ) -> None:
        self.dataset, self.targets = dataset, dataset.targets
        scaled = dataset.values if isinstance(dataset, Ranged) else None
        facts = {"format": ["whole", FORMAT], "rows": most, "range": scaled}
        masks = [(most[1],)] if dataset.masks else []
        layout = Layout(((most[0],), *masks, (_FACTS * torch.int32.itemsize,)), torch.uint8)
        super().__init__(RowStore(home, key_of(dataset, plugins, task, facts), layout, len(dataset)))
        self._most = most
        self._lacking = set(range(len(dataset)))

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Images without a row; those that have one are from now on read from it."""
        indices = list(indices)
        found = super().missing(indices)
        self._lacking = {*self._lacking.difference(indices), *found}
        return found

    def fill(self, indices: Sequence[int], step: Callable[[], None] = lambda: None) -> None:
        """Decodes images and keeps them, unless another run does so; of several processes each its share.

        Args:
            indices: of the images, the same in all processes.
            step: called behind each few of them.

        Raises:
            SaveError: the disk says no. Rows that were written before are kept.
            DataError: an image cannot be read.
        """
        process, count = processes()
        own = [i for i in indices[process::count] if i in self._lacking]
        with self._store.filling(None, together=(process, count)) as alone:
            if not alone:
                return
            with self._store.writing() as writer:
                for start in range(0, len(own), AT_ONCE):
                    some = own[start : start + AT_ONCE]
                    samples = in_threads(self.dataset.__getitem__, some, "")
                    for index, sample in zip(some, samples, strict=True):
                        self._add(writer, index, sample)
                    step()

    def _add(self, writer: Writer, index: int, sample: Sample) -> None:
        image = np.ascontiguousarray(sample.image)
        if image.nbytes > self._most[0] or image.dtype not in _KINDS or not self.dataset.unchanged(index):
            return
        facts = np.array([*image.shape, _KINDS.index(image.dtype)], np.int32)
        rows = [_row(image, self._most[0])]
        if sample.mask is not None:
            rows.append(_row(np.ascontiguousarray(sample.mask), self._most[1]))
        writer.add([index], [*rows, _row(facts, facts.nbytes)])

    def sample(self, index: int) -> Sample | None:
        """The sample of a number as the data set gives it; None where it is not kept, or damaged."""
        if index in self._lacking:
            return None
        rows, lost = self._store.read([index])
        if lost:
            return None
        # Each row alone is in memory of its own, which begins where any number may
        image, *masks, facts = (values[0].numpy() for values in rows)
        height, width, channels, kind = facts.view(np.int32).tolist()
        shape, dtype = (height, width, channels), _KINDS[kind]
        pixels = image[: height * width * channels * dtype.itemsize].view(dtype).reshape(shape)
        mask = masks[0][: height * width].reshape(height, width) if masks else None
        return Sample(pixels, self.targets[index], mask)


def _row(values: npt.NDArray[Any], length: int) -> torch.Tensor:
    """1 x bytes of an array, filled up with zeros."""
    row = np.zeros((1, length), np.uint8)
    row[0, : values.nbytes] = values.reshape(-1).view(np.uint8)
    return torch.from_numpy(row)
