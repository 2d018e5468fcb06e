"""Data around another data set, and views: some of what it tells is told otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.data.division.alike import alike
from zoo.data.division.sides import connected
from zoo.data.sources.class_folders import RootedFiles
from zoo.data.sources.variant_names import groups_of
from zoo.images.ranges import How, scaled_by
from zoo.interfaces.dataset import Dataset, Sample, fingerprint_of
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks import Task
from zoo.spec.data_options import DataOptions, fold_pair
from zoo.spec.errors import DataError, quote

_FEWEST = 2


class Around(Dataset):
    """A data set made of another one, which it passes on.

    Args:
        source: the other one.
    """

    def __init__(self, source: Dataset) -> None:
        self.source = source
        self.task, self.masks = source.task, source.masks
        self.labels, self.numbered, self.tagged = source.labels, source.numbered, source.tagged
        # A copy: what data have by default cannot be sent to workers
        self.fields = dict(source.fields)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        return self.source[index]

    @property
    def targets(self) -> Sequence[Any]:
        """Targets in the data."""
        return self.source.targets

    @property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # looks at all images, when asked for
        """The fingerprint of the data."""
        return self.source.fingerprint

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

    def fold_of(self, index: int) -> int | None:
        """The fold in the data."""
        return self.source.fold_of(index)

    def order_of(self, index: int) -> Any:
        """The place in time in the data."""
        return self.source.order_of(index)

    def for_task(self, task: Task | None) -> Dataset:
        """The data as they are: what is around them was read for a task."""
        return self


class View(Around):
    """The data of another data set, some of which is told otherwise.

    Attributes:
        values: range that the numbers of its images are scaled by; None for that of the data.
    """

    values: How | None = None

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample in the data, read for a size."""
        # Whoever makes samples in another way has more in them than an image
        if type(self).__getitem__ is not Around.__getitem__:
            return self[index]
        return self.source.reduced(index, least)


class Subset(View):
    """Subset of the samples of a data set.

    Args:
        source: the whole.
        indices: which samples.
    """

    def __init__(self, source: Dataset, indices: Sequence[int]) -> None:
        super().__init__(source)
        self.indices = [*indices]
        files = source.files
        self.files = None if files is None else [files[i] for i in self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.source[self.indices[index]]

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample in the whole set, read for a size."""
        return self.source.reduced(self.indices[index], least)

    @property
    def targets(self) -> Sequence[Any]:
        """Targets of the samples that are left."""
        targets = self.source.targets
        return [targets[i] for i in self.indices]

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # looks at all images, when asked for
        """Digest of the names and images of the samples that are left."""
        return fingerprint_of(self)

    def name(self, index: int) -> str:
        """The name that the whole set gives it."""
        return self.source.name(self.indices[index])

    def key(self, index: int) -> str:
        """The digest that the whole set gives it."""
        return self.source.key(self.indices[index])

    def unchanged(self, index: int) -> bool:
        """Whether the image in the whole set is."""
        return self.source.unchanged(self.indices[index])

    def split_of(self, index: int) -> str | None:
        """The split that it has in the whole set."""
        return self.source.split_of(self.indices[index])

    def group_of(self, index: int) -> str | None:
        """The group that it has in the whole set."""
        return self.source.group_of(self.indices[index])

    def fold_of(self, index: int) -> int | None:
        """The fold that it has in the whole set."""
        return self.source.fold_of(self.indices[index])

    def order_of(self, index: int) -> Any:
        """The place that it has in the whole set."""
        return self.source.order_of(self.indices[index])


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
        # What files say goes behind the user's word; their names tell variants, which stay together as well
        variants = groups_of([Path(source.name(i)) for i in range(len(source))])
        rest = [] if isinstance(source, RootedFiles) else [i for i, own in enumerate(variants) if own is None]
        groups = map(source.group_of, rest)
        if own := next(filter(None, groups), None):
            got, hint = f"the data's own ({quote(own)} first) and another", "leave out group"
            raise DataError("data: group", expected="one kind of group", got=got, hint=hint)
        found = (re.search(pattern, source.name(i)) for i in range(len(source)))
        asked = [_group(match) if match else None for match in found]
        if len({*asked}) < _FEWEST:
            got = f"{quote(pattern)} in no name" if None in asked else "all in one"
            hint = f"names are such as {quote(source.name(0))}"
            raise DataError("data: group", expected="two groups or more", got=got, hint=hint)
        self._groups = connected(asked, variants)

    def group_of(self, index: int) -> str | None:
        """The group by the name."""
        return self._groups[index]


def with_options(data: Dataset, options: DataOptions) -> Dataset:
    """The data with what the options of any data say of their sides.

    Args:
        data: as they are.
        options: beside them.

    Raises:
        DataError: they do not fit.
    """
    if options.group is not None:
        data = Grouped(data, options.group)
    if options.near_duplicates is not None:
        data = AlikeTogether(data)
    return data if options.fold is None else Folded(data, fold_pair(options.fold))


def _group(match: re.Match[str]) -> str:
    return "\0".join(part or "" for part in match.groups()) or match.group()


class Folded(View):
    """Data of which one fold of cross-validation is the test; see `zoo.data.splits.split`.

    Args:
        source: the data as they are.
        fold: its number, from 1, and how many there are.
    """

    def __init__(self, source: Dataset, fold: tuple[int, int]) -> None:
        super().__init__(source)
        self.fold = fold


class AlikeTogether(View):
    """Data of which images that look alike stay on one side; see `zoo.data.splits.split`.

    Args:
        source: the data as they are.
    """

    @cached_property
    def alike(self) -> list[str | None]:
        """The group of each sample among those that look alike; see `zoo.data.division.alike`."""
        return alike(self.source)


def files_of(data: Dataset) -> Sequence[Path] | None:
    """The files of the images, whatever is around them; None where these are none."""
    if data.files is not None or not isinstance(data, Around) or isinstance(data, Subset):
        return data.files
    return files_of(data.source)


def groups_said(data: Dataset) -> bool:
    """Whether somebody said groups, beside the data or by a column of a table."""
    if isinstance(data, Records):
        return data.roles.group is not None
    return isinstance(data, Grouped) or (isinstance(data, View) and groups_said(data.source))


def keeps_alike(data: Dataset) -> bool:
    """Whether somebody asked that images that look alike stay together."""
    return isinstance(data, AlikeTogether) or (isinstance(data, View) and keeps_alike(data.source))


def alike_asked(data: Dataset) -> list[str | None] | None:
    """The groups of images that look alike; None where nobody asked that they stay together."""
    if isinstance(data, AlikeTogether):
        return data.alike
    if isinstance(data, View) and data.values is not None:
        with scaled_by(data.values):
            return alike_asked(data.source)
    found = alike_asked(data.source) if isinstance(data, View) else None
    return [found[i] for i in data.indices] if found is not None and isinstance(data, Subset) else found


def fold_asked(data: Dataset) -> tuple[int, int] | None:
    """The fold that is the test, by number and count; None where the data are split as usual."""
    if isinstance(data, Folded):
        return data.fold
    return fold_asked(data.source) if isinstance(data, View) else None


def source_of(data: Dataset) -> Dataset:
    """The data as they are, whatever a view tells otherwise."""
    return source_of(data.source) if isinstance(data, View) else data


def innermost(data: Dataset) -> Dataset:
    """The data whose images others are made of: without views, and without masks beside them."""
    return innermost(data.source) if isinstance(data, Around) else data
