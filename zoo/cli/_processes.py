"""The command line in several processes: all of them share a verb, or one works and the others wait."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from zoo.registry.environment import processes
from zoo.spec.errors import ZooError

if TYPE_CHECKING:
    from zoo.runtime.team.board import Board

SHARED = ("fit", "evaluate", "predict", "latents", "verify")
"""Commands whose images the processes share; any other is carried out by the first process."""

_LAUNCH = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
           "ROLE_RANK", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # fmt: skip
"""What launchers set, and what one process alone does not have."""

_COMING, _HEARD = 10.0, 3.0
"""Seconds in which another process says how it has ended, and has heard how this one has."""

_SAID, _STATUS = "said", "status"
_GONE = 1

Say = Callable[[str], None]
Work = Callable[[Say], int]


def run(words: list[str], work: Work) -> int:
    """Exit status of a command in this process, one of several.

    Args:
        words: of the command line.
        work: carries the command out; takes where errors are said.
    """
    verb = next((word for word in words if not word.startswith("-")), "")
    try:
        process, count = processes()
        if count == 1:
            return work(_show)
        if verb in SHARED:
            return _shared(process, count, work)
        return _by_first(process, count, work)
    except ZooError as error:  # of the launch, which each process has alike
        _show(f"error: {error}")
        return 2


def _show(text: str) -> None:
    click.echo(text, err=True)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Shows nothing of a process that is not the first."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.showwarning = lambda *_, **__: None
        yield


def _shared(process: int, count: int, work: Work) -> int:
    """The status of a verb that all processes carry out, of which the first tells."""
    said: list[str] = []
    if process:
        with _silent():
            status = work(said.append)
        if said:
            _show_other(process, count, said)
        return status
    status = work(said.append)
    for text in said:
        _show(text)
    if status and (board := _board(process, count)) is not None:
        board.note(_SAID, "\n".join(said))
        board.wait_for([f"{_SAID}/{i}" for i in range(1, count)], _HEARD)
    return status


def _show_other(process: int, count: int, said: list[str]) -> None:
    """Shows an error of another process where the first one has not the same."""
    text, board = "\n".join(said), _board(process, count)
    first = None if board is None else board.noted(_SAID, _COMING)
    if first != text:
        _show(f"process {process} of {count}: {text}")
    if board is not None:
        board.note(f"{_SAID}/{process}", "")


def _by_first(process: int, count: int, work: Work) -> int:
    """The status of a command that the first process carries out while the others wait."""
    from zoo.runtime.team.board import board_of

    board = board_of(process, count)
    if process == 0:
        for name in _LAUNCH:  # what it calls would share its work
            os.environ.pop(name, None)
        status = work(_show)
        if sys.stdout is not None:
            sys.stdout.flush()
        board.note(_STATUS, str(status))
        board.wait_for([f"{_STATUS}/{i}" for i in range(1, count)], _HEARD)
        return status
    found = board.noted(_STATUS, None)
    board.note(f"{_STATUS}/{process}", "")
    if found is None:
        _show(f"error: process {process} of {count}: process 0 has ended without a word")
        return _GONE
    return int(found)


def _board(process: int, count: int) -> Board | None:
    """The board of the launch; None where there is none within some seconds."""
    from zoo.runtime.team.board import board_of

    try:
        return board_of(process, count, _COMING)
    except ZooError:
        return None
