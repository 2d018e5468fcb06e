"""Link between the processes of a launch: contents that all exchange, and who has gone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo.registry.environment import number, processes
from zoo.spec.errors import OptionError, TrainingError, listing, reason

WAIT = "ZOO_PROCESS_WAIT"
"""Environment variable: seconds that processes wait for each other."""

_USUAL_WAIT = 1800.0
_MARKS_WITHIN = 1.0
"""Seconds in which those that are left mark that they are."""


_met: Any = torch.distributed.rendezvous  # type: ignore[attr-defined]  # not in torch's own list
_Prefixed: Any = torch.distributed.PrefixStore  # type: ignore[attr-defined]  # the same


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
        seconds = timedelta(seconds=wait_seconds())
        try:
            # With an agent, as torchrun has one, or without
            self.store = next(iter(_met("env://", timeout=seconds)))[0]
        except ValueError as error:
            expected, hint = (
                "MASTER_ADDR and MASTER_PORT beside it",
                "launch by torchrun, or unset WORLD_SIZE",
            )
            raise OptionError(
                f"WORLD_SIZE={processes}", expected=expected, got=reason(error), hint=hint
            ) from None
        except RuntimeError as error:
            raise self._unmet(error) from error
        self._marks = _Prefixed("zoo/marks", self.store)
        try:
            own = _Prefixed("zoo/gloo", self.store)
            self._gloo: Any = torch.distributed.ProcessGroupGloo(own, process, processes, seconds)
        except RuntimeError as error:
            raise self._unmet(error) from error

    def _unmet(self, error: RuntimeError) -> TrainingError:
        got, hint = reason(error), f"start all of them; {WAIT}=seconds waits longer"
        return TrainingError(
            f"{self.processes} processes", expected="all of them to come", got=got, hint=hint
        )

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
        """Notes in the store that this process ends, and why."""
        try:
            self._marks.set(f"left/{self.process}", why)
        except RuntimeError:  # who keeps it has gone before
            return

    def gone(self, why: BaseException | str) -> TrainingError:
        """The error of those who waited in vain, which names whom they waited for."""
        others = [i for i in range(self.processes) if i != self.process]
        problem = f"work of {self.processes} processes"
        try:
            self._marks.set(f"there/{self.process}", "")
            for i in others:
                if self._marks.check([f"left/{i}"]):
                    said = self._marks.get(f"left/{i}").decode(errors="replace")
                    return TrainingError(f"{problem}: process {i}", expected="all of them to go on", got=said)
            missing = self._unmarked(others)
        except RuntimeError:
            missing = [0] if self.process else others  # the first one keeps the store where no launcher does
        who = f"no answer of process {listing(map(str, missing))}" if missing else reason(why)
        hint = f"call it in all processes, and see what that one has printed; {WAIT}=seconds waits longer"
        return TrainingError(problem, expected="all of them to take part", got=who, hint=hint)

    def _unmarked(self, others: Iterable[int]) -> list[int]:
        """Those that do not say soon that they are there; of two processes it is the other."""
        missing, until = list(others), time.monotonic() + _MARKS_WITHIN
        while len(missing) > 1 and time.monotonic() < until:
            missing = [i for i in missing if not self._marks.check([f"there/{i}"])]
            time.sleep(0.02)
        return missing


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


def wait_seconds() -> float:
    """Seconds that processes wait for each other.

    Raises:
        OptionError: the environment says something else.
    """
    return number(WAIT, _USUAL_WAIT, "seconds", least=1)
