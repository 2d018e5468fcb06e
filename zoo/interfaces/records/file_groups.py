"""Groups that the files of images say by themselves, such as patients."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from zoo.images.readers import group_reader
from zoo.spec.display import counted
from zoo.spec.errors import DataError, warn


def groups_in(
    files: Sequence[Path] | None, where: str, other: str = "group names a column instead"
) -> list[str | None]:
    """The group of each file, and a word on it; nothing where no reader tells groups.

    Args:
        files: of images; None where these are no files.
        where: what to call the data in messages.
        other: how other groups are said.
    """
    suffixes = {file.suffix.lower() for file in files or ()}
    readers = {suffix: read for suffix in suffixes if (read := group_reader(suffix)) is not None}
    if not files or not readers:
        return []
    found: list[str | None] = []
    for file in files:
        found.append(None)
        # What cannot be read is said where images are
        with suppress(DataError):
            found[-1] = readers[suffix](file) if (suffix := file.suffix.lower()) in readers else None
    if count := len({*found} - {None}):
        groups = counted(count, "group")
        said = f"images stay in one split by what their files say, {groups}"
        warn(f"{where}: {said}; {other}")
    return found
