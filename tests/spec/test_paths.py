"""Paths that no system takes are refused in one line before any work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.spec.disk.paths import check_path, working_folder
from zoo.spec.errors import BadReferenceError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\0b", "expected no zero byte in it, got one"),
        ("runs/" + "a" * 256, "expected names of at most 255 bytes, got one of 256"),
        ("é" * 200, "expected names of at most 255 bytes, got one of 400"),
        ("/ab" * 2000, "expected at most 4,095 bytes, got 6,000"),
    ],
)
def test_what_no_system_takes_is_told_before_work(text: str, words: str) -> None:
    for call in (zoo.load, lambda path: zoo.evaluate(path, "faces"), lambda path: zoo.load(Path(path))):
        with pytest.raises(BadReferenceError, match=words) as caught:
            call(text)
        assert len(str(caught.value)) < 200


def test_the_longest_name_is_taken(tmp_path: Path) -> None:
    check_path(str(tmp_path / ("a" * 255)))


@pytest.fixture
def removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that somebody has removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


def test_in_a_folder_that_was_removed_paths_from_the_root_go_on(removed: None, tmp_path: Path) -> None:
    assert working_folder() is None
    check_path(str(tmp_path))
    with pytest.raises(BadReferenceError, match=r"got one that was removed; cd to another folder, or"):
        check_path("model")
    with pytest.raises(BadReferenceError, match="got one that was removed"):
        zoo.fit(None, "faces")
    assert zoo.list("head")
    os.chdir(tmp_path)


def test_commands_say_that_their_folder_was_removed(
    removed: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["list", "head"])
    assert caught.value.code == 2
    assert "got one that was removed; cd to another folder" in capsys.readouterr().err
    os.chdir(tmp_path)
