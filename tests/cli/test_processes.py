"""The command line in several processes, without any: who works, who tells, which status each ends with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import click
import pytest

from zoo.cli import _processes, main
from zoo.spec.errors import OptionError


class Wall:
    """A board that the processes of a test share."""

    notes: dict[str, str]

    def __init__(self, **notes: str) -> None:
        self.notes, self.waited = notes, [list[str]()]

    def note(self, name: str, text: str) -> None:
        self.notes[name] = text

    def noted(self, name: str, seconds: float | None) -> str | None:
        return self.notes.get(name)

    def wait_for(self, names: list[str], seconds: float) -> list[str]:
        self.waited.append(names)
        return []


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Wall]:
    def launch(process: int, count: int = 2, **notes: str) -> Wall:
        wall = Wall(**notes)
        monkeypatch.setenv("RANK", str(process))
        monkeypatch.setenv("WORLD_SIZE", str(count))
        monkeypatch.setattr("zoo.runtime.team.board.board_of", lambda *given: wall)
        return wall

    return launch


def working(status: int, *lines: str, said: str = "") -> Callable[..., int]:
    def work(say: Callable[[str], None]) -> int:
        for line in lines:
            click.echo(line)
        warnings.warn("of this process", UserWarning, stacklevel=1)
        if said:
            say(said)
        return status

    return work


@pytest.mark.filterwarnings("ignore:of this process")
@pytest.mark.parametrize("verb", _processes.SHARED)
def test_of_a_verb_that_all_share_the_first_process_alone_shows_the_result(
    launched: Any, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    launched(1)
    assert _processes.run([verb, "x"], working(0, "a figure")) == 0
    assert capsys.readouterr() == ("", "")
    launched(0)
    assert _processes.run([verb, "x"], working(0, "a figure")) == 0
    assert capsys.readouterr() == ("a figure\n", "")


@pytest.mark.filterwarnings("ignore:of this process")
def test_an_error_that_all_have_is_shown_once_and_ends_each_with_its_status(
    launched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wall = launched(0, 3)
    assert _processes.run(["fit"], working(2, said="error: no data")) == 2
    assert capsys.readouterr().err == "error: no data\n"
    # It waits for the others to hear of it: a launcher ends them once one has ended badly
    assert wall.waited[-1] == ["said/1", "said/2"]
    wall = launched(1, 3, said="error: no data")
    assert _processes.run(["fit"], working(2, said="error: no data")) == 2
    assert capsys.readouterr().err == ""
    assert "said/1" in wall.notes


@pytest.mark.filterwarnings("ignore:of this process")
@pytest.mark.parametrize("first", [{}, {"said": ""}, {"said": "error: another"}])
def test_an_error_that_the_first_process_has_not_is_shown_with_the_process(
    launched: Any, capsys: pytest.CaptureFixture[str], first: dict[str, str]
) -> None:
    launched(1, **first)
    assert _processes.run(["fit"], working(2, said="error: no data")) == 2
    assert capsys.readouterr().err == "process 1 of 2: error: no data\n"


@pytest.mark.filterwarnings("ignore:of this process")
def test_what_is_not_shared_is_done_by_the_first_process_and_the_others_end_as_it_does(
    launched: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    wall, seen = launched(0), list[str | None]()

    def work(say: Callable[[str], None]) -> int:
        seen.extend(os.environ.get(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        say("error: no such name")
        return 2

    assert _processes.run(["--debug", "show", "x"], work) == 2
    assert capsys.readouterr().err == "error: no such name\n"
    assert seen == [None] * 3  # nothing inside of it would wait for the others
    assert wall.notes == {"status": "2"}
    launched(1, **wall.notes)
    assert _processes.run(["show", "x"], lambda say: pytest.fail("done twice")) == 2
    assert capsys.readouterr() == ("", "")


def test_a_first_process_that_has_gone_is_told(launched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    launched(1)
    assert _processes.run(["list"], lambda say: pytest.fail("done")) == 1
    assert capsys.readouterr().err == "error: process 1 of 2: process 0 has ended without a word\n"


def test_a_launch_without_an_address_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit) as ended:
        main(["list"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("error: WORLD_SIZE=2: expected MASTER_ADDR and MASTER_PORT too, got")
    assert err.endswith("launch by torchrun, or unset WORLD_SIZE\n")


def test_a_launch_whose_numbers_are_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "many")
    assert _processes.run(["list"], lambda say: pytest.fail("done")) == 2
    assert capsys.readouterr().err.startswith("error: WORLD_SIZE: expected the number of processes")


def test_without_a_board_an_error_is_shown_by_each(
    launched: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*given: Any) -> Any:
        raise OptionError("no board")

    for process, shown in ((0, "error: x\n"), (1, "process 1 of 2: error: x\n")):
        launched(process)
        monkeypatch.setattr("zoo.runtime.team.board.board_of", none)
        assert _processes.run(["fit"], lambda say: say("error: x") or 2) == 2
        assert capsys.readouterr().err == shown


@pytest.mark.parametrize("arguments", [["-"], ["--files-from", "-"]])
def test_standard_input_is_no_source_for_several_processes(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    from click.testing import CliRunner

    from zoo.cli.predict import command

    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = CliRunner().invoke(command, ["model", *arguments], input="a.png\n")
    assert str(found.exception) == (
        "standard input: expected one process that reads it, got 2; write it into a file first"
    )
