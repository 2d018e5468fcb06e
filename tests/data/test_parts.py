"""Data sets that are a split each: pairs of sets, tables with names of splits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo.data.objects.parts import Parts
from zoo.data.resolve import resolve
from zoo.data.section import WithOptions
from zoo.data.splits import split
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError, OptionError, ZooError

Make = Callable[..., Path]


def unasked(ref: object) -> Any:
    raise AssertionError(ref)


def taken(value: Any, task: str = "multiclass", **options: Any) -> Dataset:
    return resolve(WithOptions(value, options), unasked, task=BY_NAME[task])


def pixels(count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)


def test_a_pair_of_sets_is_one_to_train_on_and_one_to_validate_with(make: Make) -> None:
    x, v = pixels(4), pixels(2, 1)
    root = make({"a": 2, "b": 2})
    pairs = [*zip(v, ["a", "b"], strict=True)]
    for value in (((x, ["b", "a", "c", "a"]), (v, ["a", "b"])), (root, pairs), (str(root), pairs)):
        data = taken(value)
        assert isinstance(data, Parts)
        sides = split(data, 0)
        assert (sides.train, sides.val, sides.test) == ((0, 1, 2, 3), (4, 5), ())
        np.testing.assert_array_equal(data[5].image, v[1])


def test_labels_are_matched_by_name_whatever_their_numbers() -> None:
    parts = {"training": (pixels(3), ["c", "b", "c"]), "test_set": (pixels(2, 1), ["b", "a"])}
    data = taken(parts)
    assert data.labels == ("a", "b", "c")
    assert data.targets == [2, 1, 2, 1, 0]
    assert [data[i].target for i in range(5)] == data.targets
    assert [data.split_of(i) for i in range(5)] == ["train"] * 3 + ["test"] * 2
    assert data.name(3) == "test: row 1"


def test_the_order_is_that_of_the_part_with_all_labels() -> None:
    class Ordered(list[Any]):
        classes = ("low", "mid", "high")

        def __init__(self, items: Any) -> None:
            super().__init__(items)

    few = [*zip(pixels(2, 1), ["mid", "high"], strict=True)]
    whole = SetOf([*zip(pixels(3), ["low", "mid", "high"], strict=True)], Ordered.classes)
    data = taken((whole, few), "ordinal")
    assert (data.labels, data.targets) == (("low", "mid", "high"), [0, 1, 2, 1, 2])


class SetOf:
    def __init__(self, items: list[Any], classes: tuple[str, ...]) -> None:
        self.items, self.classes = items, classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def test_numbers_without_names_are_those_of_the_largest_part() -> None:
    data = taken(((pixels(2), [0, 1]), (pixels(2, 1), [2, 0])))
    assert (data.labels, data.numbered, data.targets) == (("0", "1", "2"), True, [0, 1, 2, 0])


def test_tables_and_three_sets() -> None:
    tables = tuple({"image": pixels(2, i), "age": [1.5, 2.5], "who": ["p", "q"]} for i in range(3))
    data = taken(tables, "regression", target="age", group="who")
    assert [data.split_of(i) for i in range(6)] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert data.targets == [1.5, 2.5] * 3
    assert data.group_of(1) == "q"


def test_the_fingerprint_follows_the_parts_and_their_names() -> None:
    one, other = (pixels(2), [0, 1]), (pixels(2, 1), [0, 1])
    found = taken({"train": one, "val": other}).fingerprint
    assert found
    assert found == taken((one, other)).fingerprint
    assert found != taken({"train": other, "val": one}).fingerprint
    assert found != taken({"train": one, "test": other}).fingerprint
    lazy = SetOf([*zip(*one, strict=True)], ())
    assert taken((lazy, other)).fingerprint is None


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"train": 1, "training": 1}, "each of train, val and test once, got 'train', 'training'"),
        ({"train/a": 2, "train/b": 2, "test/a": 1, "test/b": 1}, "data without splits of their own"),
    ],
)
def test_splits_that_are_none_are_told(make: Make, splits: dict[str, int], words: str) -> None:
    one = (pixels(2), [0, 1])
    value = dict.fromkeys(splits, one) if "training" in splits else {"train": make(splits), "val": one}
    with pytest.raises(DataError, match=words):
        taken(value)


def test_two_arrays_of_images_are_two_sets_for_a_task_that_needs_no_more() -> None:
    data = taken((pixels(3), pixels(2, 1)), "reconstruction")
    assert [data.split_of(i) for i in range(5)] == ["train"] * 3 + ["val"] * 2


def test_a_pair_of_sets_is_trained_on_and_measured(tmp_path: Path) -> None:
    x = (pixels(24) // 4) + (np.arange(24) % 2 * 180)[:, None, None, None].astype(np.uint8)
    y = np.where(np.arange(24) % 2, "light", "dark")
    value = {"train": (x[:16], y[:16]), "val": (x[16:20], y[16:20]), "test": (x[20:], y[20:])}
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    run = zoo.fit(model, value, epochs=4, out=tmp_path / "run", progress=False)
    assert model.labels == ("dark", "light")
    assert zoo.evaluate(model, value, progress=False).on.count == 4
    longer = zoo.fit(resume=run.folder, data=value, epochs=5, progress=False)
    assert len(longer.history) == 5


COLUMNS = {"image": [*pixels(4)], "y": ["a", "b"] * 2, "k": [0, 1, 1, 2]}
OTHERS = {"image": [*pixels(4, 1)], "y": ["a", "b"] * 2, "k": [0, 1, 1, 2]}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": "balanced"}, "train: sampler: expected an option of all.*say sampler='balanced' beside"),
        ({"near_duplicates": "together"}, "train: near_duplicates: expected an option of all the data"),
        ({"fold": "1/3"}, "train: fold: expected an option of all the data, got one of train alone"),
        ({"split": "k"}, "train: expected no further division of a split, got a column of folds"),
        ({"order": "k"}, "train: expected no further division of a split, got an order"),
    ],
)
def test_options_of_one_part_are_not_left_aside(options: dict[str, Any], words: str) -> None:
    own = WithOptions(COLUMNS, {"target": "y", **options})
    with pytest.raises(ZooError, match=words):
        taken({"train": own, "val": WithOptions(OTHERS, {"target": "y"})})


@pytest.mark.parametrize("option", ["split", "order"])
def test_what_divides_all_parts_is_not_left_aside(option: str) -> None:
    with pytest.raises(DataError, match="train: expected no further division of a split"):
        taken((COLUMNS, OTHERS), target="y", **{option: "k"})


def test_options_of_one_source_are_not_left_aside(make: Make) -> None:
    sources = [{"path": str(make({"a": 2, "b": 2})), "sampler": "balanced"}, {"name": "datasets:digits"}]
    with pytest.raises(OptionError, match=r"sampler: expected an option of all.* beside the data"):
        taken(sources)
