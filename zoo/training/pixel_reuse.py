"""The pixel cache of a run: whether there is one, what it takes, and room for it."""

from __future__ import annotations

from pathlib import Path

from zoo.data.row_cache import room
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.view import source_of
from zoo.images.framing import covered
from zoo.images.prepare import pixels
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.registry.cache import cache_folder
from zoo.registry.environment import number
from zoo.runtime.progress import Reporter
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.display import counted, size
from zoo.spec.errors import OptionError, SaveError, ZooError
from zoo.spec.hints.spoken import argument
from zoo.training.feature_cache import plugin_of

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
) -> PixelCache | None:
    """The cache of the images that a run reads in each epoch; None where there is none.

    Args:
        model: that takes them.
        dataset: all images.
        indices: of those that are read.
        epochs: that they are read in.
        asked: whether it was asked for: what stands in its way is then an error.
        reporter: says what it will take, before anything is written.

    Raises:
        OptionError: it was asked for and cannot be, or the limit is no number.
    """
    limit = int(min(number(LIMIT, _USUAL_LIMIT, "gigabytes"), _MOST_LIMIT) * 1e9)
    found, why = None, _obstacle(model, dataset, epochs, asked=asked)
    if not why:
        found, why = _made(model, dataset, indices, limit, reporter)
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
        "a model that is trained on crops, which are others in each epoch": model.crops,
        "data without a fingerprint, so that a change could not be seen": source.fingerprint is None,
        "one epoch": epochs == 1 and not asked,
    }
    return next((why for why, there in obstacles.items() if there), "")


def _made(
    model: Model, dataset: Dataset, indices: tuple[int, ...], limit: int, reporter: Reporter
) -> tuple[PixelCache | None, str]:
    spec, source = model.input_spec, source_of(dataset)
    try:
        home: Path = cache_folder() / "pixels"
        first = pixels(dataset.reduced(indices[0], covered(spec)).image, spec)
        cache = PixelCache(dataset, spec, home, first.dtype, plugin_of(source), task=model.task)
        missing = cache.missing(indices)
        total = size(len(missing or indices) * cache.row_bytes)
        if not missing:
            reporter.note(f"reusing pixels of {counted(len(indices), 'image')} from {cache.folder}")
            return cache, ""
        with write_errors(f"pixels in {home}"):
            why = room.make_room(len(missing) * cache.row_bytes, cache.folder, limit=limit, variable=LIMIT)
    except RuntimeError:
        return None, "no home folder to keep them in; set ZOO_CACHE"
    except SaveError as error:
        return None, str(error)
    except ZooError:  # an image that cannot be read is told of where all are
        return None, "a first image that cannot be read"
    if why:
        reporter.note(f"pixels are not kept: {why}")
        return None, why
    images = counted(len(missing), "image")
    reporter.note(f"keeping pixels of {images} from the first epoch on, {total} in {cache.folder}")
    return cache, ""
