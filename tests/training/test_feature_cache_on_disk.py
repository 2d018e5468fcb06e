"""What runs make of the feature cache when the disk, a person or another process is in the way.

Through `zoo.fit`, `ZOO_CACHE` and files alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests import small_disks
from zoo.data.row_cache import store
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, OptionError, ZooWarning
from zoo.training.feature_cache import FeatureCache
from zoo.training.run import Run

Make = Callable[..., Model]
Start = Callable[[str, str], subprocess.Popen[str]]
FACES = {"name": "faces", "per_class": 12}
SHORT: dict[str, Any] = {"epochs": 2, "batch_size": 6, "lr": 0.01}

pytestmark = pytest.mark.filterwarnings("ignore:frozen blocks .* have random:zoo.ZooWarning")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def trained(make_model: Make, tmp_path: Path) -> Callable[..., Run]:
    """A short run of a frozen network with a new head, in a folder of its own."""
    number = iter(range(100))

    def train(**more: Any) -> Run:
        out = tmp_path / f"run{next(number)}"
        return zoo.fit(make_model(freeze="all"), FACES, out=out, **{**SHORT, **more})

    return train


def losses(run: Run) -> list[float]:
    return [row[name] for row in run.history for name in ("loss", "val_loss")]


def kept(run: Run) -> Path:
    """The folder of a run's features."""
    return Path(run.cache.rpartition(" in ")[2])


def goes_on_without(trained: Callable[..., Run], why: str) -> Run:
    """A run that computes features anew and says why; where they were asked for, it does not begin."""
    with pytest.raises(OptionError, match=f"cache=True: expected frozen blocks whose .*{why}"):
        trained(cache=True)
    with pytest.warns(ZooWarning, match=f"are computed anew each epoch: .*{why}"):
        run = trained()
    assert run.cache == ""
    return run


