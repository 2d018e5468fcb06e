"""The rows of a run: written, read, and which epoch was best."""

from __future__ import annotations

import json
import math

import pytest

from zoo.spec.disk.history import best_row, last_better, read_history, write_history, write_json
from zoo.spec.errors import FormatError

NAN = math.nan


def rows(*values: float, key: str = "v"):
    return [{"epoch": i + 1, key: value} for i, value in enumerate(values)]


def test_rows_come_back_as_written_and_numbers_that_json_lacks_as_none(tmp_path):
    write_history(tmp_path / "history.json", [{"epoch": 1, "v": 0.5}, {"epoch": 2, "v": NAN, "w": math.inf}])
    text = (tmp_path / "history.json").read_text()
    assert text.splitlines() == ["[", '{"epoch": 1, "v": 0.5},', '{"epoch": 2, "v": null, "w": null}', "]"]
    first, second = read_history(tmp_path)
    assert first == {"epoch": 1, "v": 0.5}
    assert math.isnan(second["v"])
    assert [file.name for file in tmp_path.iterdir()] == ["history.json"]


def test_plain_data_is_cleaned_however_deep(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, NAN, ("ä", {"b": -math.inf})], "c": None})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, None, ["ä", {"b": None}]], "c": None}
    assert "ä" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", 1)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_json(tmp_path / "a.json", 2)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json", "1\n")]


def test_what_is_written_is_on_the_disk_before_it_takes_the_old_ones_place(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("os.fsync", lambda _: seen.append([f.read_text() for f in tmp_path.iterdir()]))
    write_json(tmp_path / "a.json", 7)
    assert seen == [["7\n"]]


@pytest.mark.parametrize("text", [None, "{", "{}", "[1]"])
def test_a_history_that_is_none_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "history.json").write_text(text)
    with pytest.raises(FormatError, match="expected a list of epochs"):
        read_history(tmp_path)


@pytest.mark.parametrize(
    ("values", "higher", "epoch"),
    [((3, 1, 2), False, 2), ((3, 1, 3), True, 1), ((NAN, 2, 2), False, 2), ((NAN, NAN), True, None),
     ((), True, None)],
)  # fmt: skip
def test_the_best_row_is_the_first_of_the_best(values, higher, epoch):
    found = best_row(rows(*values), "v", higher)
    assert (found and found["epoch"]) == epoch


@pytest.mark.parametrize(
    ("values", "higher", "least", "epoch"),
    [
        ((3, 2, 2, 1), False, 0.0, 4),
        ((3, 2, 2, 2), False, 0.0, 2),
        ((1, 2, 3, 1), True, 0.0, 3),
        ((1, 2, 3, 1), False, 0.0, 1),
        ((3, 2.5, 2.0), False, 1.0, 1),  # better by 1 is not by more than 1
        ((3, 2.5, 1.5), False, 1.0, 3),
        ((NAN, 5, 6), False, 0.0, 2),
        ((5, NAN, 4), False, 0.0, 3),
        ((5, NAN, NAN), False, 0.0, 1),
        ((NAN, NAN), False, 0.0, 0),
        ((), True, 0.0, 0),
    ],
)
def test_the_last_epoch_that_was_better_by_enough(values, higher, least, epoch):
    assert last_better(rows(*values), "v", higher, least) == epoch
