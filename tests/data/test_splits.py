import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import NAMES, split
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multiclass, Multilabel, Regression, Task
from zoo.spec.errors import DataError, ZooWarning

Make = Callable[..., Path]


class Numbers(Dataset):
    """Images that show their number; `numbers` and `targets` may repeat."""

    task = Multiclass()

    def __init__(self, numbers: Sequence[int], targets: Sequence[int], classes: int) -> None:
        self.numbers, self._targets = numbers, targets
        self.labels = tuple(f"class {i}" for i in range(classes))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((2, 2, 1), self.numbers[index], np.float32) / 2000, self._targets[index])

    @property
    def targets(self) -> Sequence[int]:
        return self._targets


def balanced(count: int = 200, classes: int = 2) -> Numbers:
    return Numbers(range(count), [i % classes for i in range(count)], classes)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    data = Numbers(range(400), [0] * 100 + [1] * 300, 2)
    found = split(data, 3)
    parts = [set(getattr(found, name)) for name in NAMES]
    assert set.union(*parts) == set(range(400))
    assert sum(map(len, parts)) == 400
    for name, share in zip(NAMES, (0.7, 0.15, 0.15), strict=True):
        assert Counter(data.targets[i] for i in found.of(name)) == {0: share * 100, 1: share * 300}


def test_one_seed_gives_one_split_and_another_seed_another() -> None:
    assert split(balanced(), 1) == split(balanced(), 1)
    assert split(balanced(), 1).hash != split(balanced(), 2).hash
    overlap = set(split(balanced(), 1).test) & set(split(balanced(), 2).test)
    assert len(overlap) < 15


def test_an_images_place_does_not_depend_on_the_order_of_the_data() -> None:
    back = Numbers(range(199, -1, -1), [(199 - i) % 2 for i in range(200)], 2)
    assert {199 - i for i in split(back, 1).test} == set(split(balanced(), 1).test)
    assert split(back, 1).hash == split(balanced(), 1).hash


def test_identical_images_are_on_the_same_side() -> None:
    data = Numbers([i // 3 for i in range(300)], [(i // 3) % 2 for i in range(300)], 2)
    found = split(data, 0)
    sides = {i: name for name in NAMES for i in found.of(name)}
    assert all(len({sides[i], sides[i + 1], sides[i + 2]}) == 1 for i in range(0, 300, 3))
    assert 36 <= len(found.test) <= 45


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_rare_class_is_trained_on_first(count: int) -> None:
    data = Numbers(range(100 + count), [0] * 100 + [1] * count, 2)
    found = split(data, 0)
    assert any(data.targets[i] == 1 for i in found.train)
    assert any(data.targets[i] == 1 for i in found.test) == (count >= 2)


def test_one_image_with_two_labels_is_said() -> None:
    data = Numbers([0, 0, *range(1, 41)], [0, 1, *([0, 1] * 20)], 2)
    with pytest.warns(ZooWarning, match=r"two labels: numbers\[0\] and numbers\[1\]"):
        split(data, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Numbers([], [], 2), "expected images, got none"),
        (Numbers(range(20), [1] * 20, 2), "expected at least 2 classes, got one, 'class 1'"),
        (Numbers(range(2), [0, 1], 2), "the val split: expected at least one image"),
    ],
)
def test_data_that_cannot_be_split_are_one_line(data: Dataset, words: str) -> None:
    with pytest.raises(DataError, match=words):
        split(data)


def test_the_users_splits_are_kept_and_a_missing_val_is_cut_from_train(make: Make) -> None:
    data = ClassFolders(make({"train/a": 20, "train/b": 20, "test/a": 3, "test/b": 4}))
    found = split(data, 0)
    assert [data.split_of(i) for i in found.test] == ["test"] * 7
    assert {data.split_of(i) for i in found.train + found.val} == {"train"}
    assert Counter(data.targets[i] for i in found.val) == {0: 4, 1: 4}


