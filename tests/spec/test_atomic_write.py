"""Writing by one rename: the old file or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from zoo.spec.disk.atomic_write import atomic_write, write_errors, write_text
from zoo.spec.errors import SaveError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("old")
    return path


def alone(path: Path) -> bool:
    """Whether nothing else is in the folder."""
    return [*path.parent.iterdir()] == [path]


def test_a_write_replaces_the_file_and_leaves_nothing_else(target):
    write_text(target, "new")
    assert target.read_text() == "new"
    assert alone(target)


def test_a_file_that_is_not_there_yet_is_written(tmp_path):
    write_text(tmp_path / "labels.txt", "cat")
    assert (tmp_path / "labels.txt").read_text() == "cat"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(target, error):
    with pytest.raises(error), atomic_write(target) as staged:
        staged.write_text("half of")
        raise error
    assert target.read_text() == "old"
    assert alone(target)


def test_a_rename_that_fails_leaves_the_old_file_and_nothing_else(target, monkeypatch):
    def denied(path: Path, to: Path) -> None:
        raise PermissionError(13, "denied", str(to))

    monkeypatch.setattr(Path, "replace", denied)
    with pytest.raises(PermissionError):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert alone(target)


def test_a_body_that_writes_nothing_is_an_error_and_leaves_the_old_file(target):
    with pytest.raises(FileNotFoundError), atomic_write(target):
        pass
    assert target.read_text() == "old"


def test_the_file_is_as_before_until_the_body_has_ended(target):
    with atomic_write(target) as staged:
        staged.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_the_bytes_are_on_the_disk_before_the_name(target, monkeypatch):
    calls = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("sync"), sync(handle)))
    monkeypatch.setattr(Path, "replace", lambda path, to: (calls.append("rename"), replace(path, to))[1])
    write_text(target, "new")
    assert calls == ["sync", "rename"]


def test_what_need_not_survive_a_power_cut_is_not_waited_for(target, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", calls.append)
    write_text(target, "new", durable=False)
    assert (calls, target.read_text()) == ([], "new")


def test_what_the_disk_refuses_is_one_line():
    words = r"^cannot write there: got No space left on device; free space$"
    with pytest.raises(SaveError, match=words), write_errors("there"):
        raise OSError(28, "No space left on device")
    words = r"^cannot write there: got File too large; free space, then again$"
    with pytest.raises(SaveError, match=words), write_errors("there", "again"):
        raise OSError(errno.EFBIG, "File too large")
    with pytest.raises(SaveError, match=r"^cannot write there: got full$"), write_errors("there"):
        raise OSError("full")


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.ENOENT, "make its folder, or choose another"),
        (errno.ENOTDIR, "make its folder, or choose another"),
        (errno.EACCES, "choose a place that you may write to"),
        (errno.EROFS, "choose a place that you may write to"),
    ],
)
def test_only_a_full_disk_needs_space(number, step):
    with pytest.raises(SaveError, match=f"; {step}$"), write_errors("there"):
        raise OSError(number, os.strerror(number))


def test_two_writers_of_one_file_do_not_meet(target):
    with atomic_write(target) as first, atomic_write(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"


def test_line_ends_are_kept_where_that_is_asked(target):
    write_text(target, "a\r\nb\n", newline="")
    assert target.read_bytes() == b"a\r\nb\n"
