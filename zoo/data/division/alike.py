"""Images that look alike, as groups that stay on one side; looked for once, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from zoo.data.reading import in_threads
from zoo.images.libraries import pixel_libraries
from zoo.images.near_duplicates import look_alikes, thumbnail
from zoo.interfaces.dataset import Dataset
from zoo.registry import cache
from zoo.registry.plugins.installed import CORE
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, warn

_FORMAT = 1
_LEAST = (64, 72)
"""Pixels that a thumbnail of 8 x 9 is made of at least: JPEGs are read at a reduced scale."""


def alike(dataset: Dataset) -> list[str | None]:
    """The group of each image among those that look alike, called by its first; None for no group.

    Each image is read once, by threads; of files that have not changed since, it is remembered on the disk.

    Args:
        dataset: all images.

    Raises:
        DataError: an image cannot be read.
    """
    found: list[str | None] = [None] * len(dataset)
    for group in _groups(dataset):
        for i in group:
            found[i] = str(group[0])
    return found


def check_drawn(
    dataset: Dataset, groups: Sequence[str | None], given: Sequence[str | None], *, folded: bool
) -> None:
    """Refuses to keep images together where no side of theirs is drawn, and tells of those that are apart.

    Args:
        dataset: all images.
        groups: from `alike`.
        given: splits that the user made, None for none.
        folded: whether folds are asked for, which are drawn from train and val.

    Raises:
        OptionError: the splits or folds are the user's own.
    """
    folds = any(dataset.fold_of(i) is not None for i in range(len(dataset)))
    if folds or (any(given) and not folded and not ("train" in given and "val" not in given)):
        got = f"{'folds' if folds else 'splits'} of your own"
        hint = "leave it out; zoo data says which images look alike in two of them"
        raise OptionError("near_duplicates", expected="splits that are drawn", got=got, hint=hint)
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        if group is not None:
            members.setdefault(group, []).append(i)
    apart = [found for found in members.values() if len({given[i] == "test" for i in found}) > 1]
    if apart:
        what = counted(len(apart), "group")
        warn(f"{what} of images look alike in the test split and outside, {_first(dataset, apart[0])} first")
    most = max(members.values(), key=len, default=[])
    if (count := len(most)) * 2 > len(groups):
        what = f"{counted(count, 'image')} of {len(groups)} look alike, each like another"
        warn(f"{what}, and stay in one split: {_first(dataset, most)} first")


def _first(dataset: Dataset, group: Sequence[int]) -> str:
    return " and ".join(dataset.name(i) for i in group[:2])


def _groups(dataset: Dataset) -> list[list[int]]:
    # What is in memory is looked at as fast as it is hashed
    fingerprint = dataset.fingerprint if dataset.files is not None else None
    if fingerprint is None:
        return _looked_for(dataset)
    key = [_FORMAT, version(CORE), sorted(map(list, pixel_libraries().items())), len(dataset), fingerprint]
    file = f"alike/{fingerprint}.jsonl"
    if (kept := cache.read(file, key)) is not None:
        groups: list[list[int]] = kept["groups"]
        return groups
    groups = _looked_for(dataset)
    if all(map(dataset.unchanged, range(len(dataset)))):
        cache.write(file, key, {"groups": groups})
    return groups


def _looked_for(dataset: Dataset) -> list[list[int]]:
    numbers = range(len(dataset))
    return look_alikes(
        in_threads(lambda i: thumbnail(dataset.reduced(i, _LEAST).image), numbers, "comparing images")
    )
