"""Consoles of few letters: what is printed there is read, and nothing dies of a letter."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.cli import _common
from zoo.registry import listing


def narrow(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `zoo ...` on a console of western Windows."""
    command = [sys.executable, "-m", "zoo", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0), (["list"], 0), (["show", "vgg16"], 0), (["show", "кот"], 2),
        (["predict", "модель", "кот.jpg"], 2),
    ],
)  # fmt: skip
def test_a_console_of_few_letters_is_no_error(arguments, status):
    done = narrow(*arguments)
    text = (done.stdout + done.stderr).decode("cp1252")
    assert done.returncode == status, text
    assert "Unicode" not in text and "Traceback" not in text and "\x1b[" not in text
    assert text


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_json_has_every_letter_on_every_console(monkeypatch, encoding):
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding, errors="replace", write_through=True) as console:
        monkeypatch.setattr(sys, "stdout", console)
        _common.emit_json({"label": "кот é"})
        assert json.loads(written.getvalue().decode(encoding)) == {"label": "кот é"}


FULL = Path("/dev/full")
NO_ROOM = (
    "error: standard output: expected a place that takes the output, got No space left on device; "
    "make room there, or send the output elsewhere\n"
)
on_full_disk = pytest.mark.skipif(not FULL.exists(), reason="has no disk that is always full")


@on_full_disk
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [["list", "head"], ["list", "head", "--json"], ["--help"]])
def test_output_without_room_is_one_line_that_says_so(zoo, monkeypatch, arguments, buffered):
    with FULL.open("wb", buffering=-1 if buffered else 0) as disk:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(disk, write_through=not buffered))
        assert zoo(*arguments) == (2, "", NO_ROOM)


@on_full_disk
def test_nothing_is_said_of_such_output_when_the_process_ends():
    with FULL.open("wb") as disk:
        command = [sys.executable, "-m", "zoo", "list", "head"]
        done = subprocess.run(
            command, stdout=disk, stderr=subprocess.PIPE, check=False, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (2, NO_ROOM)


@pytest.fixture
def listing_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Lets the listing of `zoo list` raise."""

    def replaced(error: BaseException) -> None:
        def other(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(listing, "list_components", other)

    return replaced


def test_what_cannot_be_written_elsewhere_is_no_matter_of_the_output(zoo, listing_that):
    listing_that(OSError(28, "No space left on device"))  # without a file's name, as of a socket
    status, _, error = zoo("list")
    assert (status, error.partition(" (")[0]) == (1, "error: OSError: [Errno 28] No space left on device")


def test_code_that_ends_the_process_with_status_0_has_not_done_what_was_asked(zoo, listing_that):
    listing_that(SystemExit(0))
    status, out, error = zoo("list")
    assert (status, out) == (1, "")
    assert error.startswith("error: RuntimeError: a component's code wanted to end the process with 0 (")
    assert len(error.splitlines()) == 1


def test_a_training_that_was_told_to_end_says_so_by_its_status(zoo, listing_that):
    listing_that(SystemExit(143))
    assert zoo("list") == (143, "", "")
