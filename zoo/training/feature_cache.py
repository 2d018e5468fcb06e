"""The feature cache: what a frozen prefix makes of images, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.data.batch_order import Order
from zoo.data.batches import Batches
from zoo.data.label_mapping import source_of
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.freezing_state import blocks_in, check_frozen
from zoo.interfaces.blocks.frozen_prefix import PREFIX
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.registry.cache import cache_folder
from zoo.registry.environment import number
from zoo.registry.plugins.installed import CORE
from zoo.spec.disk.atomic_write import atomic_write

FORMAT = 1
LIMIT = "ZOO_FEATURE_CACHE_GB"
"""Names the environment variable with the most that all cached features together may take."""

_USUAL_LIMIT = 20.0
_NOTE_EVERY = 10.0
"""Seconds after which rows that are written are also noted, so that a crash loses no more."""

_FILLED = "filled.npy"


class FeatureCache:
    """Rows of float32 on disk, one an image and tensor; a row is computed once for a key.

    The key is a digest of all that decides the rows: the prefix' weights, its blocks and what it returns, the
    model's component and options, the preprocessing, the data, the device's kind, and the versions of
    everything that computes. A changed key is another folder.

    Args:
        model: with a frozen prefix, in full precision.
        dataset: with a fingerprint.
        device: that the rows are computed on.
    """

    def __init__(self, model: Model, dataset: Dataset, device: torch.device) -> None:
        self.model, self.dataset, self.device = model, dataset, device
        check_frozen(model)
        self.name = " and ".join(model.prefix_outputs)
        spec = model.input_spec
        with torch.no_grad():
            one = model.run_prefix(torch.zeros(1, spec.channels, *spec.size, device=device))
        self.shapes = [tuple(t.shape[1:]) for t in one]
        key, self._versions = self._key(), self._counted()
        self.folder = cache_folder() / "features" / key
        self._blocks, self._fresh = model.prefix, True
        self._rows: list[np.memmap[Any, np.dtype[np.float32]]] | None = None

    def _key(self) -> str:
        section, source = self.model.recipe.model, source_of(self.dataset)
        facts = {
            "format": FORMAT,
            "versions": {"zoo": version(CORE), "torch": torch.__version__, **self.model.plugins},
            "component": [section.name, section.options, section.in_channels],
            "blocks": self.model.prefix,
            # Strides, eps and the like, which no tensor shows.
            "modules": [repr(block) for _, block in blocks_in(self.model) if block.frozen],
            "outputs": self.model.prefix_outputs,
            "rows": self.shapes,
            "input": self.model.input_spec.to_dict(),
            # What a model calls the classes changes no image
            "data": [type(source).__name__, len(source), source.fingerprint],
            # TF32 gives other digits than full precision.
            "device": [self.device.type, torch.get_float32_matmul_precision()],
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
        for name, tensor in self.model.prefix_tensors():
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()[:32]

    def _counted(self) -> list[int]:
        """How often each of the prefix' tensors was changed in place, which costs nothing to ask."""
        return [tensor._version for _, tensor in self.model.prefix_tensors()]

    @property
    def fresh(self) -> bool:
        """Whether the frozen blocks are still those whose outputs the rows are; once they are not, never."""
        if self._fresh and self._blocks != self.model.prefix:
            self._fresh = False
        if self._fresh and (versions := self._counted()) != self._versions:
            # A checkpoint puts back what was there: only other values make the rows stale.
            self._fresh, self._versions = self.folder.name == self._key(), versions
        return self._fresh

    @property
    def row_bytes(self) -> int:
        """Bytes of one image's features."""
        return sum(int(np.prod(shape)) for shape in self.shapes) * 4

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Images whose rows are still to be computed."""
        filled = self._filled()
        return [i for i in indices if not filled[i]]

    def fill(self, batches: Iterable[Batch], step: Callable[[], None] = lambda: None) -> None:
        """Computes the rows of batches of images, and keeps them.

        Raises:
            OSError: the disk says no.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        files, done = self._open(write=True), list[int]()
        noted = time.monotonic()
        with torch.no_grad():
            for batch in batches:
                places = batch["index"].tolist()
                for rows, values in zip(
                    files, self.model.run_prefix(batch["image"].to(self.device)), strict=True
                ):
                    rows[places] = values.float().cpu().numpy()
                done += places
                step()
                if time.monotonic() - noted > _NOTE_EVERY:
                    self._note(files, done)
                    noted = time.monotonic()
        self._note(files, done)

    def _note(self, files: Sequence[np.memmap[Any, Any]], done: Sequence[int]) -> None:
        """Says which rows are there, once they are on the disk."""
        for rows in files:
            rows.flush()
        filled = self._filled()
        filled[list(done)] = True
        # Into an open file: numpy gives a path an ending of its own.
        with atomic_write(self.folder / _FILLED) as staged, staged.open("wb") as file:
            np.save(file, filled)

    def _filled(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        count = len(self.dataset)
        try:
            # A file that was cut lacks rows that were noted.
            whole = all(p.stat().st_size == count * int(np.prod(s)) * 4 for p, s in self._files())
            filled = np.load(self.folder / _FILLED, allow_pickle=False)
        except (OSError, ValueError):
            return np.zeros(count, dtype=bool)
        if not whole or filled.shape != (count,) or filled.dtype != bool:
            return np.zeros(count, dtype=bool)
        os.utime(self.folder / _FILLED)  # used now: the last to make room for others
        return filled  # type: ignore[no-any-return]

    def _files(self) -> list[tuple[Path, tuple[int, ...]]]:
        return [(self.folder / f"{i}.f32", shape) for i, shape in enumerate(self.shapes)]

    def _open(self, *, write: bool) -> list[np.memmap[Any, np.dtype[np.float32]]]:
        """The rows' files, mapped; made as files with holes where there are none."""
        mapped = []
        for path, shape in self._files():
            if write:
                # Keeps what is there; what is added to the length is a hole, which takes no room.
                with path.open("ab") as file:
                    file.truncate(len(self.dataset) * int(np.prod(shape)) * 4)
            mapped.append(
                np.memmap(path, np.float32, "r+" if write else "r", shape=(len(self.dataset), *shape))
            )
        return mapped

    def read(self, indices: Sequence[int]) -> list[Tensor]:
        """Rows by image, in memory: one tensor of N rows for each output of the prefix."""
        if self._rows is None:
            self._rows = self._open(write=False)
        found = []
        for rows in self._rows:
            # Made by torch, so that a row begins at the same place within a line at every run.
            values = torch.empty(len(indices), *rows.shape[1:])
            np.take(rows, indices, axis=0, out=values.numpy())
            found.append(values)
        return found


class CachedBatches:
    """Batches of a cache's rows in the place of images, in the order that the images would have had.

    Where a trainer unfreezes the blocks whose outputs they are, or changes them, the images follow.

    Args:
        cache: filled for all indices.
        indices: of the images.
        images: makes a source of the images of the same indices, in the same order.
        **order: see `zoo.data.batch_order.Order`.
    """

    def __init__(
        self, cache: FeatureCache, indices: Sequence[int], images: Callable[[], Batches], **order: Any
    ) -> None:
        self.cache, self.order = cache, Order(indices, **order)
        # Known without reading an image.
        self._targets = (cache.model.task or Task()).collate(cache.dataset.targets)
        self._make = images
        self._images: Batches | None = None

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, without the first `skip`."""
        self.order.epoch, self.order.skip = number, skip
        for step, indices in enumerate(self.order, skip):
            if not self.cache.fresh:
                self._images = self._images or self._make()
                yield from self._images.epoch(number, step)
                return
            rows = self.cache.read(indices)
            places = torch.tensor(indices)
            batch = {f"{PREFIX}{i}": values for i, values in enumerate(rows)}
            yield {**batch, "target": self._targets[places], "index": places}


def limit_bytes() -> int:
    """The most that all cached features may take.

    Raises:
        OptionError: the environment says something that is no number.
    """
    return int(number(LIMIT, _USUAL_LIMIT, "gigabytes") * 1e9)


def make_room(needed: int, keep: Path) -> str | None:
    """Removes the features that were used longest ago until `needed` bytes more fit in the limit.

    Args:
        needed: bytes that will be written.
        keep: folder that stays.

    Returns:
        Why there is no room; None where there is.
    """
    limit, home = limit_bytes(), keep.parent
    if needed > limit:
        return f"{size(needed)} are needed and {LIMIT} allows {size(limit)}"
    home.mkdir(parents=True, exist_ok=True)
    others = sorted((folder for folder in home.iterdir() if folder.is_dir() and folder != keep), key=_used)
    total = sum(map(_bytes, (*others, keep)))
    while others and total + needed > limit:
        oldest = others.pop(0)
        total -= _bytes(oldest)
        shutil.rmtree(oldest, ignore_errors=True)
    free = shutil.disk_usage(home).free
    return f"{size(needed)} are needed and {size(free)} are free in {home}" if needed > 0.9 * free else None


def size(count: int) -> str:
    """Bytes as people say them.

    Example:
        >>> size(33_200_000), size(2_500_000_000)
        ('33.2 MB', '2.5 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def _used(folder: Path) -> float:
    try:
        return max((file.stat().st_mtime for file in folder.iterdir()), default=0.0)
    except OSError:
        return 0.0


def _bytes(folder: Path) -> int:
    """Bytes that a folder takes on the disk, holes not counted."""
    try:
        return sum(_taken(file.stat()) for file in folder.iterdir())
    except OSError:
        return 0


def _taken(facts: os.stat_result) -> int:
    # In units of 512 bytes, whatever the size of a block is; Windows does not say, and makes no holes
    blocks = getattr(facts, "st_blocks", None)
    return facts.st_size if blocks is None else blocks * 512
