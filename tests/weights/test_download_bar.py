"""Bars of files that take a while: on a terminal alone, one display for all, gone when they are there."""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Callable

import pytest

from zoo.weights import download_bar
from zoo.weights.download_bar import DownloadBar, has_viewer


class Screen(io.StringIO):
    """A terminal that keeps what it was sent."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setattr(download_bar, "_PATIENCE", 0.0)
    return made


def until(fine: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not fine():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_file_that_takes_a_while_is_shown_by_its_name_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with DownloadBar(desc="http://hub/me/cats/resolve/abc/model.safetensors", total=2_000_000) as bar:
        until(lambda: bool(download_bar._shown))
        bar.update(1_000_000)
        bar.total = 4_000_000  # as the client does where it learns it late
        bar.refresh()
        (task,) = download_bar._shown[0].tasks
        assert (task.description, task.completed, task.total) == ("model.safetensors", 1_000_000, 4_000_000)
        bar.update(-500_000)  # a part is fetched again
        assert (bar.n, task.completed) == (500_000, 500_000)
        bar.update_transfer(5)
        bar.set_postfix_str("1 MB/s", refresh=False)
        bar.set_transfer_postfix_str("1 MB/s", refresh=False)
    assert download_bar._shown == []
    assert "model.safetensors" in screen.getvalue()


def test_a_file_that_is_there_at_once_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setattr(download_bar, "_PATIENCE", 60.0)
    with DownloadBar(desc="config.json", total=9) as bar:
        bar.update(9)
    bar._show()  # its clock was late
    assert (screen.getvalue(), download_bar._shown) == ("", [])


def test_files_that_arrive_together_share_one_display(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    one, two = DownloadBar(desc="a", total=1), DownloadBar(desc="b: reconstructing file", total=1)
    until(lambda: one._task is not None and two._task is not None)
    (display,) = download_bar._shown
    assert {task.description for task in display.tasks} == {"a", "b"}
    one.close()
    assert download_bar._shown == [display]
    two.close()
    two.close()
    assert download_bar._shown == []


def test_nobody_looks_at_a_pipe_nor_where_bars_were_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    assert has_viewer()
    progress = importlib.import_module("huggingface_hub.utils.tqdm")  # the package has a class of that name
    with monkeypatch.context() as patch:
        patch.setattr(progress, "are_progress_bars_disabled", lambda: True)
        assert not has_viewer()
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert not has_viewer()
    monkeypatch.setattr("sys.stderr", None)
    assert not has_viewer()
