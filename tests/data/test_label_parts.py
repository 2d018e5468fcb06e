"""Several labels an image where a part of the data has not all of them."""

from typing import Any

import numpy as np
import pytest

import zoo
from zoo.data.division.stratify import check_labels_trained
from zoo.data.label_mapping import by_name
from zoo.data.objects.arrays import listed
from zoo.data.section import WithOptions
from zoo.data.splits import split
from zoo.data.view import Subset
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Multilabel
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, ZooWarning

X = np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)
TASK = Multilabel()


def tags(*names: str) -> Dataset:
    """Images with the labels of a word each: `ab` has a and b."""
    return listed([*X[: len(names)]], [[*word] for word in names]).for_task(TASK)


def pair(train: list[Any], val: list[Any]) -> Any:
    return (X[: len(train)], train), (X[len(train) : len(train) + len(val)], val)


def test_a_label_that_a_side_never_names_is_on_none_of_its_images() -> None:
    data = as_dataset(pair([["b", "c"], [], ["a"]], [["b"], ["d", "b"], ["a", "d"]]), task=TASK)
    assert (data.labels, data.tagged) == (("a", "b", "c", "d"), True)
    assert data.targets == [
        [0, 1, 1, 0],
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 1, 0, 1],
        [1, 0, 0, 1],
    ]
    assert data[4].target == [0, 1, 0, 1]


def test_data_with_some_of_a_models_labels_are_matched_by_name() -> None:
    found = by_name(tags("b", "ab", ""), ("c", "b", "a"), TASK, "fit")
    assert found.targets == [[0, 1, 0], [0, 1, 1], [0, 0, 0]]
    TASK.check(found, 3, ("c", "b", "a"), "fit")
    # In the same order, but one behind them
    assert by_name(tags("b", "ab"), ("a", "b", "c"), TASK, "fit").targets == [[0, 1, 0], [1, 1, 0]]


def test_a_label_that_the_model_lacks_is_refused_with_the_way_to_have_it() -> None:
    data = tags("a", "ab", "c")
    text = r"classes of the model \('a', 'b'\), got 1 that it .* \('c'\); say .*classes=\['a', 'b', 'c'\]"
    with pytest.raises(DataError, match=text):
        by_name(data, ("a", "b"), TASK, "fit")
    # Of images without it there is nothing to refuse
    assert by_name(Subset(data, [0, 1]), ("b", "a"), TASK, "fit").targets == [[0, 1], [1, 1]]


def test_columns_say_nothing_of_a_label_that_has_none() -> None:
    train = {"image": X[:4], "a": [0, 1, 1, 0], "b": [1, 0, 1, 0]}
    val = {"image": X[4:8], "a": [0, 1, 1, 0], "c": [1, 0, 1, 0]}
    first, second = (
        as_dataset(WithOptions(one, {"target": names}), task=TASK)
        for one, names in ((train, ["a", "b"]), (val, ["a", "c"]))
    )
    with pytest.raises(DataError, match="data: train: expected a value for each of 'a', 'b', 'c', got none"):
        as_dataset({"train": first, "val": second}, task=TASK)


def test_a_label_that_no_training_image_has_is_refused_where_the_sides_are_yours() -> None:
    data = as_dataset(pair([["a"], ["b"], ["a", "b"]] * 4, [["a", "c"], ["b"]] * 4), task=TASK)
    with pytest.raises(DataError, match="label 'c': expected at least one training image, got none"):
        split(data, 0)
    assert split(data, 0, training=False).val


def test_of_drawn_sides_it_is_said() -> None:
    strata = [frozenset({0}), frozenset({0, 1}), frozenset[int]()]
    with pytest.warns(ZooWarning, match="no training image has 'c': the network learns never to give it"):
        check_labels_trained(("a", "c"), strata, [0, 2], made=False)
    check_labels_trained(("a", "c", "none of all"), strata, [1], made=True)
    check_labels_trained(("a", "c"), [0, 1], [0], made=True)


def test_a_pair_of_sets_is_learnt_and_measured_by_name() -> None:
    model = zoo.build(
        "mlp", hidden=[4], head="multilabel", classes=["c", "b", "a"], in_channels=1, input_size=8
    )
    data = pair([["a"], ["c", "b"], ["b"], []] * 4, [["a", "b"], ["b"]] * 4)
    with pytest.warns(ZooWarning, match="val_f1: no image has label 0"):
        zoo.fit(model, data, epochs=1, progress=False)
    found = zoo.evaluate(model, data, split="val", progress=False)
    assert "2 of 3 classes (b, a)" in str(found)
    assert {name: row["images"] for name, row in found.per_class.items()} == {"c": 0, "b": 8, "a": 4}
