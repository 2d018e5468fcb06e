"""Train, val and test: seeded, stratified, disjoint; identical images and groups are on one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zoo.data.division.alike import check_drawn
from zoo.data.division.folds import check_folds_said, fold_numbers
from zoo.data.division.sides import Belonging, check_apart, fill, in_time, order_of, times, together
from zoo.data.division.stratify import are_labels, by_labels, check_labels_trained, in_hash_order
from zoo.data.objects.several import told
from zoo.data.view import alike_asked, fold_asked
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, listing, quote, warn

NAMES = ("train", "val", "test")
Split = Literal["train", "val", "test", "all"]
"""What `split=` takes: one of them, or all samples, for data that a model never saw."""

_ALL = None
"""Stratum of all samples where there are no classes."""

FRACTIONS = (0.70, 0.15, 0.15)
"""Shares of train, val and test where the user made no splits."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Indices by split, each sorted.

    Args:
        train: trained on.
        val: looked at after each epoch.
        test: touched by `evaluate` alone.
        seed: that they were drawn with.
        hash: digest of which image is on which side; the same on any machine.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    seed: int
    hash: str

    def of(self, name: str) -> tuple[int, ...]:
        """The indices of `train`, `val`, `test` or `all`.

        Raises:
            DataError: the split is unknown, or has no image.
        """
        if name == "all":
            return tuple(sorted(self.train + self.val + self.test))
        if name not in NAMES:
            raise DataError("split", expected=listing([*NAMES, "all"]), got=quote(name))
        indices: tuple[int, ...] = getattr(self, name)
        if not indices:
            there = [n for n in NAMES if getattr(self, n)]
            # Images that were trained on are the last to measure by
            last = there[-1] if there else None
            hint = f"say split={last!r} (--split {last})" if last else None
            raise DataError(f"the data have no {name} split", expected=listing(there), got=name, hint=hint)
        return indices


def split(
    dataset: Dataset,
    seed: int = 0,
    *,
    fractions: tuple[float, float, float] = FRACTIONS,
    training: bool = True,
) -> Splits:
    """Splits a data set, or takes the splits that the user made.

    An image's place follows from its content, its class and the seed, not from its number or file name.
    Data that tell an order in time are cut by it, and not stratified: the last samples are the test.
    Where the user made a train split and none to validate with, val is cut from train; what else the user
    left out stays empty.

    Args:
        dataset: stratified by what its task says: classes, several labels, or quantiles of values.
        seed: another seed, another split.
        fractions: of train, val and test.
        training: whether there must be something to train on and to validate with.

    Raises:
        DataError: one class only, a class or label with images in other splits alone, too few images, or the
            same image or one group in two splits that the user made.
    """
    keys = [dataset.key(i) for i in range(len(dataset))]
    belonging = together(keys, [dataset.group_of(i) for i in range(len(dataset))])
    classes = _classes(dataset)
    if not keys:
        raise DataError("data", expected="images", got="none")
    given = [dataset.split_of(i) for i in range(len(dataset))]
    check_apart(dataset, keys, given, kind="image", side="split")
    check_apart(dataset, belonging, given, kind="group", side="split")
    if not any(given):
        _warn_two_labels(dataset, keys, classes)
    if (alike := alike_asked(dataset)) is not None:
        check_drawn(dataset, alike, given, folded=fold_asked(dataset) is not None)
        belonging = together(keys, [dataset.group_of(i) for i in range(len(dataset))], alike)
    strata = _strata(dataset, belonging, grouped=len({*belonging}) < len({*keys}))
    known = Belonging(keys, belonging, strata, given)
    if (fold := fold_asked(dataset)) is not None:
        sides = _of_fold(dataset, fold, known, seed, fractions)
    else:
        _check_no_folds(dataset)
        sides = _sides(dataset, known, seed, fractions)
    if training:
        _check_trainable(dataset, classes, sides)
        check_labels_trained(dataset.labels, strata, sides["train"], made=any(given))
    digest = hashlib.blake2b(digest_size=16)
    for name in NAMES:
        # Contents and not numbers, which follow from the order of the files
        digest.update(f"{name}:{','.join(sorted(keys[i] for i in sides[name]))}\n".encode())
    train, val, test = (tuple(sorted(sides[name])) for name in NAMES)
    return Splits(train, val, test, seed, digest.hexdigest())


def _sides(
    dataset: Dataset, known: Belonging, seed: int, fractions: tuple[float, float, float]
) -> dict[str, list[int]]:
    """The user's splits, with val cut from train where it is missing; else cut in time, or drawn."""
    given, names, strata = known.given, known.names, known.strata
    if any(given):
        if order_of(dataset):
            expected, got = "splits, or an order that cuts them", "both"
            hint = "leave out order, or leave the column or folders of the splits out of the data"
            raise DataError("data: order", expected=expected, got=got, hint=hint)
        sides: dict[str, list[int]] = {name: [] for name in NAMES}
        for i, name in enumerate(given):
            sides[name or "train"].append(i)
        if sides["train"] and not sides["val"]:
            cut = _draw(sides["train"], names, strata, seed, _without_test(fractions))
            # `_draw` has returned an empty one
            sides |= {**cut, "test": sides["test"]}
        return sides
    if order := order_of(dataset):
        return in_time(times(range(len(dataset)), names, order), fractions)
    return _draw(range(len(dataset)), names, strata, seed, fractions)


