"""Workers that are begun anew, as on Windows and macOS: what they are sent, and scripts they would repeat."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo.data.loader.workers import check_workers, watched
from zoo.spec.errors import DataError, OptionError


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Processes are begun anew, out of a notebook, which has no file."""
    main = ModuleType("__main__")
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: "spawn")
    monkeypatch.setitem(sys.modules, "__main__", main)
    return main


def script(main: ModuleType, folder: Path, text: str) -> None:
    main.__file__ = str(folder / "train.py")
    (folder / "train.py").write_text(text)


def test_what_can_be_sent_is_not_counted_in_bytes(anew):
    class Huge(torch.Tensor):
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise AssertionError("was pickled")

    check_workers(
        2, {"images": np.zeros((4, 2)), "targets": torch.zeros(3).as_subclass(Huge)}, Path("photos")
    )


def test_what_cannot_be_sent_is_refused_in_one_line(anew):
    with pytest.raises(
        DataError, match=r"workers=2: the data: expected what can be sent.*workers=0"
    ) as found:
        check_workers(2, {"transform": lambda image: image})
    assert "\n" not in str(found.value)
    with pytest.raises(DataError, match="lock"):
        check_workers(2, threading.Lock())


def test_a_set_of_a_notebook_is_refused_with_its_name(anew):
    exec("class Photos: pass\nclass More(Photos): pass", vars(anew))
    with pytest.raises(
        DataError, match=r"got More, which this notebook or session defines; put it into a mod"
    ):
        check_workers(2, [anew.More()])


def test_a_set_of_a_script_is_sent(anew, tmp_path):
    script(anew, tmp_path, 'class Photos: pass\n\nif __name__ == "__main__":\n    ...')
    exec("class Photos: pass", vars(anew))
    check_workers(2, [anew.Photos()])


def test_a_script_that_every_worker_would_repeat_is_refused(anew, tmp_path):
    script(anew, tmp_path, "import zoo\nzoo.fit(...)")
    with pytest.raises(
        OptionError, match=r'workers: expected .* behind if __name__ == "__main__":.*train.py'
    ):
        check_workers(2, [])


def test_a_worker_that_repeats_the_script_begins_none_of_its_own(anew, monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(OptionError, match="wherever it is imported"):
        check_workers(2, [])


def test_without_workers_or_with_forked_ones_nothing_is_looked_at(anew, monkeypatch):
    check_workers(0, threading.Lock())
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: "fork")
    check_workers(2, threading.Lock())


def test_asking_does_not_settle_how_processes_are_begun(monkeypatch):
    asked = []
    monkeypatch.setattr(
        multiprocessing, "get_start_method", lambda allow_none=False: asked.append(allow_none)
    )
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["fork"])
    check_workers(1, threading.Lock())
    assert asked == [True]


def test_a_worker_that_dies_is_told_in_one_line_and_other_errors_stay():
    def dies(text: str) -> Any:
        yield 1
        raise RuntimeError(text)

    with pytest.raises(DataError, match=r"one that died .*exited unexpectedly.*; what it said stands above"):
        list(watched(dies("DataLoader worker (pid(s) 7) exited unexpectedly"), 2))
    with pytest.raises(RuntimeError, match="shapes"):
        list(watched(dies("shapes differ"), 2))


many = pytest.mark.filterwarnings("ignore:This DataLoader will create")  # as machines of few cores say
FACES = {"name": "faces", "per_class": 4}


