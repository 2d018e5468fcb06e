"""Targets read off the columns of a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from zoo.data.objects.frames import columns_of, columns_of_rows
from zoo.data.splits import split
from zoo.interfaces.records.cells import in_one
from zoo.interfaces.records.places import order_in
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles, settled, words_of_unused
from zoo.interfaces.records.text_tables import typed
from zoo.interfaces.tasks.choice import BY_NAME, for_columns
from zoo.interfaces.tasks.column_targets import classes_of, labels_of, values_of
from zoo.interfaces.tasks.columns import form_of, is_missing, plain
from zoo.spec.data_options import ColumnOptions
from zoo.spec.errors import DataError, OptionError, ZooWarning


@pytest.mark.parametrize(
    ("cells", "labels", "targets", "numbered"),
    [
        (["dog", "cat", " dog "], ("cat", "dog"), [1, 0, 1], False),
        ([0, 2, 1], ("0", "1", "2"), [0, 2, 1], True),
        ([7, 3, 7], ("3", "7"), [1, 0, 1], False),
        ([10, 9, 2], ("2", "9", "10"), [2, 1, 0], False),
        ([True, False], ("False", "True"), [1, 0], False),
        ([1.0, 0.0], ("0", "1"), [1, 0], True),
        ([np.int64(4), np.int64(2)], ("2", "4"), [1, 0], False),
        (["b", 1], ("1", "b"), [1, 0], False),
    ],
)
def test_classes_are_names_numbers_or_booleans(
    cells: list[Any], labels: tuple[str, ...], targets: list[int], numbered: bool
) -> None:
    found = classes_of({"kind": cells}, "data")
    assert (found.labels, found.targets, found.numbered) == (labels, targets, numbered)


def test_an_ordered_categorical_keeps_its_order() -> None:
    class Kind:
        ordered = True
        categories = ("mild", "bad", "awful")

    class Column(list[str]):
        dtype = Kind()

    found = classes_of({"grade": Column(["bad", "mild", "bad"])}, "data")
    assert found.labels == ("mild", "bad", "awful")
    assert found.targets == [1, 0, 1]


@pytest.mark.parametrize(
    ("columns", "separator", "labels", "rows"),
    [
        ({"tags": ["a|b", "b", ""]}, None, ("a", "b"), [[1, 1], [0, 1], [0, 0]]),
        ({"tags": ["a; b", "b", None]}, None, ("a", "b"), [[1, 1], [0, 1], [0, 0]]),
        ({"tags": ["a b", "b"]}, " ", ("a", "b"), [[1, 1], [0, 1]]),
        ({"tags": [["a", "b"], [], ("b",)]}, None, ("a", "b"), [[1, 1], [0, 0], [0, 1]]),
        ({"tags": ["b", "a"]}, None, ("a", "b"), [[0, 1], [1, 0]]),
        ({"a": [1, 0], "b": [True, False]}, None, ("a", "b"), [[1, 1], [0, 0]]),
        ({"b": [1.0, 0.0], "a": [0, 1]}, None, ("b", "a"), [[1, 0], [0, 1]]),
    ],
)
def test_several_labels_are_columns_lists_or_separated(
    columns: dict[str, Any], separator: str | None, labels: tuple[str, ...], rows: list[list[int]]
) -> None:
    found = labels_of(columns, separator, "data")
    assert (found.labels, found.targets) == (labels, rows)


def test_values_are_numbers_in_one_column_or_several() -> None:
    assert values_of({"age": ["31", 40.5, 2]}, "data").targets == [31.0, 40.5, 2.0]
    found = values_of({"x": [1, 2], "y": [3, 4.5]}, "data")
    assert (found.targets, found.labels) == ([[1.0, 3.0], [2.0, 4.5]], ("x", "y"))


@pytest.mark.parametrize(
    ("read", "columns", "words"),
    [
        (classes_of, {"k": ["a", "", None]}, r"expected a target in each row, got 2 empty cells .row 2, 3."),
        (classes_of, {"k": [0.5, 1.0]}, "expected classes, got 0.5; head=\"regression\" takes values"),
        (classes_of, {"k": [["a"], ["b"]]}, "expected a name or number of a class in each row, got"),
        (classes_of, {"a": [1], "b": [1]}, "expected one column, got 'a', 'b'; several are labels"),
        (values_of, {"v": [1, "old"]}, "column 'v': expected numbers, got 'old' in row 2"),
        (values_of, {"v": ["1,5", 2]}, "got '1,5' in row 1; write decimals with a point"),
        (values_of, {"v": [1.0, float("nan")]}, "1 empty cell"),
        (values_of, {"v": [1.0, float("inf")]}, "expected numbers, got inf in row 2"),
    ],
)  # fmt: skip
def test_a_cell_that_does_not_fit_is_named(read: Any, columns: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(columns, "data")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1, 2], "b": [0, 1]}, "column 'a': expected 0 or 1 in each row.*got 2 in row 2"),
        ({"a": ["1", "0"], "b": [0, 1]}, "column 'a': expected 0 or 1 in each row.*got '1' in row 1"),
        ({"a": [0.5, 0], "b": [0, 1]}, 'got 0.5 in row 1; head="regression" takes values'),
        ({"tags": ["", None]}, "column 'tags': expected labels, got none in any row"),
        ({"age": [1, 2.5]}, "column 'age': .*got 2.5 in row 2; head=\"regression\" takes values"),
        ({"cat": [1, 0]}, "column 'cat': .*got one column of 0 and 1; head=\"binary\" tells"),
    ],
)
def test_labels_that_are_none_are_named(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        labels_of(columns, None, "data")


@pytest.mark.parametrize(
    ("columns", "separator", "form"),
    [
        ({"k": ["a", "b"]}, None, "classes"),
        ({"k": ["a|b", None]}, None, "labels"),
        ({"k": ["a", "b;c"]}, None, "labels"),
        ({"k": ["a,b", "b"]}, None, "classes"),
        ({"k": ["a,b", "b"]}, ",", "labels"),
        ({"k": [True, False]}, None, "classes"),
        ({"k": [1, 2]}, None, "whole"),
        ({"k": [1.0, 2.0]}, None, "values"),
        ({"k": [1.5, 2]}, None, "values"),
        ({"k": [["a"], []]}, None, "labels"),
        ({"a": [0, 1], "b": [1, 1]}, None, "labels"),
        ({"a": [0, 1], "b": [1, 3]}, None, "values"),
    ],
)
def test_the_form_is_told_by_the_cells(columns: dict[str, Any], separator: str | None, form: str) -> None:
    assert form_of(columns, separator) == form


def test_without_a_task_whole_numbers_have_two_readings() -> None:
    with pytest.raises(DataError) as caught:
        for_columns({"age": [31, 40, 31]}, None, "data labels.csv")
    assert "column 'age': expected classes or values" in str(caught.value)
    assert "whole numbers from 31 to 40, 2 different ones" in str(caught.value)
    assert 'head="multiclass" or "ordinal" reads classes, head="regression" values' in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "task"),
    [({"k": ["a", "b", "c"]}, "multiclass"), ({"k": [True, False]}, "binary"),
     ({"v": [0.5, 1]}, "regression"), ({"k": [["a"]]}, "multilabel"), ({"x": [0.5], "y": [2]}, "regression")],
)  # fmt: skip
def test_without_a_task_it_is_read_off_the_cells(columns: dict[str, Any], task: str) -> None:
    assert for_columns(columns, None, "data")[0].name == task


@pytest.mark.parametrize(
    "name", ["binary", "multiclass", "ordinal", "regression", "embedding", "reconstruction"]
)
def test_a_separator_is_for_several_labels_alone(name: str) -> None:
    with pytest.raises(OptionError, match="separator: expected labels, got other targets"):
        BY_NAME[name].read_columns({"k": ["a", "b"]}, "|", "data")


def test_what_is_missing_and_what_is_plain() -> None:
    class NAType:
        pass

    assert all(map(is_missing, [None, "", " ", float("nan"), np.float32("nan"), NAType()]))
    assert not any(map(is_missing, [0, False, "0", "nan", [], np.zeros(2)]))
    assert plain(np.int64(3)) == 3
    assert type(plain(np.int64(3))) is int
    assert plain((1, 2)) == [1, 2]
    assert plain(np.array([1.5])) == [1.5]


def test_a_group_is_one_however_it_is_written() -> None:
    images = [np.full((2, 2), i, np.uint8) for i in range(8)]
    people = ["p1", "p1 ", 7, "7", 7.0, np.int64(7), float("nan"), " "]
    data = Records({"image": images, "y": [0, 1] * 4, "p": people}, roles=Roles(target=("y",), group="p"))
    assert [data.group_of(i) for i in range(8)] == ["p1", "p1", "7", "7", "7", "7", None, None]


def test_dates_are_compared_as_moments() -> None:
    days = ["2025-01-02T00:30+02:00", "2025-01-01T23:00Z", "2025-01-01T20:00:00-05:00"]
    found = order_in(days, "day")
    assert sorted(range(3), key=found.__getitem__) == [0, 1, 2]
    assert order_in(["2025-01-02T00:00+01:00"], "day") == order_in(["2025-01-01T23:00Z"], "day")
    close = ["2025-01-01 00:00:00.000000002", "2025-01-01 00:00:00.000000001", "2025-01-01"]
    found = order_in(close, "day")
    assert sorted(range(3), key=found.__getitem__) == [2, 1, 0]
    assert order_in(["20250101T101010.5"], "day") == order_in(["2025-01-01T10:10:10.500"], "day")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([0, 1, float("nan")], "expected a number or date in each row, got none in row 3"),
        (["2025-01-01", ""], "got none in row 2"),
        ([5, "2025-01-01"], "got 5 in row 1 and '2025-01-01' in row 2"),
        (["2025-01-01", "2025-01-01T00:00Z"], "expected dates with an offset from UTC, or without"),
    ],
)
def test_an_order_that_is_none_names_its_row(cells: list[Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        order_in(cells, "day")


def test_numbers_and_words_of_truth_in_one_column_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"expected numbers, or true and false.* got 0 in row 1 and False in row 2"
    ):
        classes_of({"y": [0, False, 2.0, True]}, "data")


@pytest.mark.parametrize("cell", [None, " ", "holdout"])
def test_a_column_of_splits_with_another_word_is_not_left_aside(cell: Any) -> None:
    cells = {"image": ["a.png"] * 3, "y": [0, 1, 1], "split": ["train", cell, "test"]}
    with pytest.raises(
        DataError, match=r"column 'split': expected train, val or test in each row, got .* in row 2"
    ):
        settled(Roles(target=("y",)), cells, "data", needs=None)
    cells["subset"] = cells.pop("split")
    with pytest.warns(ZooWarning, match="'subset' says no splits, for .* in row 2 is none; they are drawn"):
        assert settled(Roles(target=("y",)), cells, "data", needs=None).split is None


def test_an_order_beside_splits_is_refused() -> None:
    images = [np.full((2, 2), i, np.uint8) for i in range(4)]
    cells = {
        "image": images,
        "y": ["a", "b"] * 2,
        "split": ["train", "train", "val", "test"],
        "t": [*range(4)],
    }
    with pytest.raises(
        DataError, match="expected splits, or an order that cuts them, got both; leave out order"
    ):
        split(Records(cells, roles=Roles(target=("y",), order="t")))


@pytest.mark.parametrize("task", [None, "multilabel"])
def test_all_columns_of_0_and_1_are_labels_where_there_are_no_others(task: str | None) -> None:
    cells: dict[str, Any] = {"file": ["1.png", "2.png"], "": [0, 1], "cat": [0, 1], "dog": [True, False]}
    found = Records(cells).for_task(None if task is None else BY_NAME[task])
    assert (found.labels, found.targets) == (("cat", "dog"), [[0, 1], [1, 0]])
    with pytest.raises(DataError, match=r"got columns .*; say target=\['cat', 'dog'\] for the columns of 0"):
        Records({**cells, "age": [3, 4]}).for_task(None if task is None else BY_NAME[task])
    with pytest.raises(DataError, match="say target='cat', or several in a list"):
        Records(cells).for_task(BY_NAME["multiclass"])
    with pytest.warns(ZooWarning, match="targets 'label'; not used: 'cat', 'dog'"):
        found = Records({**cells, "label": ["x|y", "x"]}).for_task(BY_NAME["multilabel"])
    assert found.labels == ("x", "y")


def test_whole_numbers_beside_empty_cells_are_labels() -> None:
    assert labels_of({"tags": [3.0, float("nan"), 12.0]}, None, "data").labels == ("12", "3")


def test_classes_are_called_as_a_csv_writes_them() -> None:
    assert classes_of({"y": typed(["+1", "-1", "+1"])}, "data").labels == ("-1", "+1")
    assert classes_of({"y": typed(["-0", "1.0", "2"])}, "data").labels == ("-0", "1", "2")
    assert values_of({"y": typed(["+1", "-0"])}, "data").targets == [1.0, 0.0]
    assert classes_of({"y": typed(["2e3", "1e1", "5"])}, "data").labels == ("5", "1e1", "2e3")
    joined = in_one([typed(["1e1"]), typed(["7"])])
    assert classes_of({"y": joined}, "data").labels == ("7", "1e1")
    assert values_of({"y": typed(["2e3", "1e-1"])}, "data").targets == [2000.0, 0.1]
    assert classes_of({"y": typed(["007", "1_000"])}, "data").labels == ("007", "1_000")


def test_a_separator_beside_several_columns_is_refused() -> None:
    with pytest.raises(OptionError, match="expected labels in one column, got 2 columns of one label each"):
        BY_NAME["multilabel"].read_columns({"a": [0, 1], "b": [1, 0]}, ";", "data")


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "index", "__index_level_0__"])
def test_row_numbers_are_no_targets(index: str) -> None:
    table = {index: [3, 0], "file": ["a.png", "b.png"]}
    found = settled(Roles(), {**table, "weight": [0.5, 1]}, "data", needs="target")
    assert found.target == ("weight",)
    assert words_of_unused(found, {**table, "weight": [0.5, 1]}) == ""
    with pytest.raises(DataError, match="got no column but that of the images"):
        settled(Roles(), table, "data", needs="target")
    assert settled(Roles(), {**table, index: ["x", "y"]}, "data", needs="target").target == (index,)


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([["a.png", "a", "c"]], columns=["file", "y", "y"])
    arrow = pa.table([["a.png"], ["a"], ["c"]], names=["file", "y", "y"])
    for table in (frame, arrow):
        with pytest.raises(DataError, match="a name for each column, got 'y' twice"):
            columns_of(table)
    with pytest.raises(DataError, match="got '1' twice"):
        columns_of_rows([{1: "a", "1": "b"}])


def test_columns_may_be_called_by_numbers() -> None:
    said = ColumnOptions.model_validate({"target": [2019, "2020"], "group": 7})
    assert (said.target, said.group) == (("2019", "2020"), "7")
    assert ColumnOptions.model_validate({"target": 1}).target == ("1",)
    with pytest.raises(ValueError, match='within quotes: "true"'):
        ColumnOptions.model_validate({"target": True})


def test_identities_that_are_numbers_name_files(tmp_path: Path) -> None:
    for i in range(2):
        Image.fromarray(np.full((4, 4), i * 200, np.uint8)).save(tmp_path / f"{i}.png")
    data = Records({"id": [1, 0], "label": ["a", "b"]}, roles=Roles(image="id"), root=tmp_path)
    assert [path.name for path in data.files or ()] == ["1.png", "0.png"]
    assert data[0].image.mean() == 200
