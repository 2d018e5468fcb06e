"""Folds of cross-validation: scikit-learn's, given the same order; and those that the user made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from zoo.data.division.folds import check_folds_said
from zoo.data.division.stratify import in_hash_order
from zoo.data.section import WithOptions
from zoo.data.splits import Splits, split
from zoo.data.view import Folded
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multiclass, Multilabel, Regression
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError, ZooWarning


class Samples(Dataset):
    """Images that show their number, with all that decides sides."""

    targets: Sequence[Any] = ()

    def __init__(self, targets: Sequence[Any], **facts: Sequence[Any]) -> None:
        self.task, self.targets, self.facts = Multiclass(), targets, facts
        self.labels = tuple(map(str, range(5)))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((2, 2, 1), index, np.float32) / 2000, self.targets[index])

    def _fact(self, name: str, index: int) -> Any:
        return self.facts[name][index] if name in self.facts else None

    def key(self, index: int) -> str:
        return str(self._fact("keys", index) or f"{index:05}")

    def group_of(self, index: int) -> str | None:
        return self._fact("groups", index)

    def order_of(self, index: int) -> Any:
        return self._fact("order", index)

    def split_of(self, index: int) -> str | None:
        return self._fact("splits", index)

    def fold_of(self, index: int) -> int | None:
        return self._fact("folds", index)


def folds_of(data: Dataset, count: int, seed: int = 0) -> list[list[int]]:
    """The test images of each fold."""
    return [[*of(data, number, count, seed).test] for number in range(1, count + 1)]


def of(data: Dataset, number: int, count: int, seed: int = 0) -> Splits:
    return split(Folded(data, (number, count)), seed)


def check_folds(data: Dataset, count: int, seed: int = 0) -> None:
    """Each image is tested once, and each run has all others to train on and to validate with."""
    assert sorted(i for fold in folds_of(data, count, seed) for i in fold) == [*range(len(data))]
    for number in range(1, count + 1):
        found = of(data, number, count, seed)
        assert sorted(found.train + found.val + found.test) == [*range(len(data))]
        assert len(found.val) == pytest.approx(len(data) * (1 - 1 / count) * 0.15 / 0.85, abs=16)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [2, 5])
def test_groups_are_dealt_as_scikit_learn_deals_them(seed: int, count: int) -> None:
    draws = np.random.default_rng(seed)
    groups = [f"patient {g}" for g in draws.integers(0, 40, 300)]
    targets = draws.choice(4, 300, p=[0.5, 0.3, 0.15, 0.05]).tolist()
    data = Samples(targets, groups=groups)
    # What belongs together is called by the key of its first image
    first = {group: f"{groups.index(group):05}" for group in groups}
    order = {name: rank for rank, name in enumerate(in_hash_order([*first.values()], seed))}
    ranks = [order[first[group]] for group in groups]
    theirs = StratifiedGroupKFold(count).split(np.zeros(300), targets, ranks)
    assert folds_of(data, count, seed) == [test.tolist() for _, test in theirs]
    check_folds(data, count, seed)
    for number in range(1, count + 1):
        found = of(data, number, count, seed)
        sides = [{groups[i] for i in side} for side in (found.train, found.val, found.test)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


@pytest.mark.parametrize("seed", range(3))
def test_images_without_groups_are_dealt_as_scikit_learn_deals_them(seed: int) -> None:
    targets = np.random.default_rng(seed).choice(3, 103, p=[0.6, 0.3, 0.1]).tolist()
    data = Samples(targets)
    order = [int(name) for name in in_hash_order([f"{i:05}" for i in range(103)], seed)]
    theirs = StratifiedKFold(4).split(np.zeros(103), [targets[i] for i in order])
    assert folds_of(data, 4, seed) == [sorted(order[i] for i in test) for _, test in theirs]
    check_folds(data, 4, seed)


def test_another_seed_gives_other_folds_and_the_order_of_the_images_none() -> None:
    targets = [i % 2 for i in range(40)]
    assert folds_of(Samples(targets), 4, 0) != folds_of(Samples(targets), 4, 1)
    turned = Samples(targets[::-1], keys=[f"{i:05}" for i in range(39, -1, -1)])
    mirrored = [sorted(39 - i for i in fold) for fold in folds_of(turned, 4)]
    assert mirrored == folds_of(Samples(targets), 4)


def test_what_has_a_time_is_tested_by_what_came_before_as_in_scikit_learn() -> None:
    days = np.random.default_rng(0).permutation(53).tolist()
    data = Samples([i % 2 for i in range(53)], order=days)
    when = np.argsort(days)
    for number, (past, test) in enumerate(TimeSeriesSplit(4).split(when), 1):
        found = of(data, number, 4)
        assert sorted(found.train + found.val) == sorted(when[past].tolist())
        assert [*found.test] == sorted(when[test].tolist())
        assert max(days[i] for i in found.train) < min(days[i] for i in found.val)


def test_samples_of_one_day_are_in_one_fold() -> None:
    days = [i // 6 for i in range(60)]
    data = Samples([i % 2 for i in range(60)], order=days)
    for number in (1, 2, 3):
        found = of(data, number, 3)
        sides = [{days[i] for i in side} for side in (found.train, found.val, found.test)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    with pytest.raises(DataError, match=r"12 folds: expected at least 13 moments in time, got 10"):
        of(data, 1, 12)


def test_identical_images_are_in_one_fold() -> None:
    keys = [f"{i // 3:05}" for i in range(90)]
    data = Samples([i // 3 % 2 for i in range(90)], keys=keys)
    for fold in folds_of(data, 5):
        assert {*Counter(keys[i] for i in fold).values()} == {3}


def test_several_labels_keep_their_shares() -> None:
    draws = np.random.default_rng(0)
    data = Samples([[int(x) for x in draws.random(3) < (0.5, 0.3, 0.1)] for _ in range(200)])
    data.task = Multilabel()
    rows = np.array(data.targets)
    for fold in folds_of(data, 5):
        assert rows[fold].sum(axis=0) == pytest.approx(rows.sum(axis=0) / 5, abs=1.01)


def test_values_keep_their_distribution() -> None:
    values = np.random.default_rng(0).normal(size=200).tolist()
    data = Samples(values)
    data.task, data.labels = Regression(), ()
    means = [np.mean([values[i] for i in fold]) for fold in folds_of(data, 5)]
    assert np.std(means) < 0.5 * np.std(values) / np.sqrt(40)


def test_the_users_test_images_are_in_no_fold() -> None:
    splits = [("train", "train", "val", "test")[i % 4] for i in range(80)]
    data = Samples([i // 4 % 2 for i in range(80)], splits=splits)
    inside = {i for i in range(80) if splits[i] != "test"}
    assert {i for fold in folds_of(data, 3) for i in fold} == inside
    found = of(data, 2, 3)
    assert {*found.train, *found.val, *found.test} == inside


def test_the_users_folds_are_taken(tmp_path: Path) -> None:
    rows = ["image,label,fold"]
    for i in range(24):
        Image.fromarray(np.full((4, 4), i * 10, np.uint8)).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{'ab'[i % 2]},{i // 2 % 3 + 1}")
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(rows))
    section = {"path": str(table), "split": "fold"}
    for number in (1, 2, 3):
        found = split(as_dataset({**section, "fold": f"{number}/3"}))
        assert [*found.test] == [i for i in range(24) if i // 2 % 3 == number - 1]
    with pytest.raises(DataError, match=r"a training for each fold, got one for all; say folds=3"):
        split(as_dataset(section))
    with pytest.raises(DataError, match=r"expected the 3 folds of the data, 1, 2, 3, got folds=4"):
        split(as_dataset({**section, "fold": "1/4"}))


@pytest.mark.filterwarnings("ignore:.*not used")
def test_folds_that_nobody_named_are_no_others() -> None:
    images = [np.full((4, 4), i * 10, np.uint8) for i in range(12)]
    table = {"image": images, "y": ["a", "b"] * 6, "k": [*range(12)], "Fold": [i % 3 for i in range(12)]}
    for options in ({"target": "y"}, {"target": "y", "order": "k"}):
        data = as_dataset(WithOptions(table, {**options, "fold": "1/3"}))
        with pytest.raises(DataError, match="a column 'Fold' of folds that is not named; say split='Fold'"):
            split(data)
    pair = as_dataset(WithOptions(({**table}, {**table}), {"target": "y", "fold": "1/3"}))
    with pytest.raises(DataError, match="not named; leave the column out, or call it otherwise"):
        check_folds_said(pair)
    with pytest.warns(ZooWarning, match="not used: 'Fold'; split='Fold' takes its folds"):
        as_dataset(WithOptions(table, {"target": "y"}))


def test_one_image_in_two_folds_of_the_user_is_refused() -> None:
    keys = [f"{i // 2:05}" for i in range(20)]
    data = Samples([i // 2 % 2 for i in range(20)], keys=keys, folds=[i % 2 for i in range(20)])
    with pytest.raises(DataError, match="the same image in two folds"):
        of(data, 1, 2)
    data = Samples([0, 1] * 10, order=[*range(20)], folds=[i % 2 for i in range(20)])
    with pytest.raises(DataError, match="expected folds in time, which follow from the order"):
        of(data, 1, 2)


@pytest.mark.parametrize("fold", ["0/5", "6/5", "1/1", "2", "a/b"])
def test_what_is_no_fold_is_refused(fold: str) -> None:
    with pytest.raises(OptionError, match="a fold such as 2/5"):
        as_dataset({"name": "faces", "per_class": 4, "fold": fold})


def test_more_folds_than_images_are_refused() -> None:
    with pytest.raises(DataError, match=r"9 folds: expected at least 9 images or groups of them, got 8"):
        of(Samples([0, 1] * 4), 1, 9)