def _of_fold(
    dataset: Dataset,
    fold: tuple[int, int],
    known: Belonging,
    seed: int,
    fractions: tuple[float, float, float],
) -> dict[str, list[int]]:
    """The test images of a fold, and the others trained on and validated with by the usual shares.

    What the user keeps for the test is on no side.
    """
    check_folds_said(dataset)
    number, count = fold
    inside = [i for i, name in enumerate(known.given) if name != "test"]
    folds = fold_numbers(dataset, inside, known, count, seed)
    placed = [str(folds[i]) if i in folds else None for i in range(len(dataset))]
    check_apart(dataset, known.keys, placed, kind="image", side="fold")
    check_apart(dataset, known.names, placed, kind="group", side="fold")
    # In time nothing is learnt from what comes after
    order = order_of(dataset)
    rest = [i for i in folds if (folds[i] < number - 1 if order else folds[i] != number - 1)]
    shares = _without_test(fractions)
    if order:
        sides = in_time(times(rest, known.names, order), shares)
    else:
        sides = _draw(rest, known.names, known.strata, seed, shares)
    return {**sides, "test": [i for i in folds if folds[i] == number - 1]}


def _without_test(fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    """The shares of train and val where the test is known."""
    share = fractions[1] / (fractions[0] + fractions[1])
    return 1 - share, share, 0.0


def _check_no_folds(dataset: Dataset) -> None:
    """Raises DataError where the data have folds, and nobody asks for one."""
    folds = {dataset.fold_of(i) for i in range(len(dataset))} - {None}
    if folds:
        hint = f"say folds={len(folds)} (--folds {len(folds)}), or fold='1/{len(folds)}' for one of them"
        raise DataError("data with folds", expected="a training for each fold", got="one for all", hint=hint)


def _classes(dataset: Dataset) -> Sequence[Any]:
    """The class of each sample; one and the same where the task tells none."""
    task = dataset.task or Task()
    classes = [task.stratum(target) for target in dataset.targets]
    return [_ALL] * len(classes) if None in classes else classes


def _strata(dataset: Dataset, names: Sequence[str], *, grouped: bool) -> Sequence[Any]:
    """Strata of the samples; one and the same where the task tells none."""
    task, targets = dataset.task or Task(), dataset.targets
    strata = task.group_strata(targets, names) if grouped else task.strata(targets)
    return [_ALL] * len(dataset) if strata is None else strata


def _draw(
    indices: Sequence[int] | range,
    keys: Sequence[str],
    strata: Sequence[Any],
    seed: int,
    fractions: tuple[float, ...],
) -> dict[str, list[int]]:
    """Cuts each class: test and val are filled up to their quota, the rest is train."""
    groups: dict[str, list[int]] = {}
    for i in indices:
        groups.setdefault(keys[i], []).append(i)
    if are_labels(strata):
        shares = {"test": fractions[2], "val": fractions[1], "train": fractions[0]}
        return by_labels(groups, strata, {name: share for name, share in shares.items() if share}, seed)
    by_class: dict[Any, list[str]] = {}
    for key, members in groups.items():
        # A group of several classes counts as its first
        by_class.setdefault(strata[members[0]], []).append(key)
    sides: dict[str, list[int]] = {name: [] for name in NAMES}
    for found in by_class.values():
        count = sum(len(groups[key]) for key in found)
        # One image is trained on; of two, one is for the test; from three on each side has one
        left = {"test": _quota(count, fractions[2], 2), "val": _quota(count, fractions[1], 3)}
        drawn: dict[str, list[str]] = {name: [] for name in NAMES}
        # An order by hash and not a shuffle: it follows from the contents, whatever the order of the files
        for key in in_hash_order(found, seed):
            size = len(groups[key])
            # A group goes where it brings the side nearer to its quota, though it may be more than is left.
            side = next((name for name, room in left.items() if size < 2 * room), "train")
            drawn[side].append(key)
            left[side] = left.get(side, 0) - size
        for side, share in zip(("test", "val"), (fractions[2], fractions[1]), strict=True):
            # All groups are at least twice as large as the quota: the smallest goes there
            if share and not drawn[side] and len(drawn["train"]) > 1:
                smallest = min(drawn["train"], key=lambda key: len(groups[key]))
                drawn["train"].remove(smallest)
                drawn[side].append(smallest)
        for side, chosen in drawn.items():
            sides[side] += [i for key in chosen for i in groups[key]]
    if fractions[1] and not sides["val"] and len(groups) < len(indices):
        fill(groups, sides, [name for name, share in zip(NAMES, fractions, strict=True) if share])
    return sides


def _quota(count: int, share: float, least: int) -> int:
    """Images of a class on a side; at least one where the class has `least` of them."""
    return max(round(count * share), 1) if share and count >= least else 0


def _warn_two_labels(dataset: Dataset, keys: Sequence[str], strata: Sequence[Any]) -> None:
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        j = first.setdefault(key, i)
        if strata[i] != strata[j]:
            warn(f"the same image has two labels: {' and '.join(told(dataset, [j, i]))}")
            return


def _check_trainable(dataset: Dataset, strata: Sequence[Any], sides: dict[str, list[int]]) -> None:
    for name in ("train", "val"):
        if not sides[name]:
            hint = "add images" if name == "val" else "add a folder train/"
            raise DataError(f"the {name} split", expected="at least one image", got="none", hint=hint)
    if not dataset.labels or _ALL in strata:
        return
    counts = Counter(strata[i] for i in sides["train"])
    if len(set(strata)) == 1:
        only = quote(_label(dataset, strata[0]))
        hint = "add images of another class"
        raise DataError("data", expected="at least 2 classes", got=f"one, {only}", hint=hint)
    somewhere = set(strata)
    for target, label in enumerate(dataset.labels):
        # A class of no image at all is told of where the model is known
        if target in somewhere and not counts[target]:
            raise DataError(
                f"class {quote(label)}",
                expected="at least one training image",
                got="none",
                hint="add images of it, or train a model for the other classes",
            )


def _label(dataset: Dataset, target: int) -> str:
    return dataset.labels[target] if 0 <= target < len(dataset.labels) else str(target)
