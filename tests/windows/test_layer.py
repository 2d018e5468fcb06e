"""The layer refuses what Windows refuses, so that what passes under it says something."""

from __future__ import annotations

import mmap
import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("windows")


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat"
    path.write_bytes(b"a cat")
    return path


def test_folders_are_not_opened_and_read_only_files_not_synced(tmp_path, cat):
    with pytest.raises(PermissionError):
        os.open(tmp_path, os.O_RDONLY)
    with cat.open("rb") as file, pytest.raises(OSError, match="descriptor"):
        os.fsync(file)
    with cat.open("r+b") as file:
        os.fsync(file)


def test_an_open_file_can_neither_go_nor_get_another_name(tmp_path, cat):
    (tmp_path / "new").touch()
    with cat.open("rb"):
        for act in (
            cat.unlink,
            lambda: cat.rename(tmp_path / "aside"),
            lambda: (tmp_path / "new").replace(cat),
        ):
            with pytest.raises(PermissionError):
                act()
    (tmp_path / "new").replace(cat)


def test_a_mapped_file_may_get_another_name_and_not_go(tmp_path, cat):
    with cat.open("r+b") as file:
        view = mmap.mmap(file.fileno(), 0)
    # Python's map keeps a handle of its own; safetensors' does not, and so only the map is left here
    os.close(next(int(fd.name) for fd in Path("/proc/self/fd").iterdir() if _leads_to(fd, cat)))
    (tmp_path / "new").touch()
    with pytest.raises(PermissionError):
        cat.unlink()
    with pytest.raises(PermissionError):
        (tmp_path / "new").replace(cat)
    with pytest.raises(OSError, match="Invalid"):
        cat.write_bytes(b"")
    cat.rename(tmp_path / "aside")
    assert view[:] == b"a cat"


def _leads_to(fd: Path, file: Path) -> bool:
    try:
        return fd.readlink() == file
    except OSError:
        return False


def test_a_folder_with_an_open_file_keeps_its_name(tmp_path):
    (tmp_path / "home").mkdir()
    with (tmp_path / "home" / "cat").open("wb"):
        with pytest.raises(PermissionError):
            (tmp_path / "home").rename(tmp_path / "other")
        with pytest.raises(PermissionError):
            shutil.rmtree(tmp_path / "home")
    (tmp_path / "home").rename(tmp_path / "other")
    shutil.rmtree(tmp_path / "other")


def test_a_name_is_not_taken_from_another(tmp_path, cat):
    (tmp_path / "new").touch()
    with pytest.raises(FileExistsError):
        (tmp_path / "new").rename(cat)


@pytest.mark.parametrize(
    "name", ["con", "NUL.txt", "com1.png", "what?", "a:b", "etc.", "end ", "tab\t", "a\\b"]
)
def test_names_that_windows_has_not(tmp_path, name):
    with pytest.raises(OSError, match="Invalid"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(OSError, match="Invalid"):
        (tmp_path / name).mkdir()
    assert not (tmp_path / name).exists()


def test_names_that_differ_in_case_are_one(tmp_path, cat):
    (tmp_path / "CAT").write_bytes(b"another")
    assert [*tmp_path.iterdir()] == [cat]
    assert cat.read_bytes() == b"another"
    with pytest.raises(FileExistsError):
        (tmp_path / "Cat").mkdir()
    cat.rename(tmp_path / "Cat")
    assert [*tmp_path.iterdir()] == [tmp_path / "Cat"]


def test_long_paths_links_blocks_and_signals_are_refused(tmp_path, cat):
    with pytest.raises(FileNotFoundError):
        (tmp_path / ("n" * 250)).write_bytes(b"")
    with pytest.raises(PermissionError):
        (tmp_path / "link").symlink_to(cat)
    with pytest.raises(AttributeError, match="st_blocks"):
        cat.stat().st_blocks  # noqa: B018 - that is what is refused
    with pytest.raises(AssertionError, match="ends the process"):
        os.kill(os.getpid(), 0)


def test_read_only_files_stay(tmp_path, cat):
    cat.chmod(0o444)
    with pytest.raises(PermissionError):
        cat.unlink()
    cat.chmod(0o666)
    cat.unlink()
