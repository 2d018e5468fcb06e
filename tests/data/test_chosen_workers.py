"""Workers that zoo chooses: when they pay, and that they change nothing but the time."""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.data.batch_order import Order
from zoo.data.batches import Batches
from zoo.data.loader import chosen_workers
from zoo.data.loader.chosen_workers import FEWEST, ChosenReading, ChosenWorkers, Facts, workers_for
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.sources.class_folders import ClassFolders
from zoo.interfaces.dataset import Dataset, Sample
from zoo.spec.disk.machine import processors, shared_memory
from zoo.spec.errors import ZooWarning
from zoo.spec.inputs import InputSpec

SPEC = InputSpec(size=(8, 8), decode="fast")
ORDER: Any = {"batch_size": 10, "seed": 1, "shuffle": True}
COUNT = 70
USUAL: Any = {"images": 1000, "seconds": 0.01, "batches": 100, "batch_bytes": 1000, "processors": 4}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, 3),  # one processor trains
        ({"card": True}, 4),
        ({"processors": 1}, 0),  # nothing is spared by a second process on one
        ({"processors": 1, "card": True, "seconds": 9.0}, 0),
        ({"processors": 64}, 8),
        ({"processors": 64, "card": True}, 16),
        ({"images": FEWEST - 1, "seconds": 9.0}, 0),
        ({"images": FEWEST, "seconds": 9.0}, 3),
        # 3 of 4 parts of what reading takes are spared
        ({"seconds": 0.0026}, 0),
        ({"seconds": 0.0027}, 3),
        ({"seconds": 0.026, "anew": True}, 0),
        ({"seconds": 0.027, "anew": True}, 3),
        ({"processors": 2, "seconds": 0.0041}, 1),
        ({"processors": 2, "seconds": 0.0039}, 0),
        ({"batches": 2}, 2),
        ({"batches": 1}, 0),
        # 2 sources of 3 batches of 1000 bytes a worker, in half of it
        ({"room": 24_000}, 2),
        ({"room": 11_999}, 0),
        ({"room": 10**9}, 3),
        ({"room": 10**9, "batch_bytes": 0}, 3),
    ],
)
def test_workers_are_chosen_where_they_pay(facts: dict[str, Any], expected: int) -> None:
    assert workers_for(Facts(**{**USUAL, **facts})) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 12),
        ({"cpu.max": "max 100000"}, 12),
        ({"cpu.max": "350000 100000\n"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 12),
        ({"cpu.max": "nonsense"}, 12),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 12),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "200000\n"}, 12),
    ],
)
def test_a_container_has_its_share_of_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(12)), raising=False)
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert processors(tmp_path) == expected


def test_shared_memory_is_looked_at_and_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(path: str) -> Any:
        raise FileNotFoundError(path)

    monkeypatch.setattr("sys.platform", "darwin")
    assert shared_memory() is None
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "statvfs", lacks, raising=False)
    assert shared_memory() == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, 70 files in all."""
    home, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(0)
    for i in range(COUNT):
        (home / "ab"[i % 2]).mkdir(exist_ok=True)
        image = rng.integers(0, 150, (8, 8, 3)) + 100 * (i % 2)
        Image.fromarray(image.astype(np.uint8)).save(home / "ab"[i % 2] / f"{i}.png")
    return home


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Facts]:
    """What was known where the number was chosen; it is always two."""
    found: list[Facts] = []

    def two(facts: Facts) -> int:
        found.append(facts)
        return 2

    monkeypatch.setattr(chosen_workers, "workers_for", two)
    return found


def same(found: Iterator[Any], expected: Iterator[Any]) -> bool:
    return all(
        torch.equal(one[name], other[name])
        for one, other in zip(found, expected, strict=True)
        for name in ("image", "target", "index")
    )


def children() -> int:
    return len(multiprocessing.active_children())


def test_workers_begin_after_two_batches_and_give_what_this_process_would(
    folder: Path, asked: list[Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, told = ClassFolders(folder), list[str]()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(chosen_workers, "processors", lambda: 9)
    chosen = ChosenWorkers(2, told.append)
    plain = Batches(data, range(COUNT), SPEC, **ORDER)
    helped = Batches(data, range(COUNT), SPEC, workers=chosen, **ORDER)
    before = children()
    first = helped.epoch(1)
    batches = [next(first), next(first)]
    (facts,) = asked
    # 50 of this epoch, and 70 of the next; of 9 processors half are another process's
    assert (facts.images, facts.batches, facts.processors, facts.card) == (120, 7, 4, False)
    assert facts.batch_bytes == 10 * 3 * 8 * 8 + 2 * 10 * 8
    assert 0 < facts.seconds < 1
    assert (children() - before, chosen.most, told) == (0, 0, [])
    batches += first
    assert (children() - before, chosen.most) == (2, 2)
    assert told == [
        "reads images in 2 processes beside this one, since reading takes long; workers=0 reads in this one"
    ]
    assert same(iter(batches), plain.epoch(1))
    assert same(helped.epoch(2, skip=3), plain.epoch(2, skip=3))
    assert (len(asked), len(told)) == (1, 1)
    assert children() == before  # the last pass is over


def test_where_pixels_are_kept_workers_read_once_and_go(
    folder: Path, asked: list[Facts], tmp_path: Path
) -> None:
    data, before = ClassFolders(folder), children()
    cache = PixelCache(data, SPEC, tmp_path, torch.uint8, {})
    plain = Batches(data, range(COUNT), SPEC, **ORDER)
    kept = Batches(
        data, range(COUNT), SPEC, workers=ChosenWorkers(9, lambda line: None), pixels=cache, **ORDER
    )
    assert same(kept.epoch(1), plain.epoch(1))
    assert [facts.images for facts in asked] == [50]
    assert children() == before
    assert same(kept.epoch(2), plain.epoch(2))
    assert len(asked) == 1


class Drawn(Dataset):
    """Images of no files."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((8, 8, 3), index, np.uint8), 0)

    @property
    def targets(self) -> list[int]:
        return [0] * COUNT


