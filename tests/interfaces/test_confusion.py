"""The confusion matrix: counts, figures by class, and the tables that people see."""

import pytest
import torch

from zoo.interfaces.tasks.confusion import Confusion, class_table, per_class, rows_by_class


def test_figures_by_class_are_counts_over_counts_and_nothing_where_there_are_none():
    truth, answer = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
    rows, confusion = per_class(truth, answer, [*"abc"])
    assert confusion == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert rows["a"] == pytest.approx({"precision": 1, "recall": 2 / 3, "f1": 0.8, "images": 3})
    assert rows["b"] == pytest.approx({"precision": 0.5, "recall": 1, "f1": 2 / 3, "images": 1})
    assert rows["c"] == {"precision": 0, "recall": 0, "f1": 0, "images": 0}
    assert rows_by_class(["a"], *torch.tensor([[0], [0], [1]]))["a"]["f1"] == 0


def test_of_very_many_classes_the_lowest_are_shown_and_those_without_images_are_not():
    rows = {f"c{i}": {"recall": 0.5, "f1": i / 100, "images": min(i, 1)} for i in range(100)}
    shown = class_table(rows)
    assert [row[0] for row in shown.rows][:2] == ["c1", "c2"]
    assert shown.below == f"the lowest f1, and {100 - len(shown.rows)} more classes"
    bare = class_table({k: {"recall": v["f1"]} for k, v in rows.items()})
    assert bare.rows[0] == ["c0", "0.000"]
    assert bare.below.startswith("the lowest recall")
    few = class_table({"b": {"f1": 0.5, "images": 12345}, "a": {"f1": 0.25, "images": 1}})
    assert (few.rows, few.below, [*few.right]) == (
        [["b", "0.500", "12,345"], ["a", "0.250", "1"]],
        "",
        [1, 2],
    )


def test_a_confusion_matrix_is_shaded_by_row_and_of_many_classes_the_commonest_mistakes_are_told():
    confusion = Confusion([*"abc"], [[6, 2, 0], [3, 0, 1], [0, 0, 0]])
    (table,) = confusion.tables(3)
    assert [[*row] for row in table.shades] == [[0.75, 0.25, 0], [0.75, 0, 0.25], [0, 0, 0]]
    (short,) = confusion.tables(2)
    assert short.rows == [["b", "a", "3"], ["a", "b", "2"], ["b", "c", "1"]]
    assert list(Confusion([*"abc"], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).tables(2)) == []


def test_a_class_that_never_occurs_has_zeros_not_nan() -> None:
    row = per_class(torch.tensor([0, 0]), torch.tensor([0, 0]), ["a", "b"])[0]["b"]
    assert row == {"precision": 0, "recall": 0, "f1": 0, "images": 0}
