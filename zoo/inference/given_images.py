"""Images as a caller gives them: files, bytes, objects, lists and streams of these."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.data.reading import readable
from zoo.data.sources.class_folders import ImageFiles
from zoo.data.sources.walk import kinds, walk, warn_passed_over
from zoo.images.decode import ImageArray, read, skip_hint
from zoo.images.objects import Taken, taken
from zoo.images.ranges import How, mark_scaled, scaled_by
from zoo.inference.asking.open_files import content_of
from zoo.inference.asking.tables import check_is_no_set, way_to_give
from zoo.inference.predictions import MOST_SHOWN, THUMBNAIL
from zoo.interfaces.dataset import Dataset, Sample
from zoo.reports.plots import fitted
from zoo.spec.errors import DataError, ZooError, quote
from zoo.spec.reference import local_path

Item = Path | bytes | ImageArray
"""An image that is not read yet, or an image."""
Object = tuple[str, Item | Taken]
"""The same with what was lost of an object."""
Named = tuple[str, Item]
"""Name of an image, and the image."""

_BATCH_AXES = 4
_EXPECTED = "a file, folder, bytes, open file, Pillow image, array, tensor, or a list or iterator of these"


class Given(Dataset):
    """Images without targets, from files, bytes and objects.

    Args:
        items: names and images; of objects, what was lost is kept in `lost`, a text for each loss, and for a
            range they are kept in `given`, by number.
        first: number of the first, where others went before.
        values: range of the model that asks.
    """

    def __init__(self, items: Sequence[Object], first: int = 0, values: How | None = None) -> None:
        self.items: Sequence[Named] = [
            (name, item.pixels if isinstance(item, Taken) else item) for name, item in items
        ]
        self.lost = [words for _, item in items if isinstance(item, Taken) for words in item.lost]
        self.given = {
            i: item.given
            for i, (_, item) in enumerate(items)
            if isinstance(item, Taken) and item.given is not None
        }
        self.first, self.values = first, values
        self._small: dict[int, ImageArray] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Processes that read images are asked for those alone
        return {**self.__dict__, "given": {}}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        return self._sample(index, None)

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample; files and bytes perhaps decoded at a reduced scale."""
        return self._sample(index, least)

    def _sample(self, index: int, least: tuple[int, int] | None) -> Sample:
        name, item = self.items[index]
        if isinstance(item, Path):
            file = ImageFiles([item])
            return file[0] if least is None else file.reduced(0, least)
        if isinstance(item, bytes):
            alone = len(self) == 1 and not self.first
            called = name if name != "image 0" or not alone else "image"
            image, facts = read(io.BytesIO(item), called, least)
            # Kept, so that it need not be decoded again to be shown
            if self.first + index < MOST_SHOWN:
                self._small[index] = fitted(image, THUMBNAIL)
            return Sample(image, None, size=facts.size)
        mark_scaled()
        return Sample(item, None)

    @property
    def targets(self) -> Sequence[Any]:
        """Targets, of which there are none."""
        return [None] * len(self.items)

    def name(self, index: int) -> str:
        """Path of the file, or number of the image."""
        return self.items[index][0]

    def small(self, index: int) -> ImageArray | None:
        """A thumbnail of what is no file that anybody can show, as far as a list of predictions shows it."""
        item = self.items[index][1]
        if self.first + index >= MOST_SHOWN or (isinstance(item, Path) and self.values is None):
            return None
        if index in self._small:
            return self._small[index]
        # Bytes that another process has decoded
        with scaled_by(self.values):
            return fitted(self[index].image, THUMBNAIL)


@contextmanager
def asked_alone() -> Iterator[None]:
    """Within it an image that cannot be read is one that was asked for, and none of many to be skipped."""
    try:
        yield
    except DataError as error:
        if error.hint != skip_hint():
            raise
        hint = "mend it, or give another"
        raise DataError(error.problem, expected=error.expected, got=error.got, hint=hint) from error


def given(
    source: Any, skip_unreadable: bool = False, *, values: How | None = None, where: str = "predict"
) -> Given:
    """The images that a caller gives, as a data set.

    Args:
        source: as `predict` takes it, but for iterators.
        skip_unreadable: leaves out the files and bytes that cannot be read, with a warning.
        values: range of the model that asks.
        where: who asks, for messages.

    Raises:
        DataError: there is no image, or something else than an image.
    """
    items = list(_items(source, where, values))
    if not items:
        raise DataError(where, expected="at least one image", got=quote(source))
    if skip_unreadable:
        items = _readable(items, values)
        if not items:
            raise DataError(where, expected="an image that can be read", got="none")
    return Given(items, values=values)


