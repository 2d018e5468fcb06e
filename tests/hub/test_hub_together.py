"""Pulls at the same time, caches that are full or read-only, slow links: whole models, or clear errors."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

import zoo
from tests import small_disks
from zoo.hub.pull import pull_files
from zoo.spec.errors import WeightsError, ZooError

from . import server as faults

ROOT = Path(__file__).parents[2]
REPO = "me/cats"

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.fixture
def cats(hub, tmp_path, make):
    """A repository with a model."""
    folder = zoo.save(make("tiny_resnet"), tmp_path / "saved")
    hub.commit(REPO, {p.name: p.read_bytes() for p in folder.iterdir()})
    return hub


def digest(model):
    found = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        found.update(key.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("force", [False, True], ids=["into an empty cache", "each anew"])
def test_threads_that_pull_one_model_at_once_each_get_a_whole_one(cats, make, force):
    cats.pause = 0.002
    gate = threading.Barrier(6)

    def work(number):
        gate.wait()
        if number == 5:  # one whose first download is corrupted on the way
            cats.fail(faults.corrupt, after=1)
        return digest(zoo.pull(REPO, copy=bool(number % 2), force_download=force))

    with ThreadPoolExecutor(6) as pool:
        found = [*pool.map(work, range(6))]
    assert set(found) == {digest(make("tiny_resnet"))}
    assert not [*Path(constants.HF_HUB_CACHE).rglob("*.incomplete")]


WORK = """
import hashlib, json, sys, time, zoo
from pathlib import Path
Path(sys.argv[1]).touch()
while len(list(Path(sys.argv[1]).parent.glob("ready-*"))) < int(sys.argv[2]):
    time.sleep(0.01)
found = []
for number in range(3):
    model = zoo.pull("me/cats", force_download=bool(number))
    state = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        state.update(key.encode() + tensor.numpy().tobytes())
    found.append(state.hexdigest())
print(json.dumps(found))
"""


@pytest.mark.slow
def test_processes_that_pull_one_model_at_once_each_get_a_whole_one(cats, make, tmp_path):
    cats.pause = 0.002
    variables = {"HF_ENDPOINT": cats.url, "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"}
    variables |= {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    count = 4
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORK, str(tmp_path / f"ready-{number}"), str(count)],
            env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(count)
    ]  # fmt: skip
    said = [process.communicate(timeout=250) for process in running]
    assert [error for _, error in said] == [""] * count
    assert {state for found, _ in said for state in json.loads(found)} == {digest(make("tiny_resnet"))}


@pytest.mark.usefixtures("writing")
def test_pushes_at_once_are_one_after_the_other_or_refused(hub, make, tmp_path):
    zoo.push(make("mlp"), REPO)
    folders = [zoo.save(make("mlp", seed=seed), tmp_path / str(seed)) for seed in (1, 2, 3)]
    gate = threading.Barrier(3)

    def work(folder):
        gate.wait()
        try:
            return zoo.push(folder, REPO).commit
        except ZooError as error:
            assert "nobody else to push meanwhile, got 412" in str(error)
            return None

    with ThreadPoolExecutor(3) as pool:
        done = [*pool.map(work, folders)]
    assert any(done)
    assert {sha for sha, _ in hub.repos[REPO]} >= {sha for sha in done if sha}
    assert digest(zoo.pull(REPO)) in {digest(zoo.load(folder)) for folder in folders}
    for folder, sha in zip(folders, done, strict=True):  # a retry succeeds
        if sha is None:
            assert zoo.push(folder, REPO).commit


# -- disks -------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    """A disk of four megabytes."""
    with small_disks.small_disk(tmp_path / "disk", "4m") as place:
        yield place


def filled(place):
    """A file that takes all the space that is left."""
    with (place / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    return place / "filler"


FULL = "expected a cache that can be written, got No space left on device; free space, or set HF_HOME"


@pytest.mark.filterwarnings("ignore:Not enough free disk space")  # the client's own, which the error follows
def test_a_cache_on_a_full_disk_is_told_and_a_retry_with_space_succeeds(cats, disk, make):
    cache = disk
    filler, points = filled(cache), 0
    # With a page more each time: at each point where the client writes, the disk is full once
    while True:
        try:
            model = zoo.pull(REPO, cache_dir=cache / "hf")
        except WeightsError as error:
            assert FULL in str(error)
            assert "\n" not in str(error)
        else:
            break
        assert not [*cache.rglob("*.incomplete")]
        points += 1
        os.truncate(filler, filler.stat().st_size - 4096)
    assert points > 5
    assert digest(model) == digest(make("tiny_resnet"))
    assert digest(zoo.pull(REPO, cache_dir=cache / "hf", local_files_only=True)) == digest(model)


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_what_a_full_cache_holds_is_still_pulled_and_a_new_commit_is_told(cats, disk, make, tmp_path):
    cache = disk
    old = digest(zoo.pull(REPO, cache_dir=cache / "hf"))
    folder = zoo.save(make("tiny_resnet", seed=1), tmp_path / "new")
    filled(cache)
    assert digest(zoo.pull(REPO, cache_dir=cache / "hf")) == old
    cats.commit(REPO, {p.name: p.read_bytes() for p in folder.iterdir()})
    with pytest.raises(WeightsError, match=FULL):
        zoo.pull(REPO, cache_dir=cache / "hf")
    cats.stop()
    assert digest(zoo.pull(REPO, cache_dir=cache / "hf")) == old  # what was there is whole


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_files_on_a_full_disk_are_all_there_or_none(cats, disk, make):
    place = disk
    small_disks.remount(place, "size=8k")
    with pytest.raises(ZooError, match=r"cannot save to .*(disk space|No space left)") as caught:
        pull_files(REPO, place / "out")
    assert "\n" not in str(caught.value)
    assert [*place.iterdir()] == []
    small_disks.remount(place, "size=4m")
    assert digest(zoo.load(pull_files(REPO, place / "out"))) == digest(make("tiny_resnet"))


def test_a_read_only_cache_serves_what_it_holds_and_says_so_of_the_rest(cats, disk, make, tmp_path):
    cache = disk / "hf"
    old = digest(zoo.pull(REPO, cache_dir=cache))
    small_disks.remount(disk, "ro")
    assert digest(zoo.pull(REPO, cache_dir=cache)) == old
    folder = zoo.save(make("tiny_resnet", seed=1), tmp_path / "new")
    cats.commit(REPO, {p.name: p.read_bytes() for p in folder.iterdir()})
    words = "a cache that can be written, got Read-only file system; set HF_HOME to a folder that you may"
    with pytest.raises(WeightsError, match=words):
        zoo.pull(REPO, cache_dir=cache)
    small_disks.remount(disk, "rw")
    assert digest(zoo.pull(REPO, cache_dir=cache)) == digest(zoo.load(folder))


def test_a_slow_link_brings_a_whole_model_and_a_bar_on_a_terminal(cats, make, monkeypatch):
    from zoo.weights import download_bar

    monkeypatch.setattr(download_bar, "_PATIENCE", 0.0)
    monkeypatch.setattr("zoo.weights.download.has_viewer", lambda: True)
    shown = []
    real = download_bar._display
    monkeypatch.setattr(download_bar, "_display", lambda: shown.append(1) or real())
    cats.pause = 0.02
    with torch.inference_mode():
        assert digest(zoo.pull(REPO)) == digest(make("tiny_resnet"))
    assert shown
    assert download_bar._shown == []