def test_train_and_val_folders_leave_no_test(make: Make) -> None:
    found = split(ClassFolders(make({f"{s}/{c}": 2 for s in ("train", "val") for c in "ab"})))
    with pytest.raises(
        DataError, match=r"no test split: expected train, val, got test; say split='val' \(--split val\)"
    ):
        found.of("test")
    with pytest.raises(DataError, match="expected train, val, test, all, got 'tset'"):
        found.of("tset")


def test_an_image_in_two_of_the_users_splits_names_both_files(make: Make) -> None:
    root = make({f"{s}/{c}": 2 for s in ("train", "test") for c in "ab"})
    shutil.copy(root / "train/a/0.png", root / "test/a/copy.png")
    with pytest.raises(DataError, match=r"train/a/0\.png and .*test/a/copy\.png|copy\.png and .*0\.png"):
        split(ClassFolders(root))


class Grouped(Numbers):
    """Numbers that belong together, and perhaps a split of the user's."""

    def __init__(
        self, groups: Sequence[str | None], numbers: Sequence[int], given: Sequence[str] = ()
    ) -> None:
        super().__init__(numbers, [i % 2 for i in range(len(numbers))], 2)
        self.groups, self.given = groups, given

    def group_of(self, index: int) -> str | None:
        return self.groups[index]

    def split_of(self, index: int) -> str | None:
        return self.given[index] if self.given else None


def test_a_group_is_on_one_side() -> None:
    groups = [f"patient {i // 5}" for i in range(200)]
    found = split(Grouped(groups, range(200)), 0)
    sides = [{groups[i] for i in getattr(found, name)} for name in NAMES]
    assert all(sides)
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert 0.6 < len(found.train) / 200 < 0.8


def test_groups_with_the_same_image_are_on_one_side() -> None:
    groups = [f"patient {i // 4}" for i in range(80)]
    numbers = [*range(80)]
    for i in range(4, 40, 4):  # one image of each of the first ten patients is the same
        numbers[i] = numbers[0]
    found = split(Grouped(groups, numbers), 0)
    joined = [
        {groups[i] for i in getattr(found, name)} & {f"patient {i}" for i in range(10)} for name in NAMES
    ]
    assert sum(map(bool, joined)) == 1


def test_samples_without_a_group_are_split_as_ever() -> None:
    assert split(Grouped([None] * 200, range(200)), 4) == split(balanced(), 4)


def test_one_group_in_two_splits_of_the_user_is_refused() -> None:
    data = Grouped(["a", "b", "a", "b"], range(4), ["train", "train", "val", "train"])
    with pytest.raises(
        DataError, match=r"one group in two splits: expected each group in one split, got .*0.* and"
    ):
        split(data)


class Classes(Grouped):
    """Grouped numbers whose classes are given."""

    def __init__(self, groups: Sequence[str], targets: Sequence[int]) -> None:
        super().__init__(groups, range(len(groups)))
        self._targets = targets
        self.labels = tuple(str(i) for i in range(max(targets) + 1))


@pytest.mark.parametrize(
    "sizes", [[(5, 10), (5, 10)], [(20, 2), (3, 30)], [(3, 5)] * 6, [(4, 25), (6, 20)]], ids=str
)
def test_every_class_of_three_groups_is_in_every_split(sizes: list[tuple[int, int]]) -> None:
    """`sizes`: number of groups and samples in each, by class."""
    owners = [
        (label, g) for label, (count, size) in enumerate(sizes) for g in range(count) for _ in range(size)
    ]
    data = Classes([f"{label}-{g}" for label, g in owners], [label for label, _ in owners])
    for seed in range(5):
        found = split(data, seed)
        seen = [{owners[i] for i in getattr(found, name)} for name in NAMES]
        assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
        assert all({label for label, _ in side} == set(range(len(sizes))) for side in seen)


