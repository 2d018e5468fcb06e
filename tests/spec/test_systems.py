"""What systems differ in: names, orders, ends of processes."""

from __future__ import annotations

import signal
import unicodedata
from pathlib import PureWindowsPath

import pytest
from PIL import Image

import zoo
from zoo.data.sources.layout import scan
from zoo.data.sources.walk import walk
from zoo.spec.disk import systems
from zoo.spec.disk.systems import by_parts, portable, reader_gone, same_file, stop_signals

NAMES = [
    "con",
    "CON.png",
    "com1",
    "lpt9.tar.gz",
    "a:b",
    "a/b\\c",
    'q"?*<>|',
    "end.",
    "end ",
    "\x07",
    "",
    ".",
    "..",
    "caf\udce9",
    "n" * 300,
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_becomes_one_that_windows_has(windows, tmp_path, name):
    made = portable(name)
    assert portable(made) == made
    if len(made) < 100:  # a path has 259 letters at most, and the folder of the test has some
        (tmp_path / made).write_text("a", encoding="utf-8")
        assert [path.name for path in tmp_path.iterdir()] == [made]


@pytest.mark.parametrize("name", ["cat", "com10", "console", "a.b", ".hidden", "кот", "a b", "nul-1"])
def test_names_that_every_system_has_stay(name):
    assert portable(name) == name


def test_names_in_letters_taken_apart_and_in_other_case_may_be_one_file():
    assert same_file("É") == same_file("e\u0301") != same_file("e")


def test_paths_are_in_one_order_on_every_system():
    paths = [PureWindowsPath(name) for name in ("b/1", "B/1", "a/2", "a b/1")]
    assert [path.as_posix() for path in sorted(paths, key=by_parts)] == ["B/1", "a/2", "a b/1", "b/1"]
    assert sorted(paths) != sorted(paths, key=by_parts)


def test_ctrl_break_ends_a_run_where_there_is_one(monkeypatch):
    assert [number for number, _ in stop_signals()] == [signal.SIGINT, signal.SIGTERM]
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    assert [number for number, _ in stop_signals()] == [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]


def apart(name: str) -> str:
    return unicodedata.normalize("NFD", name)


@pytest.fixture
def cafe(tmp_path):
    """Class folders as macOS may have them, with what it and Windows leave beside images."""
    for label in (apart("café"), "bar"):
        folder = tmp_path / label
        folder.mkdir()
        for number in range(6):
            Image.new("RGB", (8, 8), (40 * number, 200 if label == "bar" else 0, 0)).save(
                folder / f"{number}.png"
            )
        for beside in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini"):
            (folder / beside).write_bytes(b"\0")
    return tmp_path


def test_labels_are_composed_and_files_found_under_their_own_names(cafe):
    found = scan(cafe)
    assert found.labels == ("bar", "café") and {*found.classes} == {"bar", "café"}
    assert all(file.exists() for file in found.files) and len(found.files) == 12


def test_what_macos_and_windows_leave_beside_images_is_left_aside_in_silence(cafe):
    assert len(walk(cafe).images) == 12
    scan(cafe).tell()  # a warning is an error here


@pytest.mark.parametrize("label", ["café", apart("café")])
def test_a_model_knows_a_class_however_its_letters_are_written(cafe, label, tmp_path_factory):
    model = zoo.build("mlp", head="binary", input_size=8, in_channels=3, seed=0)
    model.labels = ("bar", label)
    run = zoo.fit(model, cafe, epochs=1, out=tmp_path_factory.mktemp("run"), progress=False)
    assert run.model.labels == ("bar", label)


def test_a_system_that_ends_one_process_alone_is_asked_for_that(monkeypatch):
    class Process:
        pid, ended = 0, False

        def kill(self) -> None:
            self.ended = True

    monkeypatch.delattr(systems.os, "killpg")
    systems.end(process := Process())
    assert process.ended


def test_a_reader_that_has_gone_is_known_on_windows_too(monkeypatch):
    closed = OSError(22, "Invalid argument")
    assert reader_gone(BrokenPipeError())
    monkeypatch.setattr(systems, "WINDOWS", False)
    assert not reader_gone(closed)
    monkeypatch.setattr(systems, "WINDOWS", True)
    assert reader_gone(closed)
    assert not reader_gone(OSError(22, "Invalid argument", "what?"))
    assert not reader_gone(OSError(28, "No space left on device"))
