"""The pixel cache of a run: whether there is one, what it takes, and room for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from zoo.data.loader.ranged import ranged
from zoo.data.reading import in_threads
from zoo.data.row_cache import room
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.row_cache.whole import AT_ONCE, WholeImages
from zoo.data.sources.mask_reader import header_size
from zoo.data.view import source_of
from zoo.images.framing import covered
from zoo.images.header import is_of_bytes
from zoo.images.prepare import pixels
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.registry.cache import cache_folder
from zoo.registry.environment import number
from zoo.runtime.progress import Reporter
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.display import counted, size
from zoo.spec.errors import OptionError, SaveError, ZooError, warn
from zoo.spec.hints.spoken import argument
from zoo.spec.inputs import FAST, InputSpec
from zoo.training.feature_cache import plugin_of

if TYPE_CHECKING:
    from accelerate import Accelerator

_NAMES: Mapping[type, str] = {PixelCache: "pixels", WholeImages: "whole images"}

PIXELS = "pixels"
"""Value of `cache` that asks for it."""

LIMIT = "ZOO_PIXEL_CACHE_GB"
"""Names the environment variable with the most that all kept pixels together may take."""

_USUAL_LIMIT, _MOST_LIMIT = 20.0, 1e9
"""In gigabytes; see `zoo.training.feature_cache`."""


def pixel_cache(
    model: Model,
    dataset: Dataset,
    indices: tuple[int, ...],
    *,
    epochs: int,
    asked: bool,
    reporter: Reporter,
    accelerator: Accelerator | None = None,
) -> PixelCache | WholeImages | None:
    """The cache of the images that a run reads in each epoch; None where there is none.

    Args:
        model: that takes them.
        dataset: all images.
        indices: of those that are read.
        epochs: that they are read in.
        asked: whether it was asked for: what stands in its way is then an error.
        reporter: says what it will take, before anything is written.
        accelerator: of several processes, which wait for each other where whole images are decoded first.

    Raises:
        OptionError: it was asked for and cannot be, or the limit is no number.
        DataError: an image of which crops are taken cannot be read.
    """
    limit = int(min(number(LIMIT, _USUAL_LIMIT, "gigabytes"), _MOST_LIMIT) * 1e9)
    found: PixelCache | WholeImages | None = None
    if not (why := _obstacle(model, dataset, epochs, asked=asked)):
        found, why = _found(model, dataset, indices, limit, reporter)
    if isinstance(found, WholeImages):
        why = _decoded(found, indices, reporter, accelerator)
        found = None if why else found
    if why and asked:
        expected = "images of files whose pixels can be kept"
        raise OptionError(argument("cache", PIXELS), expected=expected, got=why)
    return found


def _obstacle(model: Model, dataset: Dataset, epochs: int, *, asked: bool) -> str:
    """Why pixels cannot be kept, or would be of no use; empty where they can."""
    source = source_of(dataset)
    obstacles = {
        "data that are no files": not getattr(source, "files", ()),
        "further fields, which are read with their images": bool(dataset.fields),
        "data without a fingerprint, so that a change could not be seen": dataset.fingerprint is None,
        "one epoch": epochs == 1 and not asked,
    }
    return next((why for why, there in obstacles.items() if there), "")


def _found(
    model: Model, dataset: Dataset, indices: tuple[int, ...], limit: int, reporter: Reporter
) -> tuple[PixelCache | WholeImages | None, str]:
    """The cache with room for what it lacks, or why there is none."""
    try:
        home, make = cache_folder() / "pixels", _whole if model.crops else _resized
        cache: PixelCache | WholeImages = make(model, dataset, indices, home)
        missing, what = cache.missing(indices), _NAMES[type(cache)]
        total = size(len(missing or indices) * cache.row_bytes)
        if not missing:
            reporter.note(f"reusing {what} of {counted(len(indices), 'image')} from {cache.folder}")
            return cache, ""
        with write_errors(f"pixels in {home}"):
            why = room.make_room(len(missing) * cache.row_bytes, cache.folder, limit=limit, variable=LIMIT)
    except RuntimeError:
        why = "no home folder to keep them in; set ZOO_CACHE"
    except SaveError as error:
        why = str(error)
    except ZooError:  # an image that cannot be read is told of where all are
        return None, "a first image that cannot be read"
    if why:
        reporter.note(f"pixels are not kept: {why}")
        return None, why
    images = counted(len(missing), "image")
    when = "before the first epoch" if model.crops else "from the first epoch on"
    reporter.note(f"keeping {what} of {images} {when}, {total} in {cache.folder}")
    return cache, ""


def _resized(model: Model, dataset: Dataset, indices: tuple[int, ...], home: Path) -> PixelCache:
    """Images as the model takes them."""
    spec, source = model.input_spec, source_of(dataset)
    dtype = torch.float32
    if spec.decode == FAST:
        # What the header does not tell is read
        known = spec.reading is None and is_of_bytes((source.files or [Path()])[0])
        first = None if known else _as_read(dataset, spec).reduced(indices[0], covered(spec)).image
        dtype = torch.uint8 if first is None else pixels(first, spec).dtype
    return PixelCache(dataset, spec, home, dtype, plugin_of(source), task=model.task)


def _as_read(dataset: Dataset, spec: InputSpec) -> Dataset:
    """The data as a model reads them."""
    return ranged(dataset, spec.reading)


def _whole(model: Model, dataset: Dataset, indices: tuple[int, ...], home: Path) -> WholeImages:
    """Images as they are in their files, of which the model takes crops."""
    read, files = _as_read(dataset, model.input_spec), source_of(dataset).files or ()
    first = read[indices[0]].image
    unknown = np.zeros((0, 0), np.uint8)
    # By their headers, so that it can be said what all of them will take
    areas = [math.prod(found) for found in in_threads(lambda file: header_size(file, unknown), files, "")]
    area, each = max(areas, default=0), first.itemsize * first.shape[2]
    most = max(area * each, first.nbytes), max(area, first.nbytes // each) if dataset.masks else 0
    return WholeImages(read, home, plugin_of(source_of(dataset)), most, task=model.task)


def _decoded(
    whole: WholeImages, indices: tuple[int, ...], reporter: Reporter, accelerator: Accelerator | None
) -> str:
    """Decodes what is missing; returns why it cannot be kept."""
    why, missing = "", whole.missing(indices)
    try:
        if missing:
            with reporter:
                reporter.begin(1, -(-len(missing) // AT_ONCE), title="decoding")
                whole.fill(indices, reporter.step)
    except SaveError as error:
        why = str(error)
        warn(f"pixels are not kept: {why}")
    if accelerator is not None:
        accelerator.wait_for_everyone()
    whole.missing(indices)
    return why
