"""`file:` folders that serve as hubs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.spec.errors import SaveError, TrainingError, WeightsError

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


class Place:
    """A path object that is no `pathlib.Path`."""

    def __init__(self, path):
        self.path = str(path)

    def __fspath__(self):
        return self.path


def test_every_path_object_is_a_folder(tmp_path, make):
    model, place = make("mlp"), Place(tmp_path / "hub" / "cats")
    zoo.push(model, place)
    assert same(zoo.pull(place), model)
    assert same(zoo.load(place), model)
    assert zoo.push(place, Place(tmp_path / "again")).files == (WEIGHTS, CONFIG, "README.md")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "dark.png")
    (found,) = zoo.predict(place, Place(tmp_path / "dark.png"))
    assert found.source == str(tmp_path / "dark.png")
    with pytest.raises(TrainingError, match="expected the model first"):
        zoo.predict(Place(tmp_path / "dark.png"), place)


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
