"""Findings: mistakes in data, and what is worth knowing of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.division.alike import check_drawn
from zoo.data.imbalance import class_counts, lacking, several, unbalanced
from zoo.data.inspection.keyed import Keyed
from zoo.data.objects.several import told
from zoo.data.sources.layout import Layout
from zoo.data.splits import split
from zoo.data.view import files_of, fold_asked, groups_said, keeps_alike
from zoo.images.facts import FileFacts
from zoo.images.near_duplicates import Thumbnail, look_alikes
from zoo.images.pages import left_out
from zoo.images.scale import built, few_bits
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.file_groups import parted, read_groups, words_of_parted
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError
from zoo.spec.hints.spoken import argument, data_option

Counts = npt.NDArray[np.int64]

_MANY, _TIMES, _RARE = 20, 4, 20
"""Images from which on some are called odd; sides above or below the median; one of so many is rare."""

_FEW = 3
"""A class needs so many images to be in train, val and test."""

_BANDS = 4
"""As many channels are none too many for an image of one row."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding on the data.

    Args:
        stops: whether a training would stop at it.
        text: in one line.
        names: the images that it is about; those that belong together are one text.
        places: numbers of these images, of those that belong together in one tuple; as many as names or none.
    """

    stops: bool
    text: str
    names: tuple[str, ...] = ()
    places: tuple[tuple[int, ...], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """One image that was looked at.

    Args:
        key: digest of its content; empty where it could not be had.
        error: why it cannot be read.
        facts: of its file.
        shape: H, W, C.
        deep: whether it has more than 8 bits.
        flat: whether all its pixels are the same.
        small: to compare it by.
        pixels: of its mask, how many pixels have each value.
        tops: its highest value in [0, 1], where its file has 16 bits.
        ends: its lowest and highest number, where it is no image only by these.
    """

    key: str
    error: str | None = None
    facts: FileFacts | None = None
    shape: tuple[int, ...] = ()
    deep: bool = False
    flat: bool = False
    small: Thumbnail | None = None
    pixels: Counts | None = None
    tops: Sequence[float] = ()
    ends: tuple[float, float] | None = None


def findings(dataset: Dataset, seen: Sequence[InspectedImage], layout: Layout | None) -> list[Finding]:
    """All findings on a data set: what stops a training, copies, look-alikes, classes, files.

    Args:
        dataset: whose names, targets and splits count.
        seen: its images.
        layout: the folder that they come from, if they do.
    """
    found = [Finding(True, str(problem)) for problem in (layout.problems if layout else ())]
    found += [*_unreadable(dataset, seen), *_beyond(dataset, seen), *_copies(dataset, seen)]
    # Else splitting would stop at some of it once more
    if not found or not any(finding.stops for finding in found):
        found += _unsplittable(dataset, seen)
    found += [*_patients(dataset), *_alike(dataset, seen), *_counts(dataset), *_absent(dataset, seen)]
    return [*found, *_dark(dataset, seen), *_odd(dataset, seen), *_files(dataset, seen, layout)]


def _unreadable(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    names = {i: f"{dataset.name(i)}: {s.error}" for i, s in enumerate(seen) if s.error and s.ends is None}
    if names:
        hint = f"mend or remove them, or train without them: {argument('skip_unreadable', True)}"
        text = f"{counted(len(names), 'image')} cannot be read; {hint}"
        yield Finding(True, text, tuple(names.values()), tuple((i,) for i in names))


def _beyond(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    """Images of numbers on another scale, which a model with a range reads."""
    ends = {i: s.ends for i, s in enumerate(seen) if s.ends is not None}
    if ends:
        low, high = min(low for low, _ in ends.values()), max(high for _, high in ends.values())
        way = f"{built(low, high)} of all of them, or the lowest and highest that matter"
        names = tuple(f"{dataset.name(i)}: {seen[i].error}" for i in ends)
        text = f"{counted(len(ends), 'image')} with values beyond [0, 1]: {way}"
        yield Finding(True, text, names, tuple((i,) for i in ends))


def _dark(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    deep = {i: s.tops for i, s in enumerate(seen) if s.tops}
    # Numbers beyond that scale ask for a range of their own
    beyond = any(s.ends is not None for s in seen)
    if not beyond and (words := few_bits([top for own in deep.values() for top in own])):
        yield _of_images(dataset, f"{counted(len(deep), 'image')} of 16 bits: {words}", [*deep])


def _copies(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    by_key = defaultdict(list)
    for i, s in enumerate(seen):
        if s.key:
            by_key[s.key].append(i)
    groups = [group for group in by_key.values() if len(group) > 1]
    targets = dataset.targets
    apart = [g for g in groups if len({dataset.split_of(i) for i in g}) > 1]
    if apart:
        text = f"{counted(len(apart), 'image')} in more than one split; keep one copy of each"
        yield Finding(True, text, *_joined(dataset, apart))
    two = [g for g in groups if len({str(targets[i]) for i in g}) > 1]
    if two:
        text = f"{counted(len(two), 'image')} with two labels; at least one of them is wrong"
        yield Finding(False, text, *_joined(dataset, two))
    rest = [g for g in groups if g not in apart and g not in two]
    if rest:
        text = f"{counted(len(rest), 'image')} more than once; all copies go to the same split"
        yield Finding(False, text, *_joined(dataset, rest))


def _alike(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    # Of identical images the first alone, as `_copies` has told of them
    first = {s.key: i for i, s in reversed([*enumerate(seen)]) if s.small is not None}
    numbers = sorted(first.values())
    small = [s for i in numbers if (s := seen[i].small) is not None]
    groups = [[numbers[i] for i in group] for group in look_alikes(small)]
    given = [dataset.split_of(i) for i in range(len(dataset))]
    if asked := keeps_alike(dataset):
        try:
            check_drawn(dataset, [None] * len(dataset), given, folded=fold_asked(dataset) is not None)
        except OptionError as error:
            yield Finding(True, str(error))
    apart = [g for g in groups if len({given[i] for i in g}) > 1]
    if apart:
        groups_apart = counted(len(apart), "group")
        text = f"{groups_apart} of images look alike, in more than one split: figures may be too good"
        yield Finding(False, text, *_joined(dataset, apart))
    # Where the user made the splits, groups inside of one are no matter
    rest = [g for g in groups if g not in apart]
    if rest and not any(given):
        option = data_option("near_duplicates", "together")
        apart_else = f"may end up in different splits; the option {option} keeps them in one"
        text = f"{counted(len(rest), 'group')} of images look alike, and "
        yield Finding(False, text + ("stay in one split" if asked else apart_else), *_joined(dataset, rest))


def _patients(dataset: Dataset) -> Iterator[Finding]:
    """Groups that files say, such as patients, in several splits or folds of the user's."""
    of = range(len(dataset))
    given = [*map(dataset.split_of, of)]
    sides: list[Any] = given if any(given) else [*map(dataset.fold_of, of)]
    if groups_said(dataset) or all(side is None for side in sides):
        return
    if (groups := read_groups(files_of(dataset))) and (apart := parted(groups, sides)):
        yield Finding(False, words_of_parted(groups, apart), *_joined(dataset, apart, " and "))