def test_a_torch_data_set_says_what_belongs_together() -> None:
    class Patients:
        targets = [0, 1] * 40

        def __len__(self) -> int:
            return 80

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            return np.full((4, 4), index, np.uint8), self.targets[index]

        def group_of(self, index: int) -> int:
            return index // 4

    found = split(TorchData(Patients()), 0)
    sides = [{i // 4 for i in getattr(found, name)} for name in NAMES]
    assert all(sides)
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


# -- several labels and values -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_several_labels_keep_their_shares_the_rare_ones_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = (rng.random((400, 5)) < [0.5, 0.3, 0.1, 0.05, 0.025]).astype(int)
    sides = split(_Given(rows.tolist(), Multilabel()), seed)
    assert [len(side) for side in (sides.train, sides.val, sides.test)] == pytest.approx([280, 60, 60], abs=3)
    counts = np.stack([rows[list(side)].sum(axis=0) for side in (sides.train, sides.val, sides.test)])
    wanted = np.outer([0.7, 0.15, 0.15], rows.sum(axis=0))
    # Each label is on each side as often as its share says, to a sample or two
    assert np.abs(counts - wanted).max() <= 2


def test_groups_of_several_labels_stay_whole() -> None:
    rows = (np.random.default_rng(0).random((60, 3)) < 0.4).astype(int)
    data = _Given(rows.tolist(), Multilabel(), [f"g{i // 3}" for i in range(60)])
    sides = split(data, 0)
    groups = [{data.group_of(i) for i in side} for side in (sides.train, sides.val, sides.test)]
    assert all(groups)
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


def test_values_keep_their_distribution() -> None:
    values = np.random.default_rng(0).exponential(10, 300)
    sides = split(_Given(values.tolist(), Regression()), 0)
    deciles = np.quantile(values, np.linspace(0, 1, 11))
    for side in (sides.train, sides.val, sides.test):
        counts = np.histogram(values[list(side)], deciles)[0] / len(side)
        assert counts == pytest.approx(0.1, abs=0.02)


def test_few_values_and_rows_of_values_are_split_too() -> None:
    assert Regression().strata([1.0] * 19) is None
    assert Regression().strata([*map(float, range(20))]) == [0] * 10 + [1] * 10
    found = Regression().strata([[float(i), 100.0 * i] for i in range(20)])
    assert found == [0] * 10 + [1] * 10
    assert Regression().strata([None] * 30) is None


def test_values_of_groups_are_cut_by_the_usual_shares() -> None:
    for of_group, per in ((30, 4), (100, 10), (300, 3)):
        values = np.random.default_rng(0).exponential(10, of_group * per)
        for own in (values, np.sort(values)):
            data = _Given(own.tolist(), Regression(), [f"{i // per}" for i in range(len(own))])
            sides = split(data, 0)
            shares = [len(side) / len(own) for side in (sides.train, sides.val, sides.test)]
            assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.035)


def test_groups_keep_the_distribution_of_their_means() -> None:
    means = np.random.default_rng(0).permutation(400).astype(float)
    groups = [str(i // 3) for i in range(1200)]
    sides = split(_Given(np.repeat(means, 3).tolist(), Regression(), groups), 0)
    for side in (sides.train, sides.val, sides.test):
        fifths = np.histogram(np.repeat(means, 3)[list(side)], 5, (0, 399))[0] / len(side)
        assert fifths == pytest.approx(0.2, abs=0.02)
    found = Regression().group_strata([*map(float, range(80))], [str(i // 2) for i in range(80)])
    assert found == [0] * 40 + [1] * 40
    assert Regression().group_strata([1.0] * 60, ["a", "b", "c"] * 20) is None
    assert Regression().group_strata([None] * 60, [*map(str, range(60))]) is None


class _Given(Dataset):
    """Samples of one pixel each, with given targets."""

    def __init__(self, targets: list[Any], task: Task, groups: list[str] | None = None) -> None:
        self._targets, self.task, self._groups = targets, task, groups

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((1, 1, 1), index % 256, np.uint8), self._targets[index])

    @property
    def targets(self) -> list[Any]:
        return self._targets

    def key(self, index: int) -> str:
        return str(index)

    def group_of(self, index: int) -> str | None:
        return self._groups[index] if self._groups else None
