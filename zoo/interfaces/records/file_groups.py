"""Groups that the files of images say by themselves, such as patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from zoo.images.readers import group_reader
from zoo.spec.display import counted
from zoo.spec.errors import DataError, quote, warn

_MOST_KEPT = 1 << 17


def groups_in(
    files: Sequence[Path] | None,
    where: str,
    other: str = "group names a column instead",
    sides: Sequence[Hashable] = (),
) -> list[str | None]:
    """The group of each file, and a word on it; nothing where no reader tells groups.

    Where the user made the sides, a group is one inside of its side, and a warning names those on several.

    Args:
        files: of images; None where these are no files.
        where: what to call the data in messages.
        other: how other groups are said.
        sides: split or fold of each, where the user said it.
    """
    found = read_groups(files)
    if not any(side is not None for side in sides):
        if count := len({*found} - {None}):
            groups = counted(count, "group")
            said = f"images stay in one split by what their files say, {groups}"
            warn(f"{where}: {said}; {other}")
        return found
    if not files or not found:
        return []
    if apart := parted(found, sides):
        warn(f"{where}: {words_of_parted(found, apart)}: {' and '.join(str(files[i]) for i in apart[0])}")
    pairs = zip(found, sides, strict=True)
    return [None if group is None else f"{side}\0{group}" for group, side in pairs]


def read_groups(files: Sequence[Path] | None) -> list[str | None]:
    """The group of each file, without a word; nothing where no reader tells groups.

    Args:
        files: of images; None where these are no files.
    """
    suffixes = {file.suffix.lower() for file in files or ()}
    readers = {suffix: read for suffix in suffixes if (read := group_reader(suffix)) is not None}
    found: list[str | None] = []
    for file in files or () if readers else ():
        found.append(None)
        # What cannot be read is said where images are
        with suppress(DataError, OSError):
            if (read := readers.get(file.suffix.lower())) is not None:
                state = file.stat()
                found[-1] = _read(read, file, state.st_size, state.st_mtime_ns)
    return found


@lru_cache(_MOST_KEPT)
def _read(read: Callable[[Path], str | None], file: Path, size: int, changed: int) -> str | None:
    """The group of a file, read once as long as its size and time are the same."""
    return read(file)


def parted(groups: Sequence[str | None], sides: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Groups that are on several sides, each by two samples on different ones.

    Args:
        groups: of the samples.
        sides: of the samples; None for none.

    Example:
        >>> parted(["p1", "p2", "p1", None, "p2"], ["train", "train", "test", "test", "train"])
        [(0, 2)]
    """
    places: dict[str, dict[Hashable, int]] = defaultdict(dict)
    for i, (group, side) in enumerate(zip(groups, sides, strict=True)):
        if group is not None:
            places[group].setdefault(side, i)
    return [(own[0], own[1]) for found in places.values() if len(own := [*found.values()]) > 1]


def words_of_parted(groups: Sequence[str | None], apart: Sequence[tuple[int, int]]) -> str:
    """Words for groups that files say on several sides of the user's.

    Args:
        groups: of the samples.
        apart: from `parted`.
    """
    count = counted(len(apart), "group")
    first = quote(groups[apart[0][0]])
    said = f"{count} that files say, such as patients, in more than one split ({first} first)"
    return f"{said}: figures may be too good"
