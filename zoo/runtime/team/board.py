"""Board on which the processes of a launch leave short notes: torch's store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import torch

from zoo.registry.environment import number
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, TrainingError, reason

WAIT = "ZOO_PROCESS_WAIT"
"""Environment variable: seconds that processes wait for each other."""

_USUAL_WAIT = 1800.0
_LOOK = 0.02
"""Seconds between two looks at the board."""

_met: Any = torch.distributed.rendezvous  # type: ignore[attr-defined]  # not in torch's own list
_Prefixed: Any = torch.distributed.PrefixStore  # type: ignore[attr-defined]  # the same


class Board:
    """Notes of processes, by name.

    Args:
        process: number of this one, from 0.
        processes: their number.
        seconds: to wait for the others.

    Raises:
        OptionError: the environment does not say where the others are.
        TrainingError: they do not come.
    """

    def __init__(self, process: int, processes: int, seconds: float) -> None:
        try:
            # With an agent, as torchrun has one, or without
            self.store = next(iter(_met("env://", timeout=timedelta(seconds=seconds))))[0]
        except ValueError as error:
            problem, hint = f"WORLD_SIZE={processes}", "launch by torchrun, or unset WORLD_SIZE"
            expected, got = "MASTER_ADDR and MASTER_PORT too", reason(error)
            raise OptionError(problem, expected=expected, got=got, hint=hint) from None
        except (RuntimeError, OSError) as error:
            raise unmet(processes, error) from error
        self._notes = self.part("zoo/notes")

    def part(self, name: str) -> Any:
        """A store of its own, whose names are nobody else's."""
        return _Prefixed(name, self.store)

    def note(self, name: str, text: str) -> None:
        """Leaves a note; none where the board has gone with the process that kept it."""
        try:
            self._notes.set(name, text)
        except (RuntimeError, OSError):
            return

    def there(self, name: str) -> bool:
        """Whether there is such a note."""
        try:
            return bool(self._notes.check([name]))
        except (RuntimeError, OSError):
            return False

    def noted(self, name: str, seconds: float | None) -> str | None:
        """The text of a note; None where it does not come, or the board has gone.

        Args:
            name: of the note.
            seconds: to wait for it at most; None waits as long as there is a board.
        """
        until = None if seconds is None else time.monotonic() + seconds
        try:
            while not self._notes.check([name]):
                if until is not None and time.monotonic() > until:
                    return None
                time.sleep(_LOOK)
            return str(self._notes.get(name).decode(errors="replace"))
        except (RuntimeError, OSError):
            return None

    def wait_for(self, names: Iterable[str], seconds: float) -> Sequence[str]:
        """Waits for notes; returns which have not come in time."""
        missing, until = list(names), time.monotonic() + seconds
        while (missing := [name for name in missing if not self.there(name)]) and time.monotonic() < until:
            time.sleep(_LOOK)
        return missing


@cache
def _made(process: int, processes: int) -> list[Board]:
    return []


def board_of(process: int, processes: int, seconds: float | None = None) -> Board:
    """The board of this process, the same as long as it lives.

    Args:
        process: number of this one, from 0.
        processes: their number.
        seconds: to wait for the others; as `wait_seconds` where None.

    Raises:
        OptionError: the environment does not say where the others are.
        TrainingError: they do not come.
    """
    made = _made(process, processes)
    if not made:
        made.append(Board(process, processes, wait_seconds() if seconds is None else seconds))
    return made[0]


def wait_seconds() -> float:
    """Seconds that processes wait for each other.

    Raises:
        OptionError: the environment says something else.
    """
    return number(WAIT, _USUAL_WAIT, "seconds", least=1)


def unmet(processes: int, error: BaseException) -> TrainingError:
    """The error of processes that have not met."""
    problem, hint = (
        counted(processes, "process", "processes"),
        f"start all of them; {WAIT}=seconds waits longer",
    )
    return TrainingError(problem, expected="all of them to come", got=reason(error), hint=hint)
