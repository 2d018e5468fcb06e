"""Saving that is cut off, at every point: the old model or the new one, never a mix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import zoo
from tests import small_disks
from zoo.hub import reproduce
from zoo.spec.disk.reading import sha256
from zoo.spec.disk.transaction import COMMITTED, recover, transaction
from zoo.spec.errors import SaveError

FILES = ["README.md", "config.json", "model.safetensors"]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250, check=False)


FULL = """
import resource, sys
import zoo
from zoo.spec.errors import SaveError
model = zoo.build("mlp", hidden=[512, 64], head="multiclass", classes=3, input_size=16, in_channels=1, seed=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for folder in sys.argv[1:]:
    try:
        zoo.save(model, folder)
    except SaveError as error:
        print(error)
"""


def test_a_file_that_cannot_grow_leaves_the_old_model(tmp_path, make):
    folders = [tmp_path / "model", tmp_path / "new"]
    old = make("mlp")
    zoo.save(old, folders[0])
    before = [(p.name, p.read_bytes()) for p in sorted(folders[0].iterdir())]
    done = python("-c", FULL, *map(str, folders))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"cannot save to {folder}: got File too large; what was there before is untouched; free space or "
        "choose another folder"
        for folder in folders
    ]
    assert [(p.name, p.read_bytes()) for p in sorted(folders[0].iterdir())] == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert_same(zoo.load(folders[0]), old)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    with small_disks.small_disk(tmp_path / "disk", "200k") as disk:
        yield disk


@pytest.mark.parametrize("measured", [True, False])
def test_a_full_disk_leaves_the_old_model(small_disk, make, monkeypatch, measured):
    old, large = make("mlp"), make("mlp", hidden=[512, 64], input_size=16)
    zoo.save(old, small_disk / "model")
    if not measured:  # the space went to another process after it was measured
        monkeypatch.setattr("zoo.hub.folder.check_space", lambda *_: None)
    message = "kB free" if measured else "No space left on device"
    with pytest.raises(SaveError, match=f"{message}.*untouched"):
        zoo.save(large, small_disk / "model")
    assert sorted(p.name for p in (small_disk / "model").iterdir()) == FILES
    assert_same(zoo.load(small_disk / "model"), old)


@pytest.mark.parametrize("given", ["a folder", "a model"])
def test_a_push_without_room_for_temporary_files_says_so_and_succeeds_with_it(
    small_disk, make, tmp_path, monkeypatch, given
):
    model, target = make("mlp"), tmp_path / "hub"
    whole = zoo.save(model, tmp_path / "model") if given == "a folder" else model
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            try:
                filler.write(bytes(4096))
            except OSError:
                break
    refused = 0
    while True:  # with a page more each time, so that each file meets the full disk once
        try:
            zoo.push(whole, f"file:{target}")
        except SaveError as error:
            refused += 1
            assert "No space left on device" in str(error) or "kB free" in str(error)
            assert "\n" not in str(error)
            assert not target.exists()
            assert [path.name for path in small_disk.iterdir()] == ["filler"]
        else:
            break
        os.truncate(small_disk / "filler", (small_disk / "filler").stat().st_size - 4096)
    assert refused >= 2
    assert_same(zoo.load(target), model)


def test_without_any_place_for_temporary_files_a_push_is_refused_in_one_line(make, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(SaveError, match=r"cannot write temporary files: got No such file .* set TMPDIR to a"):
        zoo.push(make("mlp"), f"file:{tmp_path / 'hub'}")
    with pytest.raises(SaveError, match="cannot write temporary files"):
        reproduce.in_new_process("file:m", torch.rand(1, 2))


def assert_same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[k], theirs[k]) for k in mine)


def committed(folder: Path) -> Path:
    """The folder as a crash between commit and move leaves it, with one file moved already."""
    waiting = folder / COMMITTED
    waiting.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).rename(waiting / name)
    (folder / "config.json").write_text("old")
    (folder / "model.safetensors").write_text("old")
    return waiting


def test_a_committed_model_is_read_from_a_folder_that_cannot_be_written(tmp_path, make, monkeypatch):
    new = make("mlp")
    waiting = committed(zoo.save(new, tmp_path / "model"))

    def denied(self, target):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", denied)
        assert_same(zoo.load(tmp_path / "model"), new)
    assert sorted(p.name for p in waiting.iterdir()) == FILES[1:]
    assert_same(zoo.load(tmp_path / "model"), new)
    assert not waiting.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "README.md"])
def test_a_reader_that_finishes_the_move_does_not_disturb_the_writer(tmp_path, make, monkeypatch, name):
    old, new = make("mlp", seed=1), make("mlp", seed=2)
    zoo.save(old, tmp_path / "model")
    real, done = Path.replace, []

    def replace(self, target):
        if self.name == name and not done:
            done.append(True)
            assert_same(zoo.load(tmp_path / "model"), new)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    zoo.save(new, tmp_path / "model")
    assert done
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == FILES
    assert_same(zoo.load(tmp_path / "model"), new)


class Dead(BaseException):
    """In the place of a signal, which a test cannot survive."""


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_save_that_dies_between_two_moves_is_finished_by_the_next_reader(
    tmp_path, make, monkeypatch, moves
):
    old, new = make("mlp", seed=1), make("mlp", seed=2)
    zoo.save(old, tmp_path / "model")
    real, done = Path.replace, []

    def replace(self, target):
        if len(done) == moves:
            raise Dead
        done.append(self.name)
        return real(self, target)

    with monkeypatch.context() as patch, pytest.raises(Dead):
        patch.setattr(Path, "replace", replace)
        zoo.save(new, tmp_path / "model")
    assert_same(zoo.load(tmp_path / "model"), new)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["sha256"] == sha256(tmp_path / "model" / "model.safetensors")


def test_an_error_on_the_way_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), transaction(tmp_path / "new") as staging:
        (staging / "file").write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_who_commits_in_the_place_of_an_emptied_commit_is_left_to_move_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / COMMITTED).mkdir()
    (tmp_path / COMMITTED / "a").write_text("mine")

    def meanwhile(folder: Path) -> None:
        (folder / "a").write_text("another's")
        folder.rmdir()

    with monkeypatch.context() as patch:
        patch.setattr("zoo.spec.disk.transaction.remove_empty", meanwhile)
        recover(tmp_path)
    assert (tmp_path / "a").read_text() == "mine"
    recover(tmp_path)
    assert (tmp_path / "a").read_text() == "another's" and not (tmp_path / COMMITTED).exists()
