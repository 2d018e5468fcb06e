"""Samples that belong on one side: identical ones and groups; and the sides of what has an order in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zoo.interfaces.dataset import Dataset
from zoo.spec.errors import DataError, quote

_SOURCE = "\0"
"""Sign behind the name of a source, where data of several have groups."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """Facts of samples that decide on which sides they are, in their order.

    Args:
        keys: digests of the images.
        names: what each belongs to, from `together`.
        strata: which keep their shares; one and the same where there are none.
        given: splits that the user made, None for none.
    """

    keys: Sequence[str]
    names: Sequence[str]
    strata: Sequence[Any]
    given: Sequence[str | None]


def together(keys: Sequence[str], *kinds: Sequence[str | None]) -> list[str]:
    """Names of what must stay together, one a sample: identical ones, its groups, and theirs in turn.

    Args:
        keys: digests of the images.
        kinds: groups of the samples, such as those of patients and those that look alike.

    Example:
        >>> together(["a", "b", "b", "c"], ["left", "left", "right", None])
        ['a', 'a', 'a', 'c']
        >>> together(["a", "b", "c"], ["left", "left", None], [None, "left", "left"])
        ['a', 'a', 'a']
    """
    # Most data have no groups, and a hundred thousand images need no table of none
    if all(group is None for groups in kinds for group in groups):
        return [*keys]
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        while (above := parent.setdefault(node, node)) != node:
            # Halves the way for the next question
            parent[node] = parent.setdefault(above, above)
            node = above
        return node

    # A key, never a group, is the root: without groups each sample is called by its own key, as ever.
    for number, groups in enumerate(kinds):
        for key, group in zip(keys, groups, strict=True):
            if group is None:
                continue
            top = root((number, group))
            if isinstance(top, tuple):
                parent[top] = root(key)
            else:
                parent[root(key)] = top
    return [str(root(key)) for key in keys]


def connected(*kinds: Sequence[str | None]) -> list[str | None]:
    """Groups of several kinds as one: what one kind keeps together, and what another does, in turn.

    Args:
        kinds: groups of the samples; of those that are one the name is the first kind's where it has any.

    Example:
        >>> connected(["p1", "p2", None, None], [None, "cat", "cat", None])
        ['p1', 'p2', 'p2', None]
    """
    roots = together([*map(str, range(len(kinds[0])))], *kinds)
    names: dict[str, str] = {}
    for groups in kinds:
        for top, group in zip(roots, groups, strict=True):
            if group is not None:
                names.setdefault(top, group)
    return [names.get(top) for top in roots]


def order_of(dataset: Dataset) -> list[Any]:
    """The places of all samples in time; nothing where the data tell none."""
    found = [dataset.order_of(i) for i in range(len(dataset))]
    return [] if all(place is None for place in found) else found


def times(indices: Sequence[int], names: Sequence[str], order: Sequence[Any]) -> list[list[int]]:
    """Samples that stay together in time, the earliest first.

    A group counts where its last sample does, and what is of one time stays together.

    Args:
        indices: of the samples that are meant.
        names: what each sample of the data belongs to, from `together`.
        order: the place of each in time.

    Example:
        >>> times([0, 1, 2, 3], ["a", "b", "a", "c"], [1, 2, 3, 2])
        [[1, 3], [0, 2]]
    """
    last: dict[str, Any] = {}
    for i in indices:
        last[names[i]] = max(last.get(names[i], order[i]), order[i])
    found: dict[Any, list[int]] = {}
    for i in indices:
        found.setdefault(last[names[i]], []).append(i)
    return [found[place] for place in sorted(found)]


def in_time(moments: Sequence[Sequence[int]], shares: tuple[float, ...]) -> dict[str, list[int]]:
    """Cuts samples in time: the last are the test, those before them validation.

    Args:
        moments: from `times`.
        shares: of train, val and test.

    Example:
        >>> in_time([[0], [1], [2], [3, 4]], (0.5, 0.25, 0.25))
        {'train': [0], 'val': [2, 1], 'test': [3, 4]}
    """
    count = sum(map(len, moments))
    sides: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    quota = {"test": count * shares[2], "val": count * shares[1]}
    for moment in reversed(moments):
        # A side is closed by what reaches its share; each gets something where there are three times
        side = next((name for name, share in quota.items() if len(sides[name]) < share), "train")
        sides[side] += moment
    return sides


def fill(groups: Mapping[str, Sequence[int]], sides: dict[str, list[int]], names: Iterable[str]) -> None:
    """Gives each side that has nothing the smallest group of train, as long as that keeps one.

    Of few large groups each may be the only one that counts for its class, so that all are trained on.

    Args:
        groups: samples that stay together, by name.
        sides: is changed.
        names: of the sides that shall have some.

    Example:
        >>> sides = {"train": [0, 1, 2, 3, 4], "val": [], "test": []}
        >>> fill({"a": [0, 1], "b": [2], "c": [3, 4]}, sides, ["val", "test"])
        >>> sides
        {'train': [3, 4], 'val': [2], 'test': [0, 1]}
    """
    for name in names:
        inside = {*sides["train"]}
        left = sorted((len(members), key) for key, members in groups.items() if members[0] in inside)
        if not sides[name] and len(left) > 1:
            sides[name] += groups[left[0][1]]
            sides["train"] = [i for i in sides["train"] if i not in {*sides[name]}]


def check_apart(
    dataset: Dataset,
    names: Sequence[str],
    given: Sequence[str | None],
    *,
    kind: Literal["image", "group"],
    side: Literal["split", "fold"],
) -> None:
    """Raises DataError where what belongs together is on two sides that the user made.

    Args:
        dataset: for the names of its images and groups.
        names: what each sample belongs to.
        given: side of each sample.
        kind: of what belongs together.
        side: what a side is called.
    """
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        j = first.setdefault(name, i)
        if given[i] == given[j]:
            continue
        got, hint = f"{dataset.name(j)} and {dataset.name(i)}", "remove one of them"
        if kind == "group":
            own = dataset.group_of(i)
            got = got if own is None else f"{quote(own.rpartition(_SOURCE)[2])}: {got}"
            hint = f"say one {side} for all of a group, or leave the {side}s out: they are drawn by groups"
        what = "one group" if kind == "group" else "the same image"
        raise DataError(f"{what} in two {side}s", expected=f"each {kind} in one {side}", got=got, hint=hint)
