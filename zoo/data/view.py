"""Views: data of another data set, some of which is told otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zoo.interfaces.dataset import Dataset, Sample
from zoo.spec.errors import DataError, quote

_FEWEST = 2


class View(Dataset):
    """The data of another data set, told as that one tells them.

    Args:
        source: the data as they are.
    """

    def __init__(self, source: Dataset) -> None:
        self.source = source
        self.task, self.masks, self.fingerprint = source.task, source.masks, source.fingerprint
        self.labels, self.numbered = source.labels, source.numbered

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        return self.source[index]

    @property
    def targets(self) -> Sequence[Any]:
        """Targets in the data."""
        return self.source.targets

    def name(self, index: int) -> str:
        """The name in the data."""
        return self.source.name(index)

    def key(self, index: int) -> str:
        """The digest in the data."""
        return self.source.key(index)

    def unchanged(self, index: int) -> bool:
        """Whether the image in the data is."""
        return self.source.unchanged(index)

    def split_of(self, index: int) -> str | None:
        """The split in the data."""
        return self.source.split_of(index)

    def group_of(self, index: int) -> str | None:
        """The group in the data."""
        return self.source.group_of(index)


class Grouped(View):
    """Data of which the samples with one part of their names in common are a group.

    Args:
        source: the data as they are.
        pattern: regular expression that is looked for in each name; its parts in parentheses are the group,
            or the whole where it has none. A name without it is no group's.

    Raises:
        DataError: it is in no name, or all samples are one group.
    """

    def __init__(self, source: Dataset, pattern: str) -> None:
        super().__init__(source)
        groups = filter(None, map(source.group_of, range(len(source))))
        if own := next(groups, None):
            got, hint = f"the data's own ({quote(own)} first) and another", "leave one of them out"
            raise DataError("data: group", expected="one kind of group", got=got, hint=hint)
        found = (re.search(pattern, source.name(i)) for i in range(len(source)))
        self._groups = [_group(match) if match else None for match in found]
        if len({*self._groups}) < _FEWEST:
            got = f"{quote(pattern)} in no name" if None in self._groups else "all in one"
            hint = f"names are such as {quote(source.name(0))}"
            raise DataError("data: group", expected="two groups or more", got=got, hint=hint)

    def group_of(self, index: int) -> str | None:
        """The group by the name."""
        return self._groups[index]


def _group(match: re.Match[str]) -> str:
    return "\0".join(part or "" for part in match.groups()) or match.group()


def source_of(data: Dataset) -> Dataset:
    """The data as they are, whatever a view tells otherwise."""
    return source_of(data.source) if isinstance(data, View) else data