def test_without_a_home_folder_a_run_goes_on_and_says_so(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(number: int) -> None:
        raise KeyError(number)

    for variable in ("ZOO_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    goes_on_without(trained, "there is no home folder to keep them in; set ZOO_CACHE")


@pytest.mark.parametrize("where", [".", "features"])
def test_a_file_in_the_place_of_the_cache_folder_is_told(
    trained: Callable[..., Run], home: Path, where: str
) -> None:
    (home.parent.parent if where == "." else home.parent).mkdir(exist_ok=True)
    file = home.parent if where == "." else home
    file.write_text("a file")
    goes_on_without(trained, "cannot write rows in .*: got .*; make its folder, or choose another")
    assert file.read_text() == "a file"


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """The cache folder as a disk of 256 kB."""
    with small_disks.small_disk(home.parent, "256k") as place:
        yield place


def test_a_read_only_cache_is_read_and_not_filled(trained: Callable[..., Run], small_disk: Path) -> None:
    plain = trained(cache=True)
    small_disks.remount(small_disk, "ro")
    assert losses(trained(cache=True)) == losses(plain)
    goes_on_without(lambda **more: trained(seed=5, **more), "Read-only file system; choose a place that")


def test_a_disk_that_fills_up_while_features_are_written_is_told_and_the_rest_follows(
    trained: Callable[..., Run], small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program takes the room after the first rows; nothing half remains."""
    full, write = small_disk / "other", store.write
    monkeypatch.setattr("zoo.training.feature_cache._MOST_IMAGES", 4)
    monkeypatch.setattr(store, "SEGMENT_SECONDS", 0.0)

    def filling(path: Path, *rest: Any) -> None:
        write(path, *rest)
        with full.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    monkeypatch.setattr(store, "write", filling)
    with pytest.raises(
        OptionError, match=r"cannot write rows in .*: got No space left on device; free space"
    ):
        trained(cache=True)
    full.unlink()
    with pytest.warns(ZooWarning, match=r"anew each epoch: .*: got No space left on device; free space"):
        run = trained()
    assert run.cache == ""
    (folder,) = (small_disk / "features").iterdir()
    assert [path.suffix for path in folder.iterdir() if path.stat().st_size] == [".safetensors"] * 2
    full.unlink()
    monkeypatch.setattr(store, "write", write)
    again = trained(cache=True)
    assert losses(again) == pytest.approx(losses(run), rel=1e-5)
    assert kept(again) == folder
    assert len(list(folder.glob("*.safetensors"))) == 5


def test_features_of_a_live_run_are_not_removed_by_another(
    trained: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch, make_model: Make, tmp_path: Path
) -> None:
    """Forced out by a run with other features while it trains, a run would begin anew or read nothing."""
    plain = trained(cache=True)
    monkeypatch.setenv("ZOO_FEATURE_CACHE_GB", "0.000008")  # room for one of the two
    other = make_model(freeze="all", seed=7)

    told = []
    step = type(other).forward

    def forward(self: Model, *inputs: Any) -> Any:
        if not told:
            told.append("")
            with pytest.warns(ZooWarning, match="what running processes use leaves") as warned:
                zoo.fit(other, FACES, out=tmp_path / "other", **SHORT)
            told.append(str(warned[0].message))
        return step(self, *inputs)

    monkeypatch.setattr(type(other), "forward", forward)
    assert losses(trained(cache=True)) == losses(plain)
    assert len(told) == 2
    monkeypatch.undo()


RUN = """
import sys, warnings
import torch
torch.set_num_threads(1)
import zoo
from zoo.data.row_cache import store
from zoo.training import feature_cache

warnings.simplefilter("ignore")
store.SEGMENT_SECONDS = 0.0
feature_cache._MOST_IMAGES = 2
model = zoo.build("tiny_resnet", head={"name": "binary", "dropout": 0.2}, in_channels=1, input_size=16,
                  seed=0, freeze="all")
prefix = type(model).run_prefix
def slow(self, x):
    print("batch", flush=True)
    if len(x) == 2 and sys.argv[2] == "wait":
        sys.stdin.readline()
    return prefix(self, x)
type(model).run_prefix = slow
run = zoo.fit(model, {"name": "faces", "per_class": 12}, out=sys.argv[1], cache=True, progress=True,
              epochs=2, batch_size=6, lr=0.01)
print("losses", [row["loss"] for row in run.history])
"""


@pytest.fixture
def started(home: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts runs in processes of their own; `wait` reads a line before each batch of images."""
    running: list[subprocess.Popen[str]] = []

    def start(name: str, way: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN, str(tmp_path / name), way]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(command, text=True, env=environment, **pipes))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_of_two_processes_that_need_the_same_features_one_computes_and_the_other_waits(
    started: Start,
) -> None:
    first = started("first", "wait")
    assert first.stdout is not None
    assert first.stderr is not None
    # The trace of shapes, and the first batch, within which it holds the lock
    assert [first.stdout.readline() for _ in range(2)] == ["batch\n", "batch\n"]
    second = started("second", "go")
    assert second.stderr is not None
    said = ""
    while "waiting for another process, which computes block3" not in said:
        line = second.stderr.readline()
        assert line, said
        said += line
    out, error = first.communicate("\n" * 20)
    assert first.returncode == 0, error
    losses = out.splitlines()[-1]
    out, error = second.communicate()
    assert second.returncode == 0, error
    assert out.splitlines() == ["batch", losses]
    assert "reusing block3 (avg pooled) of 20 images" in error


@pytest.mark.slow
def test_a_killed_filling_leaves_what_it_wrote_and_the_next_run_goes_on(home: Path, started: Start) -> None:
    first = started("first", "wait")
    assert first.stdin is not None
    assert first.stdout is not None
    first.stdin.write("\n" * 4)
    first.stdin.flush()
    for _ in range(6):
        first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    (folder,) = home.iterdir()
    (folder / f".zoo-{0:08x}.part").write_bytes(b"the beginning of a segment")
    out, error = (second := started("second", "go")).communicate()
    assert second.returncode == 0, error
    assert "computing block3 (avg pooled) of 12 images once" in error
    assert not list(folder.glob("*.part"))
    assert not list(folder.glob("lease*"))
    whole, error = (third := started("third", "go")).communicate()
    assert third.returncode == 0, error
    assert whole.splitlines()[-1] == out.splitlines()[-1]


def test_images_that_change_while_their_features_are_computed_are_refused(
    make_model: Make, photos: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rows would be kept by the digests of the images before."""
    file = sorted(photos.rglob("*.png"))[0]
    before, key = file.read_bytes(), FeatureCache._key

    def meanwhile(self: FeatureCache) -> str:
        found = key(self)
        shutil.copy(sorted(photos.rglob("*.png"))[-1], file)  # as a sync that runs at the same time
        return found

    def fitted(name: str) -> list[float]:
        model = make_model(freeze="all", in_channels=3)
        return losses(zoo.fit(model, photos, out=tmp_path / name, cache=True, **SHORT))

    with monkeypatch.context() as patch:
        patch.setattr(FeatureCache, "_key", meanwhile)
        with pytest.raises(DataError, match=r"expected the one that the run began with, got one that has"):
            fitted("one")
    file.write_bytes(before)
    found = fitted("two")
    shutil.rmtree(home)
    assert fitted("three") == found
