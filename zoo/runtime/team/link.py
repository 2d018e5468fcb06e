"""Link between the processes of a launch: contents that all exchange, and who has gone."""

from __future__ import annotations

import atexit
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo.registry.environment import processes
from zoo.runtime.team.board import WAIT, board_of, unmet, wait_seconds
from zoo.spec.errors import TrainingError, listing, reason

_MARKS_WITHIN = 1.0
"""Seconds in which those that are left mark that they are."""


class Link(Protocol):
    """Way from each process to all."""

    process: int
    processes: int

    def exchange(self, content: bytes) -> list[bytes]:
        """The contents of all processes, in their order.

        Raises:
            TrainingError: a process has gone, or does not come.
        """
        ...

    def leave(self, why: str) -> None:
        """Notes that this process ends, and why, for those who wait for it."""
        ...

    def gone(self, why: BaseException | str) -> TrainingError:
        """The error of those who waited in vain, which names whom they waited for."""
        ...


class Alone:
    """Link of one process to itself."""

    process, processes = 0, 1

    def exchange(self, content: bytes) -> list[bytes]:
        """The content of the one process."""
        return [content]

    def leave(self, why: str) -> None:
        """Nobody waits."""

    def gone(self, why: BaseException | str) -> TrainingError:
        """The error of a wait for others, of which there are none."""
        return TrainingError("one process", expected="no other", got=reason(why))


class Launched:
    """Link by torch's store, and by gloo, which there is on every machine, beside any accelerator.

    Args:
        process: number of this one, from 0.
        processes: their number.

    Raises:
        OptionError: the environment does not say where the others are.
        TrainingError: they do not come.
    """

    def __init__(self, process: int, processes: int) -> None:
        self.process, self.processes = process, processes
        self._board = board_of(process, processes)
        waiting = timedelta(seconds=wait_seconds())
        try:
            store = self._board.part("zoo/gloo")
            self._gloo: Any = torch.distributed.ProcessGroupGloo(store, process, processes, waiting)
        except RuntimeError as error:
            raise unmet(processes, error) from error
        # Its threads have to end before the interpreter does
        atexit.register(self.close)

    def close(self) -> None:
        """Ends the link."""
        self._gloo = None

    def exchange(self, content: bytes) -> list[bytes]:
        """The contents of all processes, in their order."""
        own = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        try:
            sizes = [int(size) for size in self._all(torch.tensor([len(own)]))]
            # Gathering takes parts of one length; what is added here is cut off below
            padded = torch.zeros(max(sizes), dtype=torch.uint8)
            padded[: len(own)] = own
            parts = self._all(padded)
        except RuntimeError as error:
            raise self.gone(error) from error
        return [part[:size].numpy().tobytes() for part, size in zip(parts, sizes, strict=True)]

    def _all(self, own: Tensor) -> list[Tensor]:
        found = [torch.empty_like(own) for _ in range(self.processes)]
        self._gloo.allgather([found], [own]).wait()
        return found

    def leave(self, why: str) -> None:
        """Notes on the board that this process ends, and why."""
        self._board.note(f"left/{self.process}", why)

    def gone(self, why: BaseException | str) -> TrainingError:
        """The error of those who waited in vain, which names whom they waited for."""
        problem, others = f"work of {self.processes} processes", [*range(self.processes)]
        others.remove(self.process)
        self._board.note(f"here/{self.process}", "")
        for i in others:
            if (said := self._board.noted(f"left/{i}", 0)) is not None:
                return TrainingError(f"{problem}: process {i}", expected="it to go on", got=said)
        missing = others
        if len(others) > 1:
            # Those that wait in vain too say so soon; of two processes it is the other
            names = self._board.wait_for([f"here/{i}" for i in others], _MARKS_WITHIN)
            missing = [i for i in others if f"here/{i}" in names]
        who = f"no answer of process {listing(map(str, missing))}" if missing else reason(why)
        hint = f"call it in all processes, and see what that one has printed; {WAIT}=seconds waits longer"
        return TrainingError(problem, expected="all of them to take part", got=who, hint=hint)


@cache
def connected(process: int, processes: int) -> Link:
    """The link of this process, the same as long as it lives.

    Args:
        process: number of this one, from 0.
        processes: their number.
    """
    return Alone() if processes == 1 else Launched(process, processes)


def link() -> Link:
    """The link to the processes that were launched with this one.

    Raises:
        OptionError: the environment does not say which process this is, or where the others are.
        TrainingError: the others do not come.
    """
    return connected(*processes())
