"""zoo where Windows' refusals hold: what is written over, moved, named and cleaned up."""

from __future__ import annotations

import gc
import json
import os
import tempfile
import warnings
from pathlib import Path

import pytest
import torch

import zoo
from zoo.images.decode import decode
from zoo.inference.file_names import DistinctStems
from zoo.runtime.arguments import new_run_folder
from zoo.spec.disk import systems
from zoo.spec.disk.atomic_write import write_text
from zoo.spec.disk.transaction import transaction
from zoo.spec.errors import DataError, SaveError, TrainingError, ZooWarning

pytestmark = pytest.mark.usefixtures("windows")


@pytest.fixture
def folder(tmp_path, make_model):
    return zoo.save(make_model(), tmp_path / "model")


def asides(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".old")]


def test_a_model_is_saved_into_the_folder_that_it_is_mapped_from(folder):
    model = zoo.load(folder)
    x = model.example_input()
    with torch.no_grad():
        next(model.parameters()).add_(1)
    expected = model(x)
    zoo.save(model, folder)
    # The old weights are in use, and so stay beside the new ones under another name
    assert len(asides(folder)) == 1
    assert torch.equal(zoo.load(folder, copy=True)(x), expected)
    assert torch.equal(model(x), expected)


def test_weights_that_were_moved_aside_go_once_nobody_uses_them(folder):
    model = zoo.load(folder)
    zoo.save(model, folder)
    (aside,) = asides(folder)
    os.utime(folder / aside, (1e9, 1e9))
    zoo.save(model, folder)
    assert aside in asides(folder)
    again = zoo.load(folder, copy=True)
    del model
    gc.collect()
    zoo.save(again, folder)
    assert asides(folder) == []


def test_a_file_that_another_holds_open_is_kept_and_the_error_says_so(tmp_path):
    target = tmp_path / "labels.txt"
    target.write_text("old", encoding="utf-8")
    with target.open("rb"), pytest.raises(PermissionError):
        write_text(target, "new")
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_a_commit_waits_for_whoever_has_a_new_file_open_for_a_moment(tmp_path, monkeypatch):
    scanner = []
    monkeypatch.setattr(systems.time, "sleep", lambda seconds: scanner.pop().close())
    with transaction(tmp_path / "new") as staging:
        (staging / "a.txt").write_text("a", encoding="utf-8")
        scanner.append((staging / "a.txt").open("rb"))
    assert (tmp_path / "new" / "a.txt").exists()


def test_a_model_is_pushed_and_pulled_from_where_it_is_mapped(folder, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    model = zoo.load(folder)
    zoo.push(folder, f"file:{tmp_path / 'shelf'}")
    zoo.push(model, f"file:{tmp_path / 'shelf'}")
    same = zoo.pull(f"file:{tmp_path / 'shelf'}")
    x = model.example_input()
    assert torch.equal(same(x), model(x))
    # Nothing of the parcel is left
    assert [*(tmp_path / "temporary").iterdir()] == []


def test_a_run_is_trained_resumed_measured_and_used(photos, tmp_path, make_model):
    out = tmp_path / "run"
    run = zoo.fit(make_model(), photos, epochs=1, out=out, progress=False)
    again = zoo.fit(resume=out, epochs=2, progress=False)
    assert len(again.history) == 2
    zoo.evaluate(out, photos, split="val", out=tmp_path / "figures")
    assert json.loads((tmp_path / "figures" / "metrics.json").read_text(encoding="utf-8"))
    assert zoo.predict(run.model, photos / "dark" / "0.png")[0].label


def test_names_of_devices_are_no_folders_and_the_error_says_what_is(make_model, tmp_path):
    for name in ("NUL", "what?", "n" * 255):
        with pytest.raises(SaveError, match="choose a shorter name, without"):
            zoo.save(make_model(), tmp_path / name / "model")
        with pytest.raises(TrainingError, match=r"run folder .*; choose a shorter name, without"):
            new_run_folder(tmp_path / name, "net")


def test_a_run_folder_gets_a_name_that_windows_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert new_run_folder(None, "nul.x").name == "nul_.x-1"
    assert new_run_folder(None, "Nul.X").name == "Nul_.X-2"  # one folder with the other, but for the number


def test_answers_to_images_of_odd_names_get_names_that_every_system_has(tmp_path):
    names = DistinctStems(["a:b", "a?b", "A_B", "con", "e\u0301"])
    with pytest.warns(ZooWarning, match=r"the answer of 'a:b' is written as 'a_b': not every system") as told:
        found = [names.of(name) for name in ("a:b", "a?b", "A_B", "con", "e\u0301")]
    assert found == ["a_b", "a_b-1", "A_B-2", "con_", "\u00e9"]
    assert len(told) == 1
    for name in found:
        (tmp_path / f"{name}.png").touch()
    assert len([*tmp_path.iterdir()]) == 5


def test_names_that_every_system_has_are_said_nothing_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert DistinctStems(["cat"]).of("cat") == "cat"


def test_a_new_plugin_is_written_with_its_folders(tmp_path):
    with transaction(tmp_path / "zoo-mine") as staging:
        (staging / "src").mkdir()
        (staging / "src" / "plugin.py").write_text("", encoding="utf-8")
        (staging / "pyproject.toml").write_text("", encoding="utf-8")
    assert (tmp_path / "zoo-mine" / "pyproject.toml").exists() and (tmp_path / "zoo-mine" / "src").is_dir()


def test_a_folder_in_the_place_of_an_image_is_called_one(tmp_path):
    with pytest.raises(DataError, match="expected an image file, got a folder"):
        decode(tmp_path)
