"""How work is told of: a terminal, a file, a notebook."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.interfaces.model import Model
from zoo.runtime import progress
from zoo.runtime.progress import Reporter, in_notebook, watched
from zoo.runtime.progress_views import Lines, Notebook, Terminal, View

Make = Callable[..., Model]


class Screen(io.StringIO):
    """Standard error that is a terminal, or is none."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Screen]:
    def put(terminal: bool) -> Screen:
        screen = Screen(terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return put


class Shell:
    """A kernel's shell of IPython."""

    def __init__(self, name: str) -> None:
        self.name = name

    def module(self) -> Any:
        kind = type(self.name, (), {})
        return type("IPython", (), {"get_ipython": staticmethod(kind)})


def test_a_training_writes_a_line_an_epoch_where_there_is_no_terminal(
    make_model: Make, photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = make_model(in_channels=3)
    zoo.fit(model, photos, epochs=3, out=tmp_path / "run", cache=False)
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert [line.split()[:2] for line in lines] == [["epoch", f"{i}/3"] for i in (1, 2, 3)]
    assert all(" val_loss " in line and line.split(" s")[0] for line in lines)
    assert lines[0].endswith("best")
    assert "\x1b" not in said.err
    assert "\r" not in said.err


def test_what_the_frozen_blocks_will_take_is_said_before(
    make_model: Make, photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.warns(zoo.ZooWarning, match="random weights"):
        model = make_model(in_channels=3, freeze="all")
    zoo.fit(model, photos, epochs=1, out=tmp_path / "run")
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(("computing block", "reusing block"))


def test_a_training_is_silent_on_request(
    make_model: Make, photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    zoo.fit(make_model(in_channels=3), photos, epochs=1, out=tmp_path / "run", progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_a_bar_and_lines_that_stay() -> None:
    code = """
from zoo.runtime.progress import Reporter
import time
reporter = Reporter()
with reporter:
    reporter.begin(2, 3)
    for epoch in (1, 2):
        for _ in range(3):
            reporter.step()
            time.sleep(0.1)
        reporter.epoch({"epoch": epoch, "loss": 0.5, "val_loss": 0.25, "seconds": 0.1}, epoch == 1)
"""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}):
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(ours)
    text = seen.decode()
    assert "\x1b[" in text
    assert "training" in text
    assert "epoch 1/2      loss 0.5000  val_loss 0.2500" in text
    assert "best" in text


def test_a_bar_is_changed_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(View, "advance", lambda self, steps, left: told.append(steps))
    with Reporter(False) as reporter:
        reporter.begin(1, 10_000)
        started = time.monotonic()
        for _ in range(10_000):
            reporter.step()
        seconds = time.monotonic() - started
    assert sum(told) == 10_000  # none is lost
    assert len(told) <= 3 + seconds / progress._TICK


def test_the_time_left_is_that_of_epochs_behind_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first fills caches: here 5 steps of 8 s and 10 s of validation, then of 1 s and 5 s."""
    now, told = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(View, "advance", lambda self, steps, left: told.append(left))
    reporter = Reporter(False)
    reporter.begin(10, 5)
    for epoch in range(1, 4):
        for _ in range(5):
            now[0] += 8 if epoch == 1 else 1
            reporter.step()
        now[0] += 10 if epoch == 1 else 5
        reporter.epoch({"epoch": epoch, "seconds": 1.0}, False)
    assert told[0] == 8 * 49
    # One step of the third epoch is done: its validation and 7 epochs of 10 s are to come
    assert told[10] == pytest.approx(7 * 10 + 4 + 5, rel=0.02)


def test_a_log_that_breaks_does_not_end_a_training(stderr: Callable[[bool], Screen]) -> None:
    stderr(False).close()
    with Reporter() as reporter:
        reporter.note("a line")


@pytest.mark.parametrize(("terminal", "kind"), [(True, Terminal), (False, Lines)])
def test_the_view_follows_standard_error(
    stderr: Callable[[bool], Screen], terminal: bool, kind: type[View]
) -> None:
    stderr(terminal)
    assert type(Reporter()._view) is kind
    assert type(Reporter(False)._view) is View


def test_other_work_writes_no_lines(
    stderr: Callable[[bool], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = stderr(False)
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert [*watched(range(4), "measuring")] == [0, 1, 2, 3]
    assert screen.getvalue() == ""


@pytest.mark.parametrize(("patience", "seen"), [(0.0, True), (60.0, False)])
def test_other_work_shows_a_bar_on_a_terminal_once_it_takes_longer(
    stderr: Callable[[bool], Screen], monkeypatch: pytest.MonkeyPatch, patience: float, seen: bool
) -> None:
    screen = stderr(True)
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    assert [*watched(range(4), "measuring")] == [0, 1, 2, 3]
    assert ("measuring" in screen.getvalue()) is seen
    assert [*watched(range(4), "measuring", False)] == [0, 1, 2, 3]
    assert screen.getvalue().count("100%") == 0


def test_evaluate_and_predict_are_watched(
    make_model: Make, photos: Path, stderr: Callable[[bool], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    model = make_model(in_channels=3)
    for verb, word in ((zoo.predict, "predicting"), (zoo.evaluate, "measuring")):
        screen = stderr(True)
        verb(model, photos, progress=False)
        assert screen.getvalue() == ""
        verb(model, photos)
        assert word in screen.getvalue()


@pytest.mark.parametrize(
    ("name", "notebook"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)]
)
def test_a_notebook_is_known_by_its_shell(monkeypatch: pytest.MonkeyPatch, name: str, notebook: bool) -> None:
    monkeypatch.setitem(sys.modules, "IPython", Shell(name).module())
    assert in_notebook() is notebook


def test_ipython_is_not_imported_to_look() -> None:
    code = "import sys, zoo.runtime.progress as p; print(p.in_notebook(), 'IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook's one output showed, one state after the other."""
    states: list[str] = []

    class Handle:
        def update(self, view: Notebook) -> None:
            states.append(view._repr_html_())

    def display(view: Notebook, display_id: bool) -> Handle:
        assert not states
        states.append(view._repr_html_())
        return Handle()

    import IPython.display

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setitem(sys.modules, "IPython", Shell("ZMQInteractiveShell").module())
    monkeypatch.setitem(sys.modules, "IPython.display", IPython.display)
    return states


def test_a_notebook_has_one_output_that_ends_as_a_table(notebook: list[str]) -> None:
    with Reporter() as reporter:
        reporter.note("computing <block2>")
        reporter.begin(25, 1)
        for epoch in range(1, 26):
            reporter.step()
            row = {"epoch": epoch, "loss": 1 / epoch, "val_loss": 2 / epoch, "seconds": 0.1}
            reporter.epoch(row, epoch == 3)
    assert "<progress" in notebook[-2]
    end = notebook[-1]
    assert "<progress" not in end
    assert "computing &lt;block2&gt;" in end
    assert end.count("<tr") == 11  # the newest ones below the header
    assert "25/25" in end
    assert "3/25" in end  # the best stays in sight
    assert end.count("best") == 1


def test_a_notebook_tells_where_an_interrupted_training_was(notebook: list[str]) -> None:
    reporter = Reporter()
    with pytest.raises(KeyboardInterrupt), reporter:
        reporter.begin(2, 4)
        reporter.step()
        raise KeyboardInterrupt
    assert "training: 1 of 8 batches" in notebook[-1]
    assert "training: 1 of 8 batches" in repr(reporter._view)