def chunks(
    source: Iterator[Any], size: int, skip_unreadable: bool = False, *,
    values: How | None = None, where: str = "predict",
) -> Iterator[Given]:  # fmt: skip
    """The images of an iterator, some at a time; no more of them are held.

    Args:
        source: yields what `given` takes.
        size: images at a time.
        skip_unreadable: as `given` takes it.
        values: range of the model that asks.
        where: who asks, for messages.

    Raises:
        DataError: something else than an image came, once all images before it were given.
    """
    items, first, error = _items(source, where, values), 0, None
    while error is None:
        chunk: list[Object] = []
        try:
            # A list that is extended keeps what came before an error
            chunk.extend(islice(items, size))
        except ZooError as stop:
            error = stop
        if not chunk:
            break
        if kept := _readable(chunk, values) if skip_unreadable else chunk:
            yield Given(kept, first, values)
        first += len(chunk)
    if error is not None:
        raise error


def peeked(source: Iterator[Any]) -> tuple[Iterator[Any], bool]:
    """The same iterator, and whether it yields several images."""
    begin = [*islice(source, 2)]
    return chain(begin, source), len(begin) > 1 or not all(map(is_one, begin))


def is_stream(source: Any) -> bool:
    """Whether images come one by one, from an iterator or a generator; an open file is one image."""
    return isinstance(source, Iterator) and not _is_open_file(source)


def is_one(source: Any) -> bool:
    """Whether a source is one image, not several: a file, bytes, an image object."""
    if isinstance(source, str | os.PathLike):
        return not local_path(source).is_dir()
    if isinstance(source, Tensor | np.ndarray):
        return source.ndim != _BATCH_AXES
    return not isinstance(source, list | tuple) and not is_stream(source)


def _is_open_file(source: Any) -> bool:
    # Wrappers, such as those of `tempfile`, are no `io.IOBase`
    return isinstance(source, io.IOBase) or callable(getattr(source, "read", None))


def _readable(items: Sequence[Object], values: How | None) -> list[Object]:
    """All but the files and bytes that cannot be read, which a warning names."""
    encoded = {i: item for i, (_, item) in enumerate(items) if isinstance(item, Path | bytes)}
    numbers = [*encoded]
    with scaled_by(values):
        good = readable([*encoded.values()], [items[i][0] for i in numbers])
    bad = set(numbers) - {numbers[i] for i in good}
    return [item for i, item in enumerate(items) if i not in bad]


def _items(source: Any, where: str, values: How | None) -> Iterator[Object]:
    """Images with their names; those without one have their number."""
    number, several = count(), not is_one(source)
    for item in _flat(source, where):
        i = next(number)
        # One image alone needs no number to be told from others
        name = f"image {i}" if several else "image"
        if isinstance(item, Path):
            yield str(item), item
        elif isinstance(item, bytes):
            yield f"image {i}", item
        elif isinstance(item, tuple):
            yield item[0] or f"image {i}", item[1]
        else:
            with scaled_by(values):
                found = taken(item, name)
            yield f"image {i}", found if values is None else replace(found, given=item)


def _flat(source: Any, where: str) -> Iterator[Any]:
    """Images one by one: paths, bytes, pairs of a name and bytes, and objects."""
    if isinstance(source, str | os.PathLike):
        path = local_path(source)
        if path.is_dir():
            found = walk(path)
            if not found.images:
                got = f"none that can be read ({kinds(found.others)})" if found.others else "none"
                raise DataError(f"folder {path}", expected="images", got=got)
            warn_passed_over(path, len(found.images), found.reasons())
            yield from found.images
        elif path.exists():
            check_is_no_set(path)
            yield path
        else:
            raise DataError(f"image {path}", expected="a file or folder", got="nothing there")
    elif isinstance(source, bytes | bytearray | memoryview):
        yield bytes(source)
    elif isinstance(source, Tensor | np.ndarray) and source.ndim == _BATCH_AXES:
        yield from source
    elif isinstance(source, Tensor | np.ndarray | Image.Image):
        yield source
    elif _is_open_file(source):
        name = getattr(source, "name", "")
        yield name if isinstance(name, str) else "", content_of(source)
    elif isinstance(source, list | tuple | Iterator):
        for item in source:
            yield from _flat(item, where)
    else:
        hint = way_to_give(source)
        raise DataError(where, expected=_EXPECTED, got=quote(type(source).__name__), hint=hint)
