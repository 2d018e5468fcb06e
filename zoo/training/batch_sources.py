"""Sources of a run's batches: images read anew, or the feature cache."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from zoo.data.batch_order import Order
from zoo.data.batches import Batches
from zoo.data.loader.chosen_workers import ChosenWorkers
from zoo.data.streams.batches import StreamBatches, StreamOrder
from zoo.data.streams.forms import Streamed
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.freezing_state import blocks_in
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.registry.environment import processes
from zoo.runtime.devices import has_live_batch_norm, norms_of_one_number
from zoo.runtime.processes import FULL
from zoo.runtime.progress import Reporter
from zoo.spec.display import counted, size
from zoo.spec.errors import OptionError, SaveError, quote, warn
from zoo.spec.hints.spoken import argument
from zoo.training.feature_cache import CachedBatches, FeatureCache, features_folder, limit_bytes, make_room
from zoo.training.pixel_reuse import PIXELS, pixel_cache
from zoo.training.setup import Setup

if TYPE_CHECKING:
    from accelerate import Accelerator


def sources(
    setup: Setup,
    *,
    device: torch.device,
    precision: str,
    workers: int | ChosenWorkers,
    cache: bool | str | None,
    reporter: Reporter,
    accelerator: Accelerator | None,
) -> tuple[Source, Source, str]:
    """Batches to train on and to validate with, and a note on what was cached ("" for nothing).

    Raises:
        OptionError: `cache` is True or "pixels" and nothing can be cached, or something else.
    """
    if cache not in (True, False, None, PIXELS):
        expected = f"True, False, None or {PIXELS!r}"
        raise OptionError(argument("cache", cache), expected=expected, got=quote(cache))
    part = processes()
    # In training, batch norm needs two images, in each process.
    # A frozen batch norm takes nothing from the batch; `.train()` leaves it as it is.
    least = 2 * part[1] if has_live_batch_norm(setup.model.train()) else 1
    batch_size = setup.trainer.batch_size
    order: Any = partial(dict, batch_size=batch_size, seed=setup.seed, part=part)
    model = setup.model
    read = partial(
        Batches, setup.dataset, spec=model.input_spec, crop=model.crops, workers=workers, task=model.task,
        device=device,
    )  # fmt: skip
    keeping = partial(_keeping, setup, read, cache=cache, reporter=reporter, accelerator=accelerator)
    if setup.stream is not None:
        # None are chosen, as nobody knows whether it is split among several
        given = 0 if isinstance(workers, ChosenWorkers) else workers
        reporter.note(_words_of(setup.stream))
        stream = _streamed(setup, setup.stream, cache, least, workers=given, device=device)
        return stream, read(setup.splits.val, **order()), ""
    train_order, val_order = order(shuffle=True, least=least, classes=setup.drawn_classes), order()
    if least > 1:
        _check_batch_norm(setup, Order(setup.splits.train, **train_order), least)
    features, why = (None, "") if cache in (False, PIXELS) else _cache(setup, device, precision)
    # Augmented images are others in each epoch.
    wanted = setup.splits.val if setup.augment is not None else (*setup.splits.train, *setup.splits.val)
    if features is not None:
        why = _filled(features, wanted, read, reporter, accelerator)
    if features is None or why:
        _say_why(why, cache)
        read = keeping((*setup.splits.train, *setup.splits.val))
        return read(setup.splits.train, **train_order), read(setup.splits.val, **val_order), ""
    total = size(len(wanted) * features.row_bytes)
    kept = f"{features.name} of {counted(len(wanted), 'image')}, {total}, in {features.folder}"
    images = partial(read, setup.splits.val, **val_order)
    val = CachedBatches(features, setup.splits.val, images, **val_order)
    if setup.augment is not None:
        read = keeping(setup.splits.train)
        return read(setup.splits.train, **train_order), val, kept
    images = partial(read, setup.splits.train, **train_order)
    return CachedBatches(features, setup.splits.train, images, **train_order), val, kept


def _streamed(
    setup: Setup, stream: Streamed, cache: bool | str | None, least: int, **reading: Any
) -> StreamBatches:
    """Batches of a stream, which is checked for what cannot be had of it."""
    _check_stream(setup, cache, least)
    model = setup.model
    return StreamBatches(
        stream, model.input_spec, labels=setup.dataset.labels, task=model.task or Task(),
        batch_size=setup.trainer.batch_size, seed=setup.seed, crop=model.crops, **reading,
    )  # fmt: skip


def _words_of(stream: Streamed) -> str:
    batches = counted(stream.counted, "batch", "batches")
    return (
        f"a stream, {batches} an epoch: nothing is cached, and a resumed run begins it anew, with other "
        "images than without the interruption"
    )


def _check_stream(setup: Setup, cache: bool | str | None, least: int) -> None:
    """Raises what cannot be had of a stream, and says what is lost."""
    why = "a stream gives other images in each epoch"
    if cache == PIXELS:
        expected = "images of files whose pixels can be kept"
        raise OptionError(argument("cache", PIXELS), expected=expected, got=why)
    if setup.model.prefix or cache is True:
        _say_why(why, cache)
    if setup.trainer.batch_size < least:
        got = f"batch_size={setup.trainer.batch_size}"
        expected = f"{counted(least, 'image')} at a time or more, for batch norm"
        raise OptionError("fit: batches", expected=expected, got=got, hint="batch_size=8")


def _keeping(
    setup: Setup,
    read: Any,
    indices: tuple[int, ...],
    *,
    cache: bool | str | None,
    reporter: Reporter,
    accelerator: Accelerator | None,
) -> Any:
    """What reads images, with the pixel cache where there is one."""
    if cache is False:
        return read
    pixels = pixel_cache(
        setup.model, setup.dataset, indices, epochs=setup.trainer.epochs, asked=cache == PIXELS,
        reporter=reporter, accelerator=accelerator,
    )  # fmt: skip
    return partial(read, pixels=pixels)


def _check_batch_norm(setup: Setup, order: Order, least: int) -> None:
    """Raises where a batch norm would have to find the spread of one number: torch stops amid the work."""
    train, micro = len(setup.splits.train), getattr(setup.trainer, "micro_batch_size", None)
    # All batches but the last are of one size
    sizes = [order.images(0), order.images(len(order) - 1)]
    smallest = min([size % micro or micro for size in sizes] if micro else sizes)
    if smallest >= least or not (norms := norms_of_one_number(setup.model)):
        return
    got, hint = f"{counted(train, 'image')} to train on", "give more images"
    if train >= least:
        got, hint = f"batch_size={setup.trainer.batch_size}", "batch_size=8"
    if micro and smallest < min(sizes):
        got, hint = (
            f"parts of {smallest} by micro_batch_size={micro}",
            "a batch_size that is a multiple of it",
        )
        hint = hint if micro >= least else "micro_batch_size=8"
    of = f"batch norm {norms[0]}" + f" and {len(norms) - 1} more" * (len(norms) > 1)
    expected = f"{counted(least, 'image')} at a time or more: {of} would see one number a channel"
    hint += ", a larger input_size, or freeze the blocks with batch norms"
    raise OptionError("fit: batches", expected=expected, got=got, hint=hint)


def _cache(setup: Setup, device: torch.device, precision: str) -> tuple[FeatureCache | None, str]:
    """The cache, or why there is none; an empty reason where nothing is frozen at the model's beginning."""
    model = setup.model.train()
    if not model.prefix:
        return None, ""
    full = all(t.dtype == torch.float32 for _, t in model.prefix_tensors() if t.is_floating_point())
    hooked = next((path for path, block in blocks_in(model) if block.frozen and _hooked(block)), "")
    trainer = setup.trainer
    data = type(setup.dataset).__name__
    with_images = _read_with_images(model, setup.dataset)
    obstacles = {
        f"trainer {type(trainer).__name__} does not take cached features": not trainer.takes_prefix,
        "features are kept in full precision only": precision != FULL or not full,
        with_images: bool(with_images),
        f"{hooked} has forward hooks, which may change what it gives": bool(hooked),
        "samples have further fields, which are read with their images": bool(setup.dataset.fields),
        f"data {data} have no fingerprint, so a change could not be seen": setup.dataset.fingerprint is None,
    }
    if why := next((why for why, there in obstacles.items() if there), ""):
        return None, why
    try:
        features_folder()
    except RuntimeError:
        return None, "there is no home folder to keep them in; set ZOO_CACHE"
    return FeatureCache(model, setup.dataset, device), ""


