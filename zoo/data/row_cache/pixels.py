"""Pixels of images and of their masks as a model takes them, in their own depth, kept on disk by image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.data.label_mapping import numbers_of
from zoo.data.row_cache.kept import KeptRows
from zoo.data.row_cache.segments import Layout
from zoo.data.row_cache.store import RowStore, Writer
from zoo.images.libraries import pixel_libraries
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.registry.environment import processes
from zoo.registry.plugins.installed import CORE
from zoo.spec.errors import SaveError, warn
from zoo.spec.inputs import InputSpec

FORMAT = 2
_SIDES = 2
_READING = ("channels", "size", "interpolation", "decode", "value_range", "crop", "pages")
"""What of an input spec decides the pixels; the rest normalises them."""


class Kept(NamedTuple):
    """Pixels, masks and sizes of N images: all that is kept of them.

    Args:
        images: N x C x H x W.
        masks: N x H x W class numbers; None where there are none.
        sizes: height and width of each source.
    """

    images: Tensor
    masks: Tensor | None
    sizes: list[tuple[int, int]]


class PixelCache(KeptRows):
    """Rows of pixels, one an image of a data set; each is what reading the files would give, to the last bit.

    All that a row holds lies in it as bytes: pixels, class numbers of the mask, height and width of the
    source. The key is a digest of all that decides them: the contents of the files, how they are read, and
    the versions of everything that decodes and resizes.

    Args:
        dataset: with a fingerprint, each of whose images gets the size of the spec.
        spec: of the model.
        home: folder of all keys' folders.
        dtype: of the pixels: uint8, or float32 where the images have more depth or are read exactly.
        plugins: versions of the distributions that the data set's code is in.
        task: of the model, which says what values of masks count.
    """

    def __init__(
        self,
        dataset: Dataset,
        spec: InputSpec,
        home: Path,
        dtype: torch.dtype,
        plugins: dict[str, str],
        *,
        task: Task | None = None,
    ) -> None:
        self.dataset, self.dtype, self.targets = dataset, dtype, dataset.targets
        height, width = spec.size
        masks = [(height, width)] if dataset.masks else []
        facts = {
            "format": FORMAT,
            # Torch resizes bytes by other instructions on other processors
            "processor": torch.backends.cpu.get_cpu_capability(),
            "reading": {name: value for name in _READING if (value := getattr(spec, name)) is not None},
            "dtype": str(dtype),
        }
        shape = (spec.channels, height, width * dtype.itemsize)
        layout = Layout((shape, *masks, (_SIDES * torch.int32.itemsize,)), torch.uint8)
        super().__init__(RowStore(home, key_of(dataset, plugins, task, facts), layout, len(dataset)))
        self._writer: Writer | None = None
        self._told = False

    def read(self, indices: Sequence[int]) -> tuple[Kept, list[int]]:
        """Images by number.

        Returns:
            What is kept of them, and the places 0..N-1 of rows that are not there or damaged: their values
            mean nothing.
        """
        (images, *masks, sides), lost = self._store.read(indices)
        if lost and not self._told:
            self._told = True
            warn(f"pixels in {self.folder} are damaged or gone, and their files are read again")
        sizes = [(int(height), int(width)) for height, width in sides.view(torch.int32)]
        return Kept(images.view(self.dtype), masks[0] if masks else None, sizes), lost

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Keeps what `add` is given while inside, unless another run does so or the disk says no.

        Processes of one run fill it together: each adds the images that it reads.
        """
        try:
            with self._store.filling(None, together=processes()) as alone:
                if not alone:
                    yield
                    return
                with self._store.writing() as writer:
                    self._writer = writer
                    try:
                        yield
                    finally:
                        self._writer = None
        except SaveError as error:
            # Rows that were written before are kept; all others are read as if there were no cache
            warn(f"pixels are not kept: {error}")

    def add(self, index: Sequence[int], read: Kept) -> None:
        """Keeps images that were read; files that have changed since their digest was computed are left out.

        Args:
            index: their numbers.
            read: of as many images, as they were read.
        """
        if self._writer is None or read.images.dtype != self.dtype:
            return
        kept = [i for i, number in enumerate(index) if self.dataset.unchanged(number)]
        sides = torch.tensor([read.sizes[i] for i in kept], dtype=torch.int32).reshape(-1, _SIDES)
        # Whoever gets the batch may change it in place; of bytes he gets other numbers
        own = read.images.clone() if self.dtype == torch.float32 else read.images
        rows = [own.view(torch.uint8), *([] if read.masks is None else [read.masks])]
        if len(kept) < len(index):
            rows = [values[kept] for values in rows]
        try:
            self._writer.add([index[i] for i in kept], [*rows, sides.view(torch.uint8)])
        except SaveError as error:
            self._writer = None
            with suppress(SaveError):
                warn(f"pixels are not kept any more: {error}")


def key_of(dataset: Dataset, plugins: dict[str, str], task: Task | None, facts: Mapping[str, Any]) -> str:
    """A name for what is kept of images: a digest of all that decides it.

    Args:
        dataset: with a fingerprint.
        plugins: versions of the distributions that its code is in.
        task: of the model, which says what values of masks count.
        facts: how images are read.
    """
    # Masks are checked for their classes before they are kept
    masks = [numbers_of(dataset), len(dataset.labels), task and task.ignored] if dataset.masks else None
    all_facts = {
        **facts,
        "versions": {"zoo": version(CORE), **pixel_libraries(), **plugins},
        "data": [type(dataset).__name__, len(dataset), dataset.fingerprint],
        "masks": masks,
    }
    text = json.dumps(all_facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
