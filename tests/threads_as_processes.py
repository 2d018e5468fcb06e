"""Processes made up: threads of this one, each with a link to the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from zoo.runtime.team.link import Alone
from zoo.spec.errors import TrainingError


@dataclass
class Room:
    """What threads lay down and take up; a thread that has gone breaks the barrier."""

    processes: int
    barrier: threading.Barrier = field(init=False)
    contents: list[bytes] = field(init=False)
    left: list[str] = field(default_factory=list)
    meetings: int = 0

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.processes, timeout=20)
        self.contents = [b""] * self.processes


class Seat:
    """The link of one thread."""

    def __init__(self, room: Room, process: int) -> None:
        self.room, self.process, self.processes = room, process, room.processes

    def exchange(self, content: bytes) -> list[bytes]:
        try:
            self.room.contents[self.process] = content
            self.room.barrier.wait()
            found = list(self.room.contents)
            self.room.barrier.wait()
        except threading.BrokenBarrierError:
            raise self.gone("nobody") from None
        self.room.meetings += self.process == 0
        return found

    def leave(self, why: str) -> None:
        self.room.left.append(f"{self.process}: {why}")
        self.room.barrier.abort()

    def gone(self, why: BaseException | str) -> TrainingError:
        return TrainingError("work", expected="all", got=f"{self.room.left or why}")


def together(processes: int, work: Callable[[Seat], Any]) -> tuple[list[Any], Room]:
    """What the threads return, or the errors that they end with, in their order."""
    room, found = Room(processes), [None] * processes

    def run(process: int) -> None:
        try:
            found[process] = work(Seat(room, process))
        except BaseException as error:
            found[process] = error
            # A process that has ended meets nobody
            with suppress(threading.BrokenBarrierError):
                pass

    threads = [threading.Thread(target=run, args=(i,)) for i in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return found, room


def verbs_together(monkeypatch: Any, processes: int, work: Callable[[int], Any]) -> tuple[list[Any], Room]:
    """The same for what calls zoo's verbs, which find their link by themselves."""
    own = threading.local()
    monkeypatch.setattr("zoo.runtime.team.team.link", lambda: getattr(own, "seat", None) or Alone())

    def seated(seat: Seat) -> Any:
        own.seat = seat
        return work(seat.process)

    return together(processes, seated)
