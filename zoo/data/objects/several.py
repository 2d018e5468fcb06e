"""Data of several sources in one: classes matched by name, each image's source kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from zoo.data.label_mapping import Relabelled, called_in, check_rows
from zoo.data.objects.joined import Joined, joined_labels
from zoo.data.view import Subset, View
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_classes
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.display import counted
from zoo.spec.errors import DataError, did_you_mean, listing, quote, warn
from zoo.spec.hints.spoken import data_option
from zoo.spec.names import closest

Classes = Mapping[str, str | None]
"""Classes of a source, and what they are called in all; None or nothing for one that is left out."""

_MOST_NAMES = 6
_FEWEST = 3


class Several(Joined):
    """Data sets of several sources in one.

    Args:
        parts: by the names of the sources, each read for one task.
        classes: of some of them, what their classes are called.
        by_source: whether each source is a group, which stays in one split.

    Raises:
        DataError: they do not fit each other, or a class that is mapped is none.

    Example:
        >>> from zoo.data.objects.arrays import listed
        >>> import numpy as np
        >>> image = np.zeros((8, 8), np.uint8)
        >>> mine, theirs = listed([image] * 2, ["dog", "cat"]), listed([image] * 2, ["kitten", "dog"])
        >>> data = Several({"mine": mine, "theirs": theirs}, {"theirs": {"kitten": "cat"}})
        >>> data.labels, data.targets, data.source_name(3)
        (('cat', 'dog'), [1, 0, 0, 1], 'theirs')
    """

    def __init__(
        self,
        parts: Mapping[str, Dataset],
        classes: Mapping[str, Classes] | None = None,
        *,
        by_source: bool = False,
    ) -> None:
        tables = {name: (classes or {}).get(name, {}) for name in parts}
        called = {name: _called(name, part, tables[name]) for name, part in parts.items()}
        numbers = _settled(parts, tables, called)
        _check_alike(parts, numbers)
        if by_source and len(parts) < _FEWEST:
            expected = "three or more, one each to train on, to validate with and for the test"
            hint = "leave group out, or train on one of them and measure on the other"
            raise DataError("group = source: sources", expected=expected, got=str(len(parts)), hint=hint)
        self.by_source = by_source
        self.numbered = numbers == {*parts}
        named = [tuple(label for label in labels if label is not None) for labels in called.values()]
        self.labels = joined_labels(named, numbered=self.numbered)
        whole = [{*part.labels} == {*self.labels} for name, part in parts.items() if not tables[name]]
        if any(tables.values()) and not any(whole):
            # A source that is called otherwise has the order of its own names
            self.labels = tuple(sorted(self.labels))
        self.task = _task(parts, len(self.labels))
        kept = {name: self._as_all(name, part, called[name]) for name, part in parts.items()}
        super().__init__(kept)
        self._tell(dict(zip(parts, named, strict=True)))

    def _as_all(self, name: str, part: Dataset, called: Sequence[str | None]) -> Dataset:
        """A source with the labels of all, without what is left out."""
        if not called:
            return part
        if self.numbered:
            return Relabelled(part, self.labels, range(len(called)), self._task_for(part))
        if (*called,) == (*part.labels,):
            check_rows(part, self.labels, f"data {name}")
        if None in called and not part.masks:
            left = {number for number, label in enumerate(called) if label is None}
            kept = [i for i, target in enumerate(part.targets) if target not in left]
            if not kept:
                raise DataError(f"data {name}", expected="images that are not left out", got="none")
            out = listing(quote(part.labels[number]) for number in sorted(left))
            warn(f"{name}: {counted(len(part) - len(kept), 'image')} of {out} left out, as classes says")
            part = Subset(part, kept)
        # What no pixel may count as is what masks leave uncounted
        numbers = [IGNORED if label is None else self.labels.index(label) for label in called]
        return Relabelled(part, self.labels, numbers, self._task_for(part))

    def _task_for(self, part: Dataset) -> Task:
        return self.task or part.task or Task()

    def _tell(self, named: Mapping[str, Sequence[str]]) -> None:
        """Says which classes one source alone has: there a model may learn the source for the class."""
        alone: dict[str, list[str]] = {name: [] for name in named}
        for label in self.labels if len(named) > 1 and not self.numbered else ():
            having = [name for name, labels in named.items() if label in labels]
            if len(having) == 1:
                alone[having[0]].append(label)
        alone = {name: found for name, found in alone.items() if found}
        whole = [n for n, part in zip(self.names, self.parts, strict=True) if part.split_of(0) is None]
        if whole and len(whole) < len(self.names):
            split = listing(name for name in self.names if name not in whole)
            warn(f"{listing(whole)}: no splits, so that all images are trained on; {split} has some")
        if not alone:
            return
        told = [f"{name}: {listing(map(quote, found), _MOST_NAMES)}" for name, found in alone.items()]
        what = "classes of one source alone, which may be told by the source and not by the class"
        warn(f"{what}: {'; '.join(told)}{_meant(alone)}")

    def source_name(self, index: int) -> str:
        """The name of the source that an image is from."""
        return self.names[self.place(index)[0]]

    def split_of(self, index: int) -> str | None:
        """The split in its source."""
        part, at = self.place(index)
        return self.parts[part].split_of(at)

    def fold_of(self, index: int) -> int | None:
        """The fold in its source."""
        part, at = self.place(index)
        return self.parts[part].fold_of(at)

    def order_of(self, index: int) -> Any:
        """The place in time in its source."""
        part, at = self.place(index)
        return self.parts[part].order_of(at)

    def group_of(self, index: int) -> str | None:
        """The source where that is asked for, else the group in it; one source's are not another's."""
        part, at = self.place(index)
        if self.by_source:
            return self.names[part]
        own = self.parts[part].group_of(at)
        return None if own is None else f"{self.names[part]}\0{own}"


def sources_of(data: Dataset) -> list[str] | None:
    """The source of each image; None for data of one source."""
    if isinstance(data, Several):
        return [data.source_name(i) for i in range(len(data))]
    found = sources_of(data.source) if isinstance(data, View) else None
    return [found[i] for i in data.indices] if found is not None and isinstance(data, Subset) else found


def told(data: Dataset, indices: Sequence[int]) -> list[str]:
    """Names of some images; where these are of several sources, with the source of each."""
    names, sources = [data.name(i) for i in indices], sources_of(data)
    if sources is None or len({sources[i] for i in indices}) == 1:
        return names
    return [f"{name} (of {quote(sources[i])})" for name, i in zip(names, indices, strict=True)]


def _called(name: str, part: Dataset, table: Classes) -> list[str | None]:
    """What the classes of a source are called in all, None for those that are left out."""
    if not table:
        return [*part.labels]
    where = f"data {name}: classes"
    if not part.labels:
        raise DataError(where, expected="data with classes", got="none", hint="leave it out")
    for label in table:
        if label not in part.labels:
            close = closest(label, part.labels)
            known = listing(map(quote, part.labels), _MOST_NAMES)
            hint = did_you_mean(label, close) if close else None
            raise DataError(where, expected=f"classes of it, {known}", got=quote(label), hint=hint)
    found = [table.get(label, label) or None for label in part.labels]
    numbers = part.masks or all(isinstance(target, int) for target in part.targets)
    if not numbers and (None in found or len({*found}) < len(found)):
        expected, got = "each label called otherwise", "labels left out, or two of one name"
        hint = f"choose the columns with {data_option('target', ['...', '...'])}"
        raise DataError(where, expected=expected, got=got, hint=hint)
    return found


def _settled(
    parts: Mapping[str, Dataset], tables: Mapping[str, Classes], called: dict[str, list[str | None]]
) -> set[str]:
    """The sources whose numbers are no names; those of the others become names in `called`."""
    open_ = [name for name, part in parts.items() if part.numbered and not tables[name]]
    named = [label for name, labels in called.items() if name not in open_ for label in labels if label]
    found = {name: called_in(parts[name], named, f"data {name}") for name in open_}
    called.update({name: [*labels] for name, labels in found.items() if labels is not None})
    return {name for name, labels in found.items() if labels is None}


def _check_alike(parts: Mapping[str, Dataset], numbers: Collection[str]) -> None:
    """Raises DataError where sources differ in what their images are learnt for, or are split by."""
    facts: dict[str, dict[str, str]] = {
        "masks in all or in none": {n: "masks" if p.masks else "no masks" for n, p in parts.items()},
        "one task": {n: _kind(p) for n, p in parts.items()},
        "classes with names in all or in none": {
            n: "numbers" if n in numbers else "names" for n, p in parts.items() if p.labels
        },
        "an order in all or in none": {
            n: "no order" if p.order_of(0) is None else "an order" for n, p in parts.items() if len(p)
        },
        "folds in all or in none": {
            n: "no folds" if p.fold_of(0) is None else "folds" for n, p in parts.items() if len(p)
        },
    }
    for expected, found in facts.items():
        if len({*found.values()}) > 1:
            got = listing(f"{word} ({name})" for name, word in found.items())
            first = next((n for n in parts if n in numbers), None)
            way = f"say what each number is, classes = {{0 = ...}} beside {first}"
            hint = way if "numbers" in found.values() else None
            raise DataError("data: sources", expected=expected, got=got, hint=hint)


def _kind(part: Dataset) -> str:
    return "classes" if _by_count(part) else part.task.name if part.task else "no targets"


def _by_count(part: Dataset) -> bool:
    """Whether its task follows from the number of its classes."""
    return bool(part.labels) and not part.masks and type(part.task) is type(for_classes(len(part.labels)))


def _task(parts: Mapping[str, Dataset], count: int) -> Task | None:
    if all(map(_by_count, parts.values())):
        return for_classes(count)
    return max(parts.values(), key=lambda part: len(part.labels)).task


def _meant(alone: dict[str, list[str]]) -> str:
    """Which classes may be one, by their names."""
    # What comes later is called as what was there before
    for name, labels in reversed(alone.items()):
        others = [label for other, found in alone.items() if other != name for label in found]
        for label in labels:
            if near := closest(label, others):
                table = f"classes = {{{label} = {quote(near[0])}}}"
                return f"; if {quote(label)} is {quote(near[0])}, say {table} beside {name}"
    return ""
