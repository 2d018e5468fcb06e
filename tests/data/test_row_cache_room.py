"""Room for rows: what nobody uses goes, the oldest first, and what a live process uses stays."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from zoo.data.row_cache import leases
from zoo.data.row_cache.leases import lease
from zoo.data.row_cache.room import make_room
from zoo.data.row_cache.segments import Layout
from zoo.data.row_cache.store import RowStore
from zoo.spec.disk.locks import take
from zoo.spec.display import size

ONE = 1 << 16


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def kept(home: Path, **ages: int) -> None:
    """Folders of `ONE` byte each by the seconds since they were used."""
    for name, age in ages.items():
        (home / name).mkdir(parents=True)
        file = home / name / "000001-00000000.safetensors"
        file.write_bytes(bytes(ONE))
        for path in (file, file.parent):
            os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))


def room(home: Path, needed: int, limit: int) -> str | None:
    return make_room(needed, home / "mine", limit=limit, variable="ROWS_GB")


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


@pytest.mark.parametrize(("lacking", "left"), [(0, ["a", "b", "mine"]), (1, ["b", "mine"])])
def test_nothing_goes_where_just_enough_room_is_left(home: Path, lacking: int, left: list[str]) -> None:
    kept(home, a=300, b=200, mine=400)
    assert room(home, 5000, 3 * ONE + 5000 - lacking) is None
    assert names(home) == left


def test_as_many_go_as_have_to_and_never_those_that_are_asked_for(home: Path) -> None:
    kept(home, a=100, b=300, c=200, d=50, mine=900)
    (home / "note").write_text("a file")
    assert room(home, ONE, 3 * ONE) is None  # mine, what is new, and one other
    assert names(home) == ["d", "mine", "note"]
    assert room(home, ONE, 2 * ONE) is None
    assert names(home) == ["mine", "note"]


def test_rows_larger_than_the_limit_remove_nothing(home: Path) -> None:
    kept(home, a=100)
    assert room(home, 2001, 2000) == "2.0 kB are needed and ROWS_GB allows 2.0 kB"
    assert names(home) == ["a"]
    assert room(home, 2000, 2000) is None


@pytest.mark.parametrize(("needed", "fits"), [(900, True), (901, False)])
def test_a_tenth_of_the_disk_stays_free(home: Path, monkeypatch, needed: int, fits: bool) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert room(home, needed, ONE) == (None if fits else f"0.9 kB are needed and 1.0 kB are free in {home}")
    assert home.is_dir()


def test_rows_of_older_versions_count_and_go(home: Path) -> None:
    """As version 0.1 had them: a map with holes, and a note of what is filled."""
    kept(home, new=10)
    old = home / "old"
    old.mkdir()
    with (old / "0.f32").open("wb") as file:
        file.truncate(ONE)
    (old / "filled.npy").write_bytes(b"note")
    for path in (*old.iterdir(), old):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    assert room(home, ONE, 2 * ONE) is None
    assert names(home) == ["new"]


def test_what_a_live_store_uses_stays(home: Path) -> None:
    kept(home, a=300, b=200)
    layout = Layout(((2,),), torch.float32)
    user = RowStore(home, "a", layout, 3)
    assert user.missing([0]) == [0]
    os.utime(home / "a", (1, 1))
    assert room(home, ONE, 2 * ONE) is None
    assert names(home) == ["a"]
    said = "65.5 kB are needed and what running processes use leaves 0.0 kB of 65.5 kB (ROWS_GB)"
    assert room(home, ONE, ONE) == said
    assert names(home) == ["a"]
    del user
    gc.collect()
    assert names(home / "a") == ["000001-00000000.safetensors"]
    assert room(home, ONE, ONE) is None
    assert names(home) == []


HOLD = """
import sys, pathlib
from zoo.data.row_cache.leases import lease
class Owner: pass
owner = Owner()
lease(owner, pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_what_another_process_uses_stays_until_it_is_killed(home: Path) -> None:
    kept(home, a=300)
    command, pipe = [sys.executable, "-c", HOLD, str(home / "a")], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert "running processes" in str(room(home, ONE, ONE))
        other.kill()
    assert room(home, ONE, ONE) is None
    assert names(home) == []


class Owner:
    """Something that holds a lease."""


def test_the_end_of_a_forked_worker_gives_nothing_back(home: Path) -> None:
    kept(home, a=300)
    owner = [Owner()]
    file = lease(owner[0], home / "a")
    if not (child := os.fork()):
        try:
            owner.clear()
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert file.exists()
    assert take(file) is None
    assert "running processes" in str(room(home, ONE, ONE))


def test_a_folder_without_rows_goes_with_the_run_that_left_it(home: Path) -> None:
    kept(home, a=300)
    (home / "empty").mkdir()
    (home / "used").mkdir()
    owner = Owner()
    lease(owner, home / "used")
    assert room(home, 1, 10 * ONE) is None
    assert names(home) == ["a", "used"]


def test_a_folder_that_a_killed_process_was_removing_goes(home: Path) -> None:
    kept(home, a=300)
    (home / "a").rename(home / ".evicted-00000000")
    assert room(home, 1, ONE) is None
    assert names(home) == []


def test_no_lease_is_taken_while_another_process_looks_who_has_one(home: Path, monkeypatch) -> None:
    kept(home, a=300)
    monkeypatch.setattr(leases, "_GUARD_WAIT", 0.01)
    with leases.guard(home):
        with pytest.raises(OSError, match="another process has kept it"):
            lease(Owner(), home / "b")
        assert not (home / "b").exists()
        # And without the guard nothing goes but what was not used for a day, nor that if somebody holds it
        os.utime(home / "a")
        assert "running processes" in str(room(home, ONE, ONE))


@pytest.mark.parametrize(("age", "goes"), [(80_000, False), (90_000, True)])
def test_on_a_disk_without_locks_what_was_used_within_a_day_stays(
    home: Path, monkeypatch, age: int, goes: bool
) -> None:
    def refuse(path: Path, wait: float = 0.0) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    kept(home, a=300)
    (home / "a" / "fill.lock").touch()
    for path in (*(home / "a").iterdir(), home / "a"):
        os.utime(path, (path.stat().st_mtime, leases.time.time() - age))
    monkeypatch.setattr(leases, "take", refuse)
    assert (room(home, ONE, ONE) is None) is goes
    assert names(home) == ([] if goes else ["a"])


def test_what_another_user_has_locked_stays(home: Path, monkeypatch) -> None:
    def refuse(path: Path, wait: float = 0.0) -> object:
        if path.parent == home / "a":
            raise PermissionError(errno.EACCES, "Permission denied")
        return take(path, wait)

    kept(home, a=300_000)
    (home / "a" / "lease-00000000.lock").touch()
    os.utime(home / "a", (1, 1))
    monkeypatch.setattr(leases, "take", refuse)
    assert "running processes" in str(room(home, ONE, ONE))


def test_what_windows_does_not_let_go_of_stays_whole(home: Path, monkeypatch) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "in use")

    kept(home, a=300)
    monkeypatch.setattr(Path, "rename", refuse)
    assert "running processes" in str(room(home, ONE, ONE))
    assert names(home) == ["a"]


@pytest.mark.parametrize(
    ("count", "said"),
    [(1_000_000_000, "1.0 GB"), (999_949_999, "999.9 MB"), (1_000_000, "1.0 MB"), (999_949, "999.9 kB"),
     (1500, "1.5 kB"), (0, "0.0 kB")],
)  # fmt: skip
def test_bytes_are_said_in_the_largest_unit_that_they_fill(count: int, said: str) -> None:
    assert size(count) == said