def _read_with_images(model: Model, dataset: Dataset) -> str:
    """Says which targets are only had together with images: masks, places, images themselves."""
    task = model.task
    if task is None:
        return ""
    # A batch of features passes no `examples` of a model's own either
    own = type(model).examples is not Model.examples
    if task.read_with_images or own or None in dataset.targets:
        return f"targets of task {task.name} are read with their images"
    return ""


def _hooked(block: nn.Module) -> bool:
    return any(module._forward_hooks or module._forward_pre_hooks for module in block.modules())


def _filled(
    features: FeatureCache,
    wanted: tuple[int, ...],
    read: Any,
    reporter: Reporter,
    accelerator: Accelerator | None,
) -> str:
    """Fills the cache, one process for all of them; returns why it cannot."""
    why = ""
    # The others wait until it is there, and read it.
    if processes()[0] == 0:
        why = _fill(features, wanted, read, reporter)
    if accelerator is not None:
        accelerator.wait_for_everyone()
        # Why it could not be filled is known to the first process alone.
        why = why or ("" if not features.missing(wanted) else "the first process could not fill it")
    return why


def _fill(features: FeatureCache, wanted: tuple[int, ...], read: Any, reporter: Reporter) -> str:
    """Computes what is missing; returns why it cannot."""
    limit_bytes()  # one that is no number is told in any case
    if not features.missing(wanted):
        return _reused(features, wanted, reporter)
    waits = partial(reporter.note, f"waiting for another process, which computes {features.name}")
    try:
        with features.filling(waits):
            missing = sorted(features.missing(wanted))
            if not missing:
                return _reused(features, wanted, reporter)
            needed = len(missing) * features.row_bytes
            if no_room := make_room(needed, features.folder):
                return no_room
            reporter.note(
                f"computing {features.name} of {counted(len(missing), 'image')} once, "
                f"{size(needed)} in {features.folder}"
            )
            batches = read(missing, batch_size=features.batch_size, passes=1)
            with reporter:
                reporter.begin(1, len(batches), title="frozen blocks")
                features.fill(batches, reporter.step)
    except SaveError as error:
        return str(error)
    return ""


def _reused(features: FeatureCache, wanted: tuple[int, ...], reporter: Reporter) -> str:
    reporter.note(f"reusing {features.name} of {counted(len(wanted), 'image')} from {features.folder}")
    return ""


def _say_why(why: str, cache: bool | str | None) -> None:
    if cache is True:
        raise OptionError(
            argument("cache", True),
            expected="frozen blocks whose outputs can be kept",
            got=why or "none frozen at the model's beginning",
        )
    if why and cache is None:
        warn(f"the frozen blocks' outputs are computed anew each epoch: {why}")


class Source(Protocol):
    """Batches of each epoch in an order of its own: of images, or of rows of a feature cache."""

    @property
    def order(self) -> Order | StreamOrder:
        """The batches of an epoch."""
        ...

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, without the first `skip`."""
        ...
