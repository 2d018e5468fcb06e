"""Numbers that a table calls its classes are names beside classes that are called by numbers, else places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo.data.label_mapping import by_name
from zoo.data.objects.arrays import listed
from zoo.data.objects.parts import Parts
from zoo.data.objects.several import Several
from zoo.data.streams.samples import Coming
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.tasks import Multiclass, Regression
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError, ZooWarning

FOLDERS = ("0", "1", "10", "2")
"""Classes in the order in which a listing has folders of these names."""


def images(count: int) -> list[Any]:
    return [*np.random.default_rng(count).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)]


def table(*cells: Any) -> Dataset:
    return Records({"image": images(len(cells)), "kind": cells}).for_task(Multiclass())


def samples(*cells: Any) -> Dataset:
    return listed(images(len(cells)), cells).for_task(Multiclass())


@pytest.mark.parametrize(
    ("labels", "called"),
    [
        (FOLDERS, ["0", "1", "2", "1"]),
        (("2", "1", "0"), ["0", "1", "2", "1"]),
        (("00", "01", "02", "10"), ["00", "01", "02", "01"]),
        (("cat", "dog", "owl"), ["cat", "dog", "owl", "dog"]),
    ],
)
def test_numbers_of_a_table_are_names_of_numbered_classes(labels: tuple[str, ...], called: list[str]) -> None:
    found = by_name(table(0, 1, 2, 1), labels, Multiclass(), "evaluate")
    assert (found.labels, [labels[i] for i in found.targets]) == (labels, called)


def test_a_number_that_is_no_class_is_refused_and_not_taken_by_its_place() -> None:
    with pytest.raises(DataError, match=r"classes of the model \('1', '2', '3'\), got 1 .* \('0'\)"):
        by_name(table(0, 1, 2), ("1", "2", "3"), Multiclass(), "evaluate")


def test_indices_are_places_unless_they_may_be_names_of_other_classes() -> None:
    for labels in (("cat", "dog", "owl"), ("10", "20", "30"), ("0", "1", "2")):
        assert by_name(samples(0, 2), labels, Multiclass(), "evaluate").targets == [0, 2]
    words = r"got whole numbers: 2 may be '2' or, by its place, '10'; give texts, str\(target\)"
    with pytest.raises(DataError, match=words):
        by_name(samples(0, 2), FOLDERS, Multiclass(), "evaluate")
    named = by_name(samples("0", "2"), FOLDERS, Multiclass(), "evaluate")
    assert named.targets == [0, 3]


def test_indices_of_a_stream_are_refused_where_they_may_be_names() -> None:
    coming = Coming([], {}, Multiclass(), FOLDERS)
    coming.raw = (images(1)[0], 1)
    assert coming[0].target == 1
    coming.raw = (images(1)[0], 2)
    with pytest.raises(DataError, match="2 may be '2' or, by its place, '10'"):
        coming[0]


def test_parts_and_sources_meet_by_the_same_names() -> None:
    folder = samples(*FOLDERS)
    for data in (
        Parts({"train": folder, "val": table(0, 1, 2)}),
        Several({"mine": folder, "theirs": table(0, 1, 2, 10)}),
    ):
        names = [*FOLDERS, "0", "1", "2", "10"]
        assert [data.labels[i] for i in data.targets] == names[: len(data)]
    parts = Parts({"train": samples("cat", "dog"), "val": table(1, 0)})
    assert (parts.labels, parts.targets) == (("cat", "dog"), [0, 1, 1, 0])
    with pytest.raises(DataError, match="from 0 to 1, got numbers up to 2"):
        Parts({"train": samples("cat", "dog"), "val": table(0, 1, 2)})
    words = r"names in all or in none, .* numbers \(t\); say .* classes = {0 = ...} beside t"
    with pytest.raises(DataError, match=words):
        Several({"f": samples("cat", "dog"), "t": table(0, 1)})


def test_classes_said_in_another_order_are_learnt_by_name(tmp_path: Path) -> None:
    rows = [np.full((8, 8, 3), 200 * (i % 2) + i, np.uint8) for i in range(12)]
    model = zoo.build("small_cnn", head="binary", classes=["1", "0"], input_size=8, seed=0)
    data = {"image": rows, "kind": [i % 2 for i in range(12)]}
    zoo.fit(model, data, out=tmp_path / "run", epochs=20, lr=1e-2, progress=False, cache=False)
    assert [answer.label for answer in zoo.predict(model, rows[:2])] == ["0", "1"]


def test_true_and_false_are_classes_however_they_are_written() -> None:
    assert by_name(table(True, False), ("false", "true"), Multiclass(), "evaluate").targets == [1, 0]
    assert by_name(table("TRUE", "other"), ("other", "True"), Multiclass(), "evaluate").targets == [1, 0]
    with pytest.raises(DataError, match="does not know"):
        by_name(table("CAT", "other"), ("other", "cat"), Multiclass(), "evaluate")


@pytest.mark.parametrize(
    ("head", "y", "words"),
    [
        ("binary", [1, 2], "from 0, and 1, 2 alone are used: str.target. makes them names$"),
        ("binary", [0, 255], "from 0, and 0, 255 alone are used"),
        ("multiclass", [1, 2, 3], "makes them names; say zoo.build(..., classes=3)"),
        ("multiclass", [0, 1, 2], "got 3 .'0', '1', '2'.; say zoo.build(..., classes=3)"),
        ("binary", [[0], [1]], r"got \[0\] in sample 0; y.ravel\(\) makes a column a class"),
    ],
)
def test_indices_that_do_not_fit_are_answered_with_what_makes_them_classes(
    head: str, y: list[Any], words: str
) -> None:
    task = BY_NAME[head]
    with pytest.raises(DataError, match=words.replace("build(...", r"build\(...").replace("3)", r"3\)")):
        task.check(listed(images(len(y)), y).for_task(task), 2 if head == "multiclass" else 1, (), "fit")


def test_a_lone_value_that_is_called_otherwise_is_said(recwarn: pytest.WarningsRecorder) -> None:
    def column(name: str) -> Dataset:
        data = Records({"image": images(2), name: [1.5, 2.5]}, roles=Roles(target=(name,)))
        return data.for_task(Regression())

    by_name(column("age"), ("age",), Regression(), "evaluate")
    by_name(column("Age"), ("age",), Regression(), "evaluate")
    by_name(listed(images(2), [1.5, 2.5]).for_task(Regression()), ("age",), Regression(), "evaluate")
    assert not recwarn.list
    with pytest.warns(ZooWarning, match="fit: 'mass' is taken for 'age' of the model, which stays its name"):
        by_name(column("mass"), ("age",), Regression(), "fit")
