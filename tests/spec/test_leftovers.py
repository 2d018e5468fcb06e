"""What killed processes leave: removed once nobody can be writing it, and not before."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zoo.spec.disk import leftovers, systems
from zoo.spec.disk.leftovers import owned, sweep, sweep_parts
from zoo.spec.disk.locks import take
from zoo.spec.disk.systems import host
from zoo.spec.disk.transaction import COMMITTED, STAGING, current, recover, transaction

DAY = 86400
ELSEWHERE = "0123abcd"
"""Another machine, or this one before it was started anew."""

HOLDER = """
import sys, time
from pathlib import Path
from typing import Any
from zoo.spec.disk.leftovers import owned
with owned(Path(sys.argv[1]), sys.argv[2]) as folder:
    (folder / "file").write_text("half")
    print("ready", flush=True)
    time.sleep(100)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def aged(path: Path, seconds: float) -> Path:
    """A file or folder that changed last so long ago, with all in it."""
    for each in (path, *(path.iterdir() if path.is_dir() else ())):
        os.utime(each, (time.time() - seconds,) * 2)
    return path


def test_a_folder_is_swept_once_its_owner_is_dead(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), STAGING], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        before = names(tmp_path)
        sweep(tmp_path, STAGING)
        assert names(tmp_path) == before and len(before) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    sweep(tmp_path, STAGING)
    assert names(tmp_path) == []


def test_a_folder_of_another_machine_goes_by_its_age(tmp_path: Path) -> None:
    new, old = (tmp_path / f"{STAGING}{ELSEWHERE}-{n}1234567" for n in (1, 2))
    for folder in (new, old):
        folder.mkdir()
        (folder / "file").write_text("half")
        (folder.parent / f"{folder.name}.lock").touch()
    aged(old, 2 * DAY)
    sweep(tmp_path, STAGING)
    assert names(tmp_path) == [new.name, f"{new.name}.lock"]


def test_what_names_a_process_by_its_number_goes_by_its_age(tmp_path: Path) -> None:
    """Another container counts its processes anew; version 0.1 named its folders so."""
    mine = tmp_path / f"{STAGING}999999-01234567"
    mine.mkdir()
    sweep(tmp_path, STAGING)
    assert mine.exists()
    aged(mine, 2 * DAY)
    sweep(tmp_path, STAGING)
    assert names(tmp_path) == []


def test_a_clock_that_jumps_makes_nothing_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"{STAGING}{ELSEWHERE}-01234567"
    folder.mkdir()
    part = tmp_path / ".zoo-01234567.part"
    part.touch()
    monkeypatch.setattr(time, "time", lambda: 4e9)
    sweep(tmp_path, STAGING)
    sweep_parts(tmp_path)
    assert names(tmp_path) == sorted([folder.name, part.name])


def test_a_lock_whose_owner_died_before_it_made_a_folder_is_swept(tmp_path: Path) -> None:
    (tmp_path / f"{STAGING}{host()}-01234567.lock").touch()
    held = take(tmp_path / f"{STAGING}{host()}-11234567.lock")
    sweep(tmp_path, STAGING)
    assert held is not None and names(tmp_path) == [held.path.name]
    held.release()


def test_what_people_named_alike_stays(tmp_path: Path) -> None:
    kept = [f"{STAGING}notes", f"{STAGING}{host()}-01234567-mine", ".hidden.part", "a.part", ".zoo-1.part"]
    for name in kept:
        (tmp_path / name).mkdir() if name.startswith(STAGING) else (tmp_path / name).touch()
        aged(tmp_path / name, 2 * DAY)
    sweep(tmp_path, STAGING)
    sweep_parts(tmp_path)
    assert names(tmp_path) == sorted(kept)


def test_files_that_were_being_written_go_by_their_age(tmp_path: Path) -> None:
    for name in (".zoo-01234567.part", ".zoo-11234567.old", ".history.json-01234567.part"):
        (tmp_path / name).touch()
        aged(tmp_path / name, 2 * leftovers.OLD_PART)
    (tmp_path / ".zoo-21234567.part").touch()
    sweep_parts(tmp_path)
    assert names(tmp_path) == [".zoo-21234567.part"]
    sweep_parts(tmp_path, 0)
    assert names(tmp_path) == []
    sweep_parts(tmp_path / "none")


def test_a_disk_without_locks_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(path: Path, wait: float = 0.0) -> None:
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(leftovers, "take", none)
    with transaction(tmp_path / "m") as staging:
        (staging / "a").write_text("a")
        sweep(tmp_path, STAGING)
        assert staging.is_dir()
    assert names(tmp_path) == ["m"] and names(tmp_path / "m") == ["a"]


def test_a_name_as_long_as_a_disk_allows_can_be_written(tmp_path: Path) -> None:
    with transaction(tmp_path / ("m" * 255)) as staging:
        (staging / "a").write_text("a")
    assert names(tmp_path) == ["m" * 255]


def test_an_owner_has_an_empty_folder_that_goes_with_it(tmp_path: Path) -> None:
    with owned(tmp_path, ".x-") as folder, owned(tmp_path, ".x-") as other:
        assert folder != other and names(folder) == []
        sweep(tmp_path, ".x-")
        assert folder.is_dir() and other.is_dir()
    assert names(tmp_path) == []


def test_a_start_of_the_machine_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = set()
    for text in ("one", "two"):
        (tmp_path / "boot").write_text(text)
        monkeypatch.setattr(systems, "_BOOT", tmp_path / "boot")
        systems.host.cache_clear()
        found.add(systems.host())
    monkeypatch.setattr(systems, "_BOOT", tmp_path / "none")
    systems.host.cache_clear()
    found.add(systems.host())
    systems.host.cache_clear()
    assert len(found) == 3 and all(len(name) == 8 for name in found)


def test_a_folder_that_cannot_be_listed_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(folder: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", denied)
    sweep(tmp_path, STAGING)


def test_a_link_in_the_place_of_committed_files_is_not_followed(tmp_path: Path) -> None:
    """An unpacked archive may bring it; what it leads to is somebody else's."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("mine")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("model")
    (tmp_path / "model" / COMMITTED).symlink_to(tmp_path / "mine")
    recover(tmp_path / "model")
    assert current(tmp_path / "model", "config.json").read_text() == "model"
    assert (tmp_path / "mine" / "config.json").read_text() == "mine"
