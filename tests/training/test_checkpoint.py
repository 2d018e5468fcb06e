import json
import math
import re
from pathlib import Path

import pytest
import torch

from zoo.spec.errors import FormatError, TrainingError
from zoo.training.record import checkpoint
from zoo.training.record.checkpoint import read_checkpoint, read_numbers, write_checkpoint
from zoo.weights.tensor_files import write

STATE = {
    "epoch": 3,
    "step": 0,
    "optimizer": {"state": {0: {"step": torch.tensor(2.0), "mean": torch.rand(3, 2)}}, "betas": (0.9, 0.999)},
    "best": float("inf"),
    "names": ["a", None, True],
    "half": torch.rand(4).bfloat16(),
    "turned": torch.rand(3, 4).t(),
}


def same(one: object, two: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return (
            isinstance(two, dict) and list(one) == list(two) and all(same(v, two[k]) for k, v in one.items())
        )
    if isinstance(one, list | tuple):
        return type(one) is type(two) and len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and one == two


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", STATE)
    assert same(read_checkpoint(tmp_path / "c"), STATE)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_a_write_that_breaks_off_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch) -> None:
    write_checkpoint(tmp_path / "c", STATE)

    def half(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write", half)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(tmp_path / "c", {"epoch": 4})
    assert same(read_checkpoint(tmp_path / "c"), STATE)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_what_no_file_can_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"state.trainer.rule: .* got function"):
        write_checkpoint(tmp_path / "c", {"trainer": {"rule": lambda: 1}})
    assert not list(tmp_path.iterdir())


def test_a_damaged_or_newer_file_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", STATE)
    whole = (tmp_path / "c").read_bytes()
    for name, content in {"short": whole[:-5], "empty": b"", "braces": b"{" * 100_000}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match="a whole checkpoint"):
            read_checkpoint(tmp_path / name)
    write(tmp_path / "other", {"x": torch.zeros(1)})
    with pytest.raises(FormatError, match="written by zoo"):
        read_checkpoint(tmp_path / "other")
    write(tmp_path / "new", {}, {"zoo.checkpoint": json.dumps({"format": 9, "state": {"table": []}})})
    with pytest.raises(FormatError, match="format 1, got 9"):
        read_checkpoint(tmp_path / "new")


def test_each_checkpoint_is_told_once_it_is_written_while_somebody_watches(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def tell(who: str) -> None:
        seen.append((who, read_checkpoint(tmp_path / "c")["epoch"]))

    with checkpoint.watched(lambda: tell("outer")):
        write_checkpoint(tmp_path / "c", {"epoch": 1})
        with checkpoint.watched(lambda: tell("inner")):
            write_checkpoint(tmp_path / "c", {"epoch": 2})
        write_checkpoint(tmp_path / "c", {"epoch": 3})
    write_checkpoint(tmp_path / "c", {"epoch": 4})
    assert seen == [("outer", 1), ("outer", 2), ("inner", 2), ("outer", 3)]


def test_plain_values_are_read_without_tensors_tables_and_lists(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", {**STATE, "none": None, "text": "a"})
    assert read_numbers(tmp_path / "c") == {"epoch": 3, "step": 0, "none": None, "text": "a"}


@pytest.mark.parametrize(
    "value",
    [
        float("-inf"),
        (),
        [],
        {},
        ((1, [2, (3,)]),),
        {"a": {1: {2: ()}}},
        [None, False, 0, 0.5, "x"],
        {(1, 2): 3},
    ],
)
def test_values_of_any_depth_come_back_as_they_were(tmp_path: Path, value: object) -> None:
    write_checkpoint(tmp_path / "c", {"value": value})
    assert same(read_checkpoint(tmp_path / "c"), {"value": value})


def test_no_number_comes_back_as_no_number(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", {"loss": float("nan")})
    assert math.isnan(read_checkpoint(tmp_path / "c")["loss"])


@pytest.mark.parametrize("where", ["trainer.rules[1]", "trainer.rules[0][1]"])
def test_the_place_within_lists_is_named(tmp_path: Path, where: str) -> None:
    rules = [(0, set()), 1] if where.endswith("[0][1]") else [0, set()]
    with pytest.raises(TrainingError, match=rf"state.{re.escape(where)}: .* got set"):
        write_checkpoint(tmp_path / "c", {"trainer": {"rules": rules}})


@pytest.mark.parametrize("note", ["[]", '{"state": {}}', '{"format": "1", "state": {}}', "null", "7"])
def test_a_file_with_another_note_is_not_of_zoo(tmp_path: Path, note: str) -> None:
    write(tmp_path / "c", {}, {"zoo.checkpoint": note})
    with pytest.raises(FormatError, match="expected a checkpoint written by zoo, got something else"):
        read_checkpoint(tmp_path / "c")


def test_a_checkpoint_that_is_not_there_is_said(tmp_path: Path) -> None:
    for reading in (read_checkpoint, read_numbers):
        with pytest.raises(FormatError, match="expected a whole checkpoint"):
            reading(tmp_path / "none")