@pytest.mark.parametrize("why", ["few", "no files", "inside a worker", "failed before"])
def test_no_time_is_taken_where_workers_cannot_be_had(
    folder: Path, asked: list[Facts], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    data: Dataset = ClassFolders(folder)
    chosen = ChosenWorkers(1, lambda line: None)
    if why == "no files":
        data = Drawn()
    if why == "inside a worker":
        monkeypatch.setattr(type(multiprocessing.current_process()), "daemon", True)
    chosen.failed = why == "failed before"
    count = FEWEST - 1 if why == "few" else COUNT
    assert len([*Batches(data, range(count), SPEC, workers=chosen, **ORDER).epoch(1)]) == 7
    assert asked == []


def test_chosen_workers_that_cannot_be_sent_the_data_do_not_begin(
    folder: Path, asked: list[Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, chosen = ClassFolders(folder), ChosenWorkers(1, lambda line: None)
    data.transform = lambda image: image  # type: ignore[attr-defined]
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: "spawn")
    assert len([*Batches(data, range(COUNT), SPEC, workers=chosen, **ORDER).epoch(1)]) == 7
    assert [facts.anew for facts in asked] == [True]
    assert chosen.most == 0


def test_a_run_goes_on_without_workers_that_cannot_begin(
    folder: Path, asked: list[Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(process: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", lacks)
    data, chosen = ClassFolders(folder), ChosenWorkers(2, lambda line: None)
    plain = Batches(data, range(COUNT), SPEC, **ORDER)
    helped = Batches(data, range(COUNT), SPEC, workers=chosen, **ORDER)
    with pytest.warns(
        ZooWarning, match=r"read in this process from here on, .*: workers=2: .*ulimit -u"
    ) as w:
        assert same(helped.epoch(1), plain.epoch(1))
    assert len(w) == 1
    assert same(helped.epoch(2), plain.epoch(2))
    assert (len(asked), chosen.most) == (1, 0)


@pytest.mark.usefixtures("asked")
def test_batches_go_on_in_this_process_where_a_chosen_worker_has_died() -> None:
    order, chosen = Order(range(COUNT), **ORDER), ChosenWorkers(9, lambda line: None)

    def make(workers: int) -> Any:
        class Loader:
            def __iter__(self) -> Iterator[Any]:
                for step, indices in enumerate(order):
                    if workers and step == 2:
                        raise RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly")
                    yield {"index": torch.tensor(indices), "by": workers}

        return Loader()

    reading = ChosenReading(chosen, make, order, (), passes=9, files=True, card=False)
    with pytest.warns(ZooWarning, match=r"from here on, .*: workers=2: .* one that died"):
        batches = [*reading.epoch()]
    assert [batch["by"] for batch in batches] == [0, 0, 2, 2, 0, 0, 0]
    order.skip = 0
    assert [batch["index"].tolist() for batch in batches] == [*order]
    assert {batch["by"] for batch in reading.epoch()} == {0}


def fit(folder: Path, out: Path, **how: Any) -> zoo.Run:
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    return zoo.fit(model, folder, **{"out": out, "epochs": 2, "batch_size": 8, "cache": False, **how})


def test_a_run_with_chosen_workers_ends_with_the_same_weights_and_says_so(
    folder: Path, asked: list[Facts], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = fit(folder, tmp_path / "chosen", augment="noise")
    line = "reads images in 2 processes beside this one"
    assert capfd.readouterr().err.count(line) == 1
    assert [facts.images > COUNT for facts in asked] == [True]  # few validation images are not worth a look
    assert run.chosen_workers == 2
    assert "\nread images in 2 processes beside this one\n" in repr(run)
    plain = fit(folder, tmp_path / "plain", augment="noise", workers=0)
    assert plain.chosen_workers == 0
    assert "processes" not in repr(plain) + capfd.readouterr().err
    theirs = plain.model.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in run.model.state_dict().items())


def test_an_own_number_is_not_chosen_anew(folder: Path, asked: list[Facts], tmp_path: Path) -> None:
    assert fit(folder, tmp_path, epochs=1, workers=1, progress=False).chosen_workers == 0
    assert asked == []


def test_a_short_run_begins_no_workers(folder: Path, tmp_path: Path) -> None:
    assert fit(folder, tmp_path, progress=False).chosen_workers == 0