def _unsplittable(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    try:
        split(Keyed(dataset, [s.key for s in seen]))
    except DataError as error:
        yield Finding(True, str(error))


def _counts(dataset: Dataset) -> Iterator[Finding]:
    counts = {label: count for label, count in class_counts(dataset).items() if count}
    message = unbalanced(counts, several=several(dataset))
    if message:
        yield Finding(False, message)
    few = [f"{label}: {count}" for label, count in counts.items() if count < _FEW]
    if few and not any(dataset.split_of(i) for i in range(len(dataset))):
        classes = counted(len(few), "class", "classes")
        text = f"{classes} of fewer than {_FEW} images, not enough for val and test"
        yield Finding(False, text, tuple(few))


def _absent(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    # Class numbers with a pixel in some mask
    if not dataset.masks and (without := lacking(dataset)):
        classes = f"{len(without)} class{'es' * (len(without) > 1)}"
        yield Finding(False, f"{classes} without an image", without)
    there = {value for s in seen if s.pixels is not None for value in np.flatnonzero(s.pixels).tolist()}
    names = tuple(label for i, label in enumerate(dataset.labels) if i not in there)
    if dataset.masks and there and names:
        yield Finding(False, f"{counted(len(names), 'class', 'classes')} in no mask", names)


def _odd(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    """Images unlike the others: of one value, of another size, of another depth or number of channels."""
    good = [(i, s) for i, s in enumerate(seen) if s.shape]
    if flat := [i for i, s in good if s.flat]:
        yield _of_images(dataset, f"{counted(len(flat), 'image')} of one value throughout", flat)
    # More of the last axis than of the first, as no image has that is H x W x C
    if turned := [i for i, s in good if s.shape[2] > max(s.shape[0], _BANDS)]:
        what = "with more channels than rows: arrays are H x W x C, not C x H x W"
        yield _of_images(dataset, f"{counted(len(turned), 'image')} {what}", turned)
    if len(good) < _MANY:
        return
    sides = np.array([s.shape[:2] for _, s in good], float)
    ratio = np.abs(np.log(sides / np.median(sides, axis=0))).max(axis=1)
    if odd := [i for (i, _), far in zip(good, ratio, strict=True) if far > np.log(_TIMES)]:
        what = f"more than {_TIMES} times the median one, or less than a quarter of it"
        text = f"{counted(len(odd), 'image')} with a side {what}"
        yield _of_images(dataset, text, odd)
    channels = {i: (s.deep, s.shape[2]) for i, s in good}
    common = Counter(channels.values())
    rare = [i for i, own in channels.items() if common[own] * _RARE <= len(good)]
    if rare:
        text = f"{counted(len(rare), 'image')} of another depth or other channels than most"
        yield _of_images(dataset, text, rare)


def _of_images(dataset: Dataset, text: str, indices: Sequence[int]) -> Finding:
    return Finding(False, text, tuple(map(dataset.name, indices)), tuple((i,) for i in indices))


def _files(dataset: Dataset, seen: Sequence[InspectedImage], layout: Layout | None) -> Iterator[Finding]:
    moving = [i for i, s in enumerate(seen) if s.facts and s.facts.frames > 1]
    if moving:
        words = left_out(seen[moving[0]].facts).removeprefix("has ")
        yield _of_images(dataset, f"{counted(len(moving), 'image')} of {words}", moving)
    if layout is None:
        return
    if layout.inner != layout.root:
        inner = layout.inner.relative_to(layout.root).as_posix()
        yield Finding(False, f"its only folder, {inner}, is read in the place of the whole")
    for files, text in (
        (layout.aside, "beside the split folders, and not used"),
        (layout.loose, "outside the class folders, and not used"),
        (layout.arrays, ".npy beside images of other kinds, and not used"),
        (layout.others, "called like no image, and not used"),
        (layout.broken, "behind a link to nothing"),
        (layout.again, "behind a link to a folder that is read already"),
        (layout.stored, "in folders of a network drive's own, and not used"),
    ):
        names = tuple(file.relative_to(layout.root).as_posix() for file in files)
        if names:
            yield Finding(False, f"{counted(len(names), 'file')} {text}", names)


def _joined(
    dataset: Dataset, groups: Sequence[Sequence[int]], between: str = " = "
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    names = tuple(between.join(told(dataset, group)) for group in groups)
    return names, tuple(map(tuple, groups))