@pytest.fixture
def third_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has room for two processes more."""
    begin, begun = multiprocessing.process.BaseProcess.start, []

    def start(process: Any) -> None:
        begun.append(process)
        if len(begun) > 2:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        begin(process)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", start)


@many
@pytest.mark.usefixtures("third_fails")
@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict"])
def test_workers_that_cannot_begin_are_told_in_one_line_and_leave_none(tmp_path, verb):
    options = {"head": "binary", "in_channels": 1, "input_size": 4, "seed": 0}
    model = zoo.build("mlp", hidden=[8], **options)
    calls = {
        "fit": lambda: zoo.fit(model, FACES, epochs=1, out=tmp_path, progress=False, workers=4),
        "evaluate": lambda: zoo.evaluate(model, FACES, workers=4, progress=False),
        "predict": lambda: zoo.predict(model, [np.zeros((4, 4), np.uint8)] * 9, workers=4),
    }
    with pytest.raises(DataError) as error:
        calls[verb]()
    assert str(error.value) == (
        "workers=4: expected fewer, got Resource temporarily unavailable; take fewer, "
        "or raise the limit of processes (ulimit -u); workers=0 reads in this process"
    )
    gc.collect()  # what a half-made loader raises when it goes is an error here
    assert multiprocessing.active_children() == []


@many
@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of open files that can be set")
def test_files_beyond_their_limit_are_told_in_one_line_with_the_limit():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    loader = torch.utils.data.DataLoader([0] * 8, num_workers=30, persistent_workers=True)
    opened = len(list(Path("/dev/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 12, hard))
    try:
        with pytest.raises(DataError, match=r"workers=30: .* got Too many open files; .*\(ulimit -n\)"):
            list(watched(loader, 30))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    gc.collect()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOMEM, "no"), "wait until others leave room"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (RuntimeError("received 0 items of ancdata"), "ulimit -n"),
        (RuntimeError("unable to open shared memory object </x>: Too many open files (24)"), "ulimit -n"),
        (OSError(errno.EIO, "the disk is broken"), None),
        (OSError("Caught OSError in DataLoader worker process 0: Too many open files"), None),
    ],
)
def test_what_the_system_lacks_is_told_and_other_errors_stay(error, told):
    def lacks() -> Any:
        yield 1
        raise error

    with pytest.raises(type(error) if told is None else DataError, match=re.escape(told or str(error))):
        list(watched(lacks(), 2))
    with pytest.raises(type(error)):
        list(watched(lacks(), 0))


SCRIPT = """
import sys
from pathlib import Path

import numpy as np
import torch
import zoo


class Photos(torch.utils.data.Dataset):
    classes = ["dark", "bright"]

    def __len__(self):
        return 24

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        return (rng.random((12, 12, 3)) * 100 + 150 * (index % 2)).astype(np.uint8), index % 2


def fitted(data, workers, out):
    if data == "shapes":  # images with masks
        encoder = {"name": "unet_encoder", "widths": [4, 8]}
        model = zoo.build("unet", encoder=encoder, classes=4, in_channels=3, input_size=32, seed=0)
        data = {"name": "shapes", "count": 12, "size": 32}
    else:
        model = zoo.build("tiny_resnet", head="binary", in_channels=3, input_size=16, seed=0)
    trainer = {"name": "supervised", "batch_size": 8}
    kept = {"out": out, "cache": False, "progress": False}
    run = zoo.fit(model, data, epochs=1, workers=workers, trainer=trainer, **kept)
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def main():
    torch.multiprocessing.set_start_method("spawn")
    for name, data in {"folder": sys.argv[1], "set": Photos(), "named": "faces", "masks": "shapes"}.items():
        one, two = (fitted(data, workers, Path(sys.argv[2]) / f"{name}-{workers}") for workers in (0, 2))
        assert all(torch.equal(one[key], two[key]) for key in one), name
        print(name, "equal")


if __name__ == "__main__":
    main()
"""


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(text)
    command = [sys.executable, str(folder / "train.py"), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=280, check=False, env=environment
    )


@pytest.mark.slow
def test_a_fit_with_workers_that_are_begun_anew_gives_the_same_weights(photos, tmp_path):
    done = run(tmp_path, SCRIPT, str(photos), str(tmp_path / "runs"))
    equal = ["folder equal", "set equal", "named equal", "masks equal"]
    assert done.stdout.split("\n")[:4] == equal, done.stderr


@pytest.mark.slow
def test_a_script_without_the_line_ends_at_once_and_says_why(photos, tmp_path):
    text = SCRIPT.partition("if __name__")[0].replace(
        "set_start_method(", "set_start_method(force=True, method="
    )
    done = run(tmp_path, text + "main()", str(photos), str(tmp_path / "runs"))
    assert done.returncode != 0
    assert done.stderr.count('behind if __name__ == "__main__"') == 1
