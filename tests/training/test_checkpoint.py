import json
from pathlib import Path

import pytest
import torch

from zoo.spec.errors import FormatError, TrainingError
from zoo.training import checkpoint
from zoo.training.checkpoint import read_checkpoint, write_checkpoint
from zoo.weights.tensor_files import write

STATE = {
    "epoch": 3,
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
