"""Ctrl-C that waits for the end of a step, so that what is kept of the run is whole."""

from __future__ import annotations

import signal
import threading
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any


class Interruption(AbstractContextManager["Interruption"]):
    """The first Ctrl-C is noted, the second interrupts at once.

    Only in the main thread, and where nobody else handles the signal.

    Args:
        patient: whether to wait; several processes would wait for each other.

    Attributes:
        asked: whether the user wants to stop.
    """

    def __init__(self, *, patient: bool = True) -> None:
        self.asked = False
        self._patient = patient
        self._before: Any = None

    def __enter__(self) -> Interruption:
        alone = threading.current_thread() is threading.main_thread()
        if self._patient and alone and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
