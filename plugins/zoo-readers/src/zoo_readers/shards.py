"""Shards: samples in tar files, as webdataset writes them, each of which is read where it lies."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import IO, Any

from zoo.errors import DataError, listing, quote, reason, warn
from zoo.interfaces import IMAGE_SUFFIXES, Binary, Multiclass, Records, Roles, Task, split_within
from zoo_readers.tars import Member, addresses, members, opened, reached

_IMAGES = tuple(suffix.removeprefix(".") for suffix in sorted(IMAGE_SUFFIXES))
_IMAGE, _SPLIT, _CLASS, _FEWEST = "image", "split", "cls", 2
_IN_JSON = " in .json"
_JSON, _TEXT = "json", ("txt", "text", "cls", "cls2", "index", "inx", "id")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,638}")
_MOST_BYTES, _MOST_NAMED = 1 << 20, 6


class _Images(Sequence[Any]):
    """Contents of the images, read when they are asked for; every one is there."""

    full = True

    def __init__(self, places: Sequence[Member]) -> None:
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return _content(self.places[index])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class Shards(Records):
    """Samples in tar files: an image each, with its class, text or JSON beside it.

    Images are read where they lie, so that they are split, shuffled and shared by processes and workers as
    files are. Columns are the members of a sample by their suffix, and the fields of a JSON member by name.

    Args:
        path: of tar files, with ranges such as `train-{000..010}.tar`; an address of fsspec, such as
            `https://...` or `s3://...`; or a folder, in which names of files say the splits.
        image: suffix of the image, where a sample has several.
        target: suffix or JSON field of what is to be learnt, or several; `cls` where there is one.
        group: of what stays in one split.
        split: of train, val and test.
        order: of what comes first.
        separator: between several labels in a text.

    Raises:
        DataError: a file is missing, torn or no tar, or a sample has no image.
    """

    def __init__(
        self,
        *,
        path: str,
        image: str | None = None,
        target: str | Sequence[str] = (),
        group: str | None = None,
        split: str | None = None,
        order: str | None = None,
        separator: str | None = None,
    ) -> None:
        where = f"data {path}"
        samples = [sample for shard in addresses(path, where) for sample in _samples(shard)]
        if not samples:
            raise DataError(where, expected="samples", got="none")
        self._places = [_image(sample, image, where) for sample in samples]
        cells = [_cells(sample, place) for sample, place in zip(samples, self._places, strict=True)]
        _settle(cells, where)
        names = dict.fromkeys(name for row in cells for name in row)
        columns: dict[str, Sequence[Any]] = {name: [row.get(name) for row in cells] for name in names}
        said = (target,) if isinstance(target, str) else tuple(target)
        if split is None and (sides := _sides(self._places, where)):
            split, columns[_SPLIT] = _SPLIT, sides
        # A field of JSON may be called so as well
        name = _IMAGE if _IMAGE not in columns else f"{_IMAGE} in the shard"
        columns[name] = _Images(self._places)
        roles = Roles(image=name, target=said, group=group, split=split, order=order, separator=separator)
        super().__init__(columns, roles=roles, where=where)

    def read_targets(
        self, columns: Mapping[str, Sequence[Any]], task: Task | None
    ) -> tuple[Task | None, Any]:
        """The targets; whole numbers of `cls` are class indices, as webdataset has them."""
        cells = columns.get(_CLASS, ())
        if task is not None or len(columns) > 1 or not cells or not all(isinstance(c, int) for c in cells):
            return super().read_targets(columns, task)
        told, found = super().read_targets(columns, Multiclass())
        return Binary() if len(found.labels) == _FEWEST else told, found

    def name(self, index: int) -> str:
        """The shard and the key of a sample."""
        place = self._places[index]
        return f"{place.shard}: {place.key}"


def _sides(places: Sequence[Member], where: str) -> list[str]:
    """The split of each sample, by the name of its shard; nothing where names say none or one alone."""
    found = {
        shard: split_within(shard.rpartition("/")[2]) for shard in dict.fromkeys(p.shard for p in places)
    }
    if len({*found.values()}) < _FEWEST:
        return []
    if odd := [shard for shard, side in found.items() if side is None]:
        hint = '{"train": ..., "val": ...} says what each is, and leaves others out'
        expected = "each shard called after its split, or none"
        raise DataError(where, expected=expected, got=listing(odd, _MOST_NAMED), hint=hint)
    return [str(found[place.shard]) for place in places]


def _samples(shard: str) -> Iterator[list[Member]]:
    """The members of each sample, which stand one behind the other."""
    with _lock:
        # What was open of that name may have been replaced
        if (file := _files.pop((os.getpid(), shard), None)) is not None:
            file.close()
    sample: list[Member] = []
    for member in members(shard):
        if sample and member.key != sample[0].key:
            yield sample
            sample = []
        if member.suffix in [one.suffix for one in sample]:
            where = f"shard {shard}: sample {quote(member.key)}"
            hint = "write the shard again, each member once"
            raise DataError(where, expected="one member of each name", got=f"two .{member.suffix}", hint=hint)
        sample.append(member)
    if sample:
        yield sample


def _image(sample: Sequence[Member], asked: str | None, where: str) -> Member:
    wanted = None if asked is None else asked.removeprefix(".").lower()
    found = [
        member
        for member in sample
        if (member.suffix.rpartition(".")[2] in _IMAGES if wanted is None else member.suffix == wanted)
    ]
    if len(found) == 1:
        return found[0]
    place = f"{where}: sample {quote(sample[0].key)} of {sample[0].shard}"
    have = listing([member.suffix or "no suffix" for member in sample], _MOST_NAMED)
    if len(found) > 1:
        # Beside an image of such a name is more that belongs to it alone
        stems = {one.suffix.rpartition(".")[0] for one in found} - {""}
        others = {one.suffix.rpartition(".")[0] for one in sample if one not in found}
        hint = f'say image="{found[0].suffix}"'
        if stems & others:
            name = f"{found[0].key}.{found[0].suffix}"
            hint = f"write names without dots, {name!r} is cut at its first one as webdataset does it"
        raise DataError(place, expected="one image", got=have, hint=hint)
    expected = f"an image ({listing(_IMAGES)})" if wanted is None else f"a member .{wanted}"
    raise DataError(place, expected=expected, got=have)


def _cells(sample: Sequence[Member], image: Member) -> dict[str, Any]:
    """What stands beside an image: texts by their suffix, fields of JSON by their name.

    A field that is called like a text beside it has the name of its file, too.
    """
    cells: dict[str, Any] = {}
    texts = {member.suffix for member in sample} & {*_TEXT}
    for member in sample:
        if member is image or member.suffix not in (_JSON, *_TEXT):
            continue
        where = f"shard {member.shard}: {member.key}.{member.suffix}"
        if member.size > _MOST_BYTES:
            raise DataError(where, expected=f"at most {_MOST_BYTES} bytes", got=str(member.size))
        content = _content(member)
        try:
            # Windows' editors begin a file with a mark
            text = content.decode("utf-8-sig")
            found = json.loads(text) if member.suffix == _JSON else text.strip()
        except (ValueError, RecursionError) as error:
            expected = "an object of JSON" if member.suffix == _JSON else "a text in UTF-8"
            raise DataError(where, expected=expected, got=reason(error)) from None
        if isinstance(found, Mapping):
            named = {f"{name}{_IN_JSON}" if name in texts else str(name): found[name] for name in found}
            cells |= named
        elif member.suffix == _JSON:
            raise DataError(where, expected="an object of JSON", got=quote(found))
        else:
            # What begins with a zero is a name, as are digits by the hundred
            cells[member.suffix] = int(found) if _WHOLE.fullmatch(found) else found
    return cells


def _settle(cells: Sequence[dict[str, Any]], where: str) -> None:
    """Leaves fields of JSON out that are the texts of the same name; others are said."""
    for name in [name + _IN_JSON for name in _TEXT]:
        own, there = name.removesuffix(_IN_JSON), [row for row in cells if name in row]
        odd = next((row for row in there if str(row[own]) != str(row[name])), None)
        if odd is not None:
            got = f"{quote(odd[own])} in .{own} and {quote(odd[name])} in its field of .json"
            warn(f"{where}: {own} is the member, {quote(name)} the field, as a sample has {got}")
            continue
        for row in there:
            del row[name]


_files: dict[tuple[int, str], IO[bytes]] = {}
_lock = Lock()
_MOST_OPEN = 64


def _content(member: Member) -> bytes:
    """The bytes of a member; files stay open, each process its own."""
    # A fork shares the place in a file with its parent
    key = (os.getpid(), member.shard)
    with _lock, reached(member.shard):
        if key not in _files:
            while len(_files) >= _MOST_OPEN:
                _files.pop(next(iter(_files))).close()
            _files[key] = opened(member.shard)
        file = _files[key]
        file.seek(member.start)
        found = file.read(member.size)
    if len(found) != member.size:
        got, hint = f"{len(found)} of {member.size} bytes", "it has changed, or broke off"
        raise DataError(f"shard {member.shard}: {member.key}", expected="it whole", got=got, hint=hint)
    return found
