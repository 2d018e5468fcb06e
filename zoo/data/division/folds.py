"""Folds of cross-validation: as scikit-learn draws them, or as a column of the data says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.division.sides import Belonging, order_of, times
from zoo.data.division.stratify import Groups, are_labels, by_labels, in_hash_order
from zoo.data.objects.joined import joined_in
from zoo.data.view import innermost, source_of
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import unused_folds
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.hints.spoken import data_option

FIRST = -1
"""Number of what comes before the first fold in time, and is trained on alone."""


def fold_numbers(
    dataset: Dataset, indices: Sequence[int], known: Belonging, count: int, seed: int
) -> dict[int, int]:
    """The fold of each sample, from 0.

    Those that the user made count; without them samples in time are cut into blocks, of which each is tested
    by what was trained on those before it (scikit-learn's `TimeSeriesSplit`); others are drawn, in an order
    that follows from contents and seed: as `StratifiedGroupKFold` does where some belong together, else as
    `StratifiedKFold`; several labels by iterative stratification.

    Args:
        dataset: all samples.
        indices: those that are in a fold.
        known: of all samples.
        count: of folds.
        seed: another one, another draw.

    Raises:
        DataError: there are too few groups or times, or other folds than those of the user are asked for.
    """
    own = {i: dataset.fold_of(i) for i in indices}
    order = order_of(dataset)
    if any(number is not None for number in own.values()):
        return _given(own, count, ordered=bool(order))
    if order:
        return _blocks(times(indices, known.names, order), count)
    groups: dict[str, list[int]] = {}
    for i in indices:
        groups.setdefault(known.names[i], []).append(i)
    _check_enough(len(groups), count, "images or groups of them", count)
    strata = known.strata
    if are_labels(strata):
        sides = by_labels(groups, strata, {str(number): 1 / count for number in range(count)}, seed)
        return {i: int(number) for number, members in sides.items() for i in members}
    single = len(groups) == len(indices)
    drawn = (_by_class if single else _by_group)(groups, strata, count, seed)
    return {i: number for name, number in drawn.items() for i in groups[name]}


def check_folds_said(dataset: Dataset) -> None:
    """Raises DataError where a table has a column of folds that nobody named, and folds would be drawn.

    Args:
        dataset: whose folds are asked for.
    """
    parts = joined_in(source_of(dataset))
    for one in parts or [dataset]:
        records = innermost(one)
        if not isinstance(records, Records):
            continue
        name = unused_folds(records.roles, records.columns)
        if name is None:
            continue
        hint = "leave the column out, or call it otherwise, for folds that are drawn"
        if not parts and records.roles.split is None:
            hint = f"say {data_option('split', name)} to take them; {hint}"
        got = f"a column {quote(name)} of folds that is not named"
        raise DataError(
            f"{records.where}: fold", expected="folds of the data, or drawn ones", got=got, hint=hint
        )


def _check_enough(there: int, needed: int, of: str, count: int) -> None:
    if there < needed:
        got, hint = str(there), "ask for fewer folds, or give more images"
        raise DataError(f"{count} folds", expected=f"at least {needed} {of}", got=got, hint=hint)


def _given(own: dict[int, int | None], count: int, *, ordered: bool) -> dict[int, int]:
    """The user's folds, by what number they begin with."""
    if ordered:
        expected, got = "folds in time, which follow from the order", "folds and an order in the data"
        raise DataError("folds", expected=expected, got=got, hint="leave one of them out")
    numbers = sorted({number for number in own.values() if number is not None})
    if len(numbers) != count:
        got, hint = f"folds={count}", f"say folds={len(numbers)}"
        expected = f"the {len(numbers)} folds of the data, {listing(map(str, numbers), 10)}"
        raise DataError("folds", expected=expected, got=got, hint=hint)
    return {i: numbers.index(number) for i, number in own.items() if number is not None}


def _blocks(moments: Sequence[Sequence[int]], count: int) -> dict[int, int]:
    """Blocks of one size, the remainder before the first; a moment counts where its first sample does."""
    _check_enough(len(moments), count + 1, "moments in time", count)
    total = sum(map(len, moments))
    size = total // (count + 1)
    start, at = total - count * size, 0
    found: dict[int, int] = {}
    for moment in moments:
        found |= dict.fromkeys(moment, FIRST if at < start else (at - start) // size)
        at += len(moment)
    if missing := {FIRST, *range(count)} - {*found.values()}:
        got = "so many of one time that a fold has none" if FIRST not in missing else "none before the first"
        hint = "ask for fewer folds"
        raise DataError(f"{count} folds in time", expected="images in each", got=got, hint=hint)
    return found


def _by_class(groups: Groups, strata: Sequence[Any], count: int, seed: int) -> dict[str, int]:
    """Classes dealt out in turn, each in blocks: scikit-learn's `StratifiedKFold`."""
    names = in_hash_order([*groups], seed)
    numbers: dict[Any, int] = {}
    classes = np.array([numbers.setdefault(strata[groups[name][0]], len(numbers)) for name in names])
    ordered, folds = np.sort(classes), np.empty(len(names), np.int64)
    shares = [np.bincount(ordered[fold::count], minlength=len(numbers)) for fold in range(count)]
    for number in numbers.values():
        folds[classes == number] = np.repeat(np.arange(count), [share[number] for share in shares])
    return dict(zip(names, folds.tolist(), strict=True))


def _by_group(groups: Groups, strata: Sequence[Any], count: int, seed: int) -> dict[str, int]:
    """Groups, the most uneven first, each to where classes stay most even: `StratifiedGroupKFold`."""
    names = in_hash_order([*groups], seed)
    present = [strata[i] for members in groups.values() for i in members]
    numbers = {stratum: number for number, stratum in enumerate(sorted({*present}, key=_rank))}
    counts = np.zeros((len(names), len(numbers)))
    for row, name in zip(counts, names, strict=True):
        for i in groups[name]:
            row[numbers[strata[i]]] += 1
    total = counts.sum(axis=0)
    filled = np.zeros((count, len(numbers)))
    found: dict[str, int] = {}
    # A stable sort keeps the order by hash among equals
    for place in np.argsort(-np.std(counts, axis=1), kind="stable"):
        tried = np.repeat(filled[None], count, axis=0)
        tried[range(count), range(count)] += counts[place]
        unevenness = np.std(tried / total, axis=1).mean(axis=1)
        fold = _least(unevenness.tolist(), filled.sum(axis=1).tolist())
        filled[fold] += counts[place]
        found[names[place]] = fold
    return found


def _rank(stratum: Any) -> tuple[bool, Any]:
    return stratum is not None, stratum


def _least(unevenness: Sequence[float], sizes: Sequence[float]) -> int:
    """The fold of the least unevenness; of those hardly apart, the one with fewest images, then the first.

    Example:
        >>> _least([0.5, 0.25, 0.25], [0, 3, 2])
        2
    """
    best = 0
    for fold, (value, size) in enumerate(zip(unevenness, sizes, strict=True)):
        near = abs(value - unevenness[best]) <= 1e-8 + 1e-5 * abs(unevenness[best])
        if value < unevenness[best] or (near and size < sizes[best]):
            best = fold
    return best
