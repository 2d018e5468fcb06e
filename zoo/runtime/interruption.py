"""Ctrl-C and SIGTERM that wait for the end of a step, so that what is kept of the run is whole."""

from __future__ import annotations

import signal
import threading
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from zoo.spec.disk.systems import stop_signals

TERMINATED = 128 + signal.SIGTERM
"""Exit status of a process that a scheduler has told to end, as shells say it."""


class Interruption(AbstractContextManager["Interruption"]):
    """The first Ctrl-C or SIGTERM is noted, the second interrupts at once.

    Only in the main thread, and where nobody else handles the signal.

    Args:
        patient: whether to wait; several processes would wait for each other.

    Attributes:
        asked: whether the run is to stop.
        terminated: whether the process is to end, as schedulers and containers ask it by SIGTERM, and those
            of Windows by Ctrl-Break.
    """

    def __init__(self, *, patient: bool = True) -> None:
        self.asked = self.terminated = False
        self._patient = patient
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        # Python takes handlers in the main thread alone
        if self._patient and threading.current_thread() is threading.main_thread():
            for number, usual in stop_signals():
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.terminated |= number != signal.SIGINT
        # The second time: the step may never end
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
