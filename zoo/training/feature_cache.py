"""The feature cache: what a frozen prefix makes of images, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.data.batch_order import Order
from zoo.data.batches import Batches
from zoo.data.loader.transfers import arriving
from zoo.data.objects.joined import joined_in
from zoo.data.row_cache import room
from zoo.data.row_cache.kept import KeptRows
from zoo.data.row_cache.segments import Layout
from zoo.data.row_cache.store import RowStore
from zoo.data.view import source_of
from zoo.images.libraries import pixel_libraries
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.freezing_state import blocks_in, check_frozen
from zoo.interfaces.blocks.frozen_prefix import PREFIX
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.registry.cache import cache_folder
from zoo.registry.environment import number
from zoo.registry.plugins.installed import CORE, installed
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.display import counted
from zoo.spec.errors import DataError, SaveError, warn

FORMAT = 3
LIMIT = "ZOO_FEATURE_CACHE_GB"
"""Names the environment variable with the most that all cached features together may take."""

_USUAL_LIMIT = 20.0
_MOST_LIMIT = 1e9
"""In gigabytes; more than there is anywhere, and still a whole number of bytes."""

_MOST_IMAGES, _MOST_PIXELS = 32, 32 * 224 * 224
"""Of a batch that rows are computed in: larger images come in smaller batches, which take no more memory."""


class FeatureCache(KeptRows):
    """Rows of float32 on disk, one an image and tensor; a row is computed once for a key.

    The key is a digest of all that decides the rows: the prefix' weights, its blocks and what it returns, the
    model's component and options, the preprocessing, the data, the device, and the versions of everything
    that decodes and computes. A changed key is another folder.

    Rows are computed in batches of one size, filled up with zeros: matrix products give other last bits in
    batches of another size, while neither the place in a batch nor the other images change any (measured on
    nine networks, with one and two threads).

    Args:
        model: with a frozen prefix, in full precision.
        dataset: with a fingerprint.
        device: that the rows are computed on.

    Raises:
        RuntimeError: there is no home folder, and `ZOO_CACHE` is not set.
    """

    def __init__(self, model: Model, dataset: Dataset, device: torch.device) -> None:
        self.model, self.dataset, self.device = model, dataset, device
        check_frozen(model)
        self.name = " and ".join(model.prefix_outputs)
        spec = model.input_spec
        self.batch_size = min(_MOST_IMAGES, max(1, _MOST_PIXELS // (spec.size[0] * spec.size[1])))
        with torch.no_grad():
            one = model.run_prefix(torch.zeros(1, spec.channels, *spec.size, device=device))
        self.layout = Layout(tuple(tuple(t.shape[1:]) for t in one), torch.float32)
        key, self._versions = self._key(), self._counted()
        super().__init__(RowStore(features_folder(), key, self.layout, len(dataset)))
        self._blocks, self._fresh, self._told = model.prefix, True, False

    def _key(self) -> str:
        section, source = self.model.recipe.model, source_of(self.dataset)
        versions = {"zoo": version(CORE), **pixel_libraries(), **self.model.plugins, **plugin_of(source)}
        facts = {
            "format": FORMAT,
            "versions": versions,
            "component": [section.name, section.options, section.in_channels],
            "blocks": self.model.prefix,
            # Strides, eps and the like, which no tensor shows.
            "modules": [repr(block) for _, block in blocks_in(self.model) if block.frozen],
            "outputs": self.model.prefix_outputs,
            "rows": [self.batch_size, self.layout.shapes],
            "input": self.model.input_spec.to_dict(),
            # What a model calls the classes changes no image
            "data": [type(source).__name__, len(self.dataset), self.dataset.fingerprint],
            # TF32 gives other digits than full precision.
            "device": [*_processor(self.device), torch.get_float32_matmul_precision()],
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

    def filling(self, waits: Callable[[], None]) -> AbstractContextManager[bool]:
        """Alone in computing these rows, among all processes, while inside.

        Args:
            waits: called once if another process computes them, which is then waited for.

        Raises:
            SaveError: the disk says no.
        """
        return self._store.filling(waits)

    def fill(self, batches: Iterable[Batch], step: Callable[[], None] = lambda: None) -> None:
        """Computes the rows of batches of images, and keeps them.

        Args:
            batches: of any size; of `batch_size` they are computed as they are.
            step: called behind each batch.

        Raises:
            SaveError: the disk says no. Rows that were written before are kept.
            DataError: an image has changed since its digest was computed.
        """
        with self._store.writing() as writer:
            for batch in batches:
                for index, rows in self._computed(batch):
                    writer.add(index, rows)
                step()

    def _computed(self, batch: Batch) -> Iterator[tuple[list[int], list[Tensor]]]:
        """Images and their rows, in parts of at most `batch_size`."""
        size = self.batch_size
        # The rows are kept by digests that were computed before these images were read
        for i in batch["index"].tolist():
            if not self.dataset.unchanged(i):
                expected, got = "the one that the run began with", "one that has changed since"
                hint = "begin again once the data stay as they are"
                raise DataError(f"image {self.dataset.name(i)}", expected=expected, got=got, hint=hint)
        for images, index in zip(
            torch.split(batch["image"], size), torch.split(batch["index"], size), strict=True
        ):
            lacking = size - len(images)
            full = torch.cat([images, images.new_zeros(lacking, *images.shape[1:])]) if lacking else images
            with torch.no_grad():
                outputs = self.model.run_prefix(full.to(self.device))
            yield index.tolist(), [values[: len(images)].float().cpu() for values in outputs]

    def read(self, indices: Sequence[int]) -> list[Tensor]:
        """Rows by image, in memory: one tensor of N rows for each output of the prefix.

        Those that are damaged or gone are computed anew, which gives the same numbers.
        """
        found, lost = self._store.read(indices)
        if lost:
            self._mend(indices, lost, found)
        return found

    def _mend(self, indices: Sequence[int], lost: Sequence[int], found: Sequence[Tensor]) -> None:
        """Computes rows anew, in place, and keeps them if the disk allows it."""
        places: dict[int, list[int]] = {}
        for place in lost:
            places.setdefault(indices[place], []).append(place)
        if not self._told:
            self._told = True
            count = counted(len(places), "row")
            warn(f"{count} of {self.name} in {self.folder} are damaged or gone, and are computed anew")
        batches = Batches(
            self.dataset, sorted(places), self.model.input_spec, crop=self.model.crops,
            task=self.model.task, batch_size=self.batch_size,
        )  # fmt: skip
        for batch in batches:
            for index, rows in self._computed(batch):
                for values, into in zip(rows, found, strict=True):
                    for image, row in zip(index, values, strict=True):
                        into[places[image]] = row
                with suppress(SaveError), self._store.filling(None) as alone:
                    if alone:
                        with self._store.writing() as writer:
                            writer.add(index, rows)


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
        # Images that follow are sent by their own source, and then are where they are sent to
        yield from arriving(self._batches(number, skip), self.cache.device)

    def _batches(self, number: int, skip: int) -> Iterator[Batch]:
        for step, indices in enumerate(self.order, skip):
            if not self.cache.fresh:
                self._images = self._images or self._make()
                yield from self._images.epoch(number, step)
                return
            rows = self.cache.read(indices)
            places = torch.tensor(indices)
            batch = {f"{PREFIX}{i}": values for i, values in enumerate(rows)}
            yield {**batch, "target": self._targets[places], "index": places}


def features_folder() -> Path:
    """The folder of all cached features, one folder a key.

    Raises:
        RuntimeError: there is no home folder, and `ZOO_CACHE` is not set.
    """
    return cache_folder() / "features"


def limit_bytes() -> int:
    """The most that all cached features may take.

    Raises:
        OptionError: the environment says something that is no number.
    """
    return int(min(number(LIMIT, _USUAL_LIMIT, "gigabytes"), _MOST_LIMIT) * 1e9)


def make_room(needed: int, keep: Path) -> str | None:
    """Removes the features that were used longest ago, and that no live process uses, until others fit.

    Args:
        needed: bytes that will be written.
        keep: folder that stays.

    Returns:
        Why there is no room; None where there is.

    Raises:
        OptionError: the limit is no number.
        SaveError: the disk says no.
    """
    with write_errors(f"features in {keep.parent}"):
        return room.make_room(needed, keep, limit=limit_bytes(), variable=LIMIT)


def plugin_of(dataset: Dataset) -> dict[str, str]:
    """Distribution and version of the plugin that the code of a data set is in."""
    packages = {type(one).__module__.partition(".")[0] for one in (dataset, *joined_in(dataset))}
    return {
        item.distribution: item.version
        for item in installed()
        if packages & {value.partition(".")[0] for value in item.values}
    }


def _processor(device: torch.device) -> list[Any]:
    """What computes: others give other last bits, and machines may share a disk."""
    if device.type == "cuda":
        return [device.type, torch.cuda.get_device_name(device)]
    return [device.type, torch.backends.cpu.get_cpu_capability()]
