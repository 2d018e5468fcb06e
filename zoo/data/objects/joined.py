"""Several data sets read as one, one behind the other."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from zoo.data.view import Subset, View, source_of
from zoo.interfaces.dataset import Dataset, Sample


class Joined(Dataset):
    """Data sets one behind the other, each asked for what is its own.

    Args:
        parts: by their names.
    """

    def __init__(self, parts: Mapping[str, Dataset]) -> None:
        self.names, self.parts = [*parts], [*parts.values()]
        self.masks, self.fields = self.parts[0].masks, dict(self.parts[0].fields)
        self.tagged = all(part.tagged for part in self.parts)
        self.numerals = all(part.numerals for part in self.parts)
        self._ends = [*accumulate(map(len, self.parts))]
        files = [*map(_files, self.parts)]
        if None not in files:
            self.files = [file for own in files for file in own or ()]

    def place(self, index: int) -> tuple[int, int]:
        """The number of the part that a sample is in, and its number there."""
        part = bisect.bisect_right(self._ends, index)
        return part, index - (self._ends[part - 1] if part else 0)

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Sample:
        part, at = self.place(index)
        return self.parts[part][at]

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample in its part, read for a size."""
        part, at = self.place(index)
        return self.parts[part].reduced(at, least)

    @cached_property
    def targets(self) -> Sequence[Any]:
        """Targets of all parts."""
        return [target for part in self.parts for target in part.targets]

    @cached_property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # looks at all images, when asked for
        """Digest of the fingerprints of the parts; None where one has none."""
        found = [part.fingerprint for part in self.parts]
        if None in found:
            return None
        text = "\n".join(f"{name} {print_}" for name, print_ in zip(self.names, found, strict=True))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def name(self, index: int) -> str:
        """The name in its part, behind that of the part where it is no file's."""
        part, at = self.place(index)
        own = self.parts[part].name(at)
        return own if _files(self.parts[part]) is not None else f"{self.names[part]}: {own}"

    def key(self, index: int) -> str:
        """The digest in its part."""
        part, at = self.place(index)
        return self.parts[part].key(at)

    def unchanged(self, index: int) -> bool:
        """Whether the image in its part is."""
        part, at = self.place(index)
        return self.parts[part].unchanged(at)

    def group_of(self, index: int) -> str | None:
        """The group in its part."""
        part, at = self.place(index)
        return self.parts[part].group_of(at)


def joined_in(data: Dataset) -> list[Dataset]:
    """The data sets that one is joined of, as they are; none where it is not."""
    return [source_of(part) for part in data.parts] if isinstance(data, Joined) else []


def _files(part: Dataset) -> Sequence[Path] | None:
    # A view whose labels are called otherwise has the files of what it shows
    if isinstance(part, View) and not isinstance(part, Subset):
        return _files(part.source)
    return part.files


def joined_labels(given: Sequence[tuple[str, ...]], *, numbered: bool) -> tuple[str, ...]:
    """The labels of all parts, in the order of the part that has all of them, else of the alphabet."""
    if numbered:
        return max(given, key=len)
    every = {label for labels in given for label in labels}
    return next((labels for labels in given if {*labels} == every), tuple(sorted(every)))
