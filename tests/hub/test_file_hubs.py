"""`file:` folders that serve as hubs."""

from __future__ import annotations

import pytest
import torch

import zoo
from zoo.spec.errors import SaveError, WeightsError

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


def test_there_and_back(tmp_path, make):
    model = make("mlp")
    pushed = zoo.push(model, f"file:{tmp_path}/hub/cats")
    assert pushed.files == (WEIGHTS, CONFIG, "README.md")
    assert same(zoo.pull(pushed.reference), model)
    assert zoo.push(model, f"file:{tmp_path}/hub/cats").files == ()


def test_only_what_changed_is_written(tmp_path, make):
    model = make("mlp")
    target = tmp_path / "cats"
    zoo.push(model, target)
    before = (target / WEIGHTS).stat().st_ino
    model.metrics = {"val": {"accuracy": 0.5}}
    assert zoo.push(model, target).files == (CONFIG, "README.md")
    assert (target / WEIGHTS).stat().st_ino == before


def test_the_formats_files_and_no_other(tmp_path, make):
    run = zoo.save(make("mlp"), tmp_path / "run")
    for name in ("history.json", "curves.png", "splits.json"):
        (run / name).write_text("[]")
    zoo.push(run, f"file:{tmp_path}/cats")
    names = {p.name for p in (tmp_path / "cats").iterdir()}
    assert names == {WEIGHTS, CONFIG, "README.md", "history.json", "curves.png"}
    zoo.push(make("mlp", seed=1), f"file:{tmp_path}/cats")
    assert {p.name for p in (tmp_path / "cats").iterdir()} == {WEIGHTS, CONFIG, "README.md"}


def test_a_damaged_folder_is_found_on_pull(tmp_path, make):
    folder = zoo.save(make("mlp"), tmp_path / "cats")
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-5] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    zoo.load(folder)
    with pytest.raises(WeightsError, match=r"expected sha256 .* got .*; model.safetensors is damaged"):
        zoo.pull(f"file:{folder}")


def test_a_folder_with_something_else_is_left_alone(tmp_path, make):
    (tmp_path / CONFIG).write_text("{}")
    with pytest.raises(SaveError, match=r"other files named config\.json"):
        zoo.push(make("mlp"), f"file:{tmp_path}")
    assert [p.name for p in tmp_path.iterdir()] == [CONFIG]


def test_options_of_the_hub_are_refused(tmp_path, make):
    with pytest.raises(SaveError, match="no options of the Hub for a folder, got message, private"):
        zoo.push(make("mlp"), f"file:{tmp_path}/cats", message="x", private=True)
    assert list(tmp_path.iterdir()) == []
