"""Several data sets in one, each of which is a split."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

from zoo.data.label_mapping import Relabelled
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, listing, quote


class Parts(Dataset):
    """Data sets by the name of the split that each of them is; labels are matched by name.

    Args:
        parts: by `train`, `val` and `test`, each read for one task.

    Raises:
        DataError: a part has splits of its own.

    Example:
        >>> from zoo.data.objects.arrays import listed
        >>> import numpy as np
        >>> image = np.zeros((8, 8), np.uint8)
        >>> data = Parts({"train": listed([image] * 2, ["dog", "cat"]), "val": listed([image], ["dog"])})
        >>> data.labels, data.targets, data.split_of(2)
        (('cat', 'dog'), [1, 0, 1], 'val')
    """

    def __init__(self, parts: Mapping[str, Dataset]) -> None:
        self.splits = [*parts]
        given = [*parts.values()]
        for name, part in parts.items():
            _check_whole(name, part)
        # A part with images of two classes alone would tell a task of two
        self.task = max(given, key=lambda part: len(part.labels)).task
        self.masks = given[0].masks
        self.numbered = all(part.numbered for part in given)
        self.labels = _labels([tuple(part.labels) for part in given], numbered=self.numbered)
        self.parts = [self._as_all(part) for part in given]
        self._ends = [*accumulate(map(len, self.parts))]
        if all(part.files is not None for part in self.parts):
            self.files = [file for part in self.parts for file in part.files or ()]

    def _as_all(self, part: Dataset) -> Dataset:
        own = tuple(part.labels)
        if not own or own == self.labels:
            return part
        numbers = range(len(own)) if part.numbered else [self.labels.index(label) for label in own]
        return Relabelled(part, self.labels, [*numbers], self.task or Task())

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
        text = "\n".join(f"{split} {print_}" for split, print_ in zip(self.splits, found, strict=True))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def name(self, index: int) -> str:
        """The name in its part, behind that of the split where it is no file's."""
        part, at = self.place(index)
        own = self.parts[part].name(at)
        return own if self.parts[part].files is not None else f"{self.splits[part]}: {own}"

    def key(self, index: int) -> str:
        """The digest in its part."""
        part, at = self.place(index)
        return self.parts[part].key(at)

    def unchanged(self, index: int) -> bool:
        """Whether the image in its part is."""
        part, at = self.place(index)
        return self.parts[part].unchanged(at)

    def split_of(self, index: int) -> str | None:
        """The split that its part is."""
        return self.splits[self.place(index)[0]]

    def group_of(self, index: int) -> str | None:
        """The group in its part."""
        part, at = self.place(index)
        return self.parts[part].group_of(at)


def _check_whole(name: str, part: Dataset) -> None:
    own = {*filter(None, map(part.split_of, range(len(part))))}
    if len(own) > 1 or (own and own != {name}):
        got, hint = listing(map(quote, sorted(own))), "give the data that hold all splits by themselves"
        raise DataError(f"data: {name}", expected="data without splits of their own", got=got, hint=hint)


def _labels(given: Sequence[tuple[str, ...]], *, numbered: bool) -> tuple[str, ...]:
    """The labels of all parts, in the order of the part that has all of them, else of the alphabet."""
    if numbered:
        return max(given, key=len)
    every = {label for labels in given for label in labels}
    return next((labels for labels in given if {*labels} == every), tuple(sorted(every)))
