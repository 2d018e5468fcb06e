"""The fuzzing itself: cases can be had again, keep their form as it says, and find a reader that fails."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.__main__ import run
from tests.fuzz.mutations import changed_value, deep, json_bytes, paths
from tests.fuzz.readers import Reader, make


def json_reader(take: object) -> Reader:
    import json

    seed = json_bytes({"epochs": 3, "labels": ["cat", "dog"]})
    return Reader("any", (seed,), take, lambda tree, _: json_bytes(tree), json.loads, ())  # type: ignore[arg-type]


def test_a_case_can_be_had_again(tmp_path: Path) -> None:
    reader, found = json_reader(lambda path: None), []
    for _ in range(2):
        for case in range(30):
            reader.put(tmp_path / "file", random.Random(f"0/any/{case}"))
            found.append((tmp_path / "file").read_bytes() if (tmp_path / "file").is_file() else b"")
    assert found[:30] == found[30:] and len(set(found)) > 15


def test_mutations_leave_what_they_begin_from() -> None:
    tree = {"a": [1, {"b": None}], "c": "x"}
    for number in range(200):
        changed_value(tree, random.Random(number))
    assert tree == {"a": [1, {"b": None}], "c": "x"}
    assert [*paths(tree)] == [("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("c",)]
    assert deep(2) == [[[]]]


def fails(path: Path) -> None:
    if path.is_file() and path.stat().st_size % 2:
        raise KeyError("x")


def hangs(path: Path) -> None:
    if path.is_file() and path.stat().st_size % 23 == 0:
        while True:
            pass


@pytest.mark.slow
@pytest.mark.parametrize(("take", "said"), [(fails, "KeyError: 'x'"), (hangs, "killed by signal 24")])
def test_a_reader_that_fails_is_found(
    tmp_path: Path, take: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.__main__.SECONDS", 1)
    found = run(json_reader(take), 0, range(60), tmp_path)
    assert found["cases"] == 60
    assert found["failed"] and all(said in row["failure"] for row in found["failed"])
    assert found["formed"] > 20


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_every_reader_refuses_or_loads_damaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    readers = make(tmp_path)
    assert len(readers) == 14
    for reader in readers.values():
        found = run(reader, 7, range(60), tmp_path)
        assert found["failed"] == [], reader.name
