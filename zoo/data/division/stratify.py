"""Stratified draws: classes, bins of values, and several labels an image."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.spec.errors import DataError, listing, quote, warn

_NAMED = 6

Groups = Mapping[str, Sequence[int]]
"""Samples that stay together, by their name."""


def in_hash_order(names: Sequence[str], seed: int) -> list[str]:
    """Names in an order that follows from them and the seed, whatever order they are given in."""
    return sorted(names, key=lambda name: hashlib.blake2b(f"{seed}:{name}".encode()).digest())


def by_labels(
    groups: Groups, labels: Sequence[frozenset[int]], shares: Mapping[str, float], seed: int
) -> dict[str, list[int]]:
    """Iterative stratification: each side gets its share of every label, the rarest first.

    Sechidis, Tsoumakas and Vlahavas, 2011, https://doi.org/10.1007/978-3-642-23808-6_10, of whole groups.

    Args:
        groups: samples that stay together.
        labels: of each sample.
        shares: of the sides, by name; they sum to 1.
        seed: another one, another draw.

    Example:
        >>> labels = [frozenset({0}), frozenset({0, 1})] * 4
        >>> found = by_labels({str(i): [i] for i in range(8)}, labels, {"test": 0.5, "train": 0.5}, 0)
        >>> [sum(1 in labels[i] for i in side) for side in found.values()]
        [2, 2]
    """
    counts = {name: Counter(label for i in own for label in labels[i]) for name, own in groups.items()}
    left = sum(counts.values(), Counter[int]())
    wanted = {side: {label: share * count for label, count in left.items()} for side, share in shares.items()}
    room = {side: share * sum(map(len, groups.values())) for side, share in shares.items()}
    waiting = dict.fromkeys(in_hash_order([*groups], seed))
    sides: dict[str, list[int]] = {side: [] for side in shares}

    def deal(name: str, label: int | None) -> None:
        # Most wanted of the label; of equals the side with most room, then the first
        side = max(shares, key=lambda s: (wanted[s][label] if label is not None else 0.0, room[s]))
        for each, count in counts[name].items():
            wanted[side][each] -= count
            left[each] -= count
        room[side] -= len(groups[name])
        sides[side] += groups[name]
        del waiting[name]

    while rare := [label for label, count in left.items() if count > 0]:
        label = min(rare, key=lambda each: (left[each], each))
        for name in [name for name in waiting if counts[name][label]]:
            deal(name, label)
    for name in [*waiting]:
        deal(name, None)
    return sides


def are_labels(strata: Sequence[Any]) -> bool:
    """Whether samples may be of several strata each."""
    return any(isinstance(stratum, frozenset) for stratum in strata)


def check_labels_trained(
    labels: Sequence[str], strata: Sequence[Any], train: Sequence[int], *, made: bool
) -> None:
    """Refuses splits that somebody made so that a label is on no training image; of drawn ones it is said.

    Args:
        labels: by their numbers.
        strata: of all samples, sets of numbers where samples have labels.
        train: numbers of the training images.
        made: whether somebody made the splits.

    Raises:
        DataError: there is such a label, and somebody made the splits.
    """
    if not labels or not are_labels(strata):
        return
    trained = frozenset[int]().union(*(strata[i] for i in train))
    lost = sorted(frozenset[int]().union(*strata) - trained)
    if not lost:
        return
    names = listing((quote(labels[number]) for number in lost), _NAMED)
    if made:
        hint = "add images of it, or train a model for the other labels"
        raise DataError(f"label {names}", expected="at least one training image", got="none", hint=hint)
    warn(f"no training image has {names}: the network learns never to give it")
