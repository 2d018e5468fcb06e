"""Work in a fixed division among the processes of a launch, which ends in all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any

import torch

from zoo.data.reading import divided
from zoo.registry.environment import whole
from zoo.runtime.devices import choose_device
from zoo.runtime.team.link import Link, link
from zoo.runtime.team.message import Kind, Message, error_of, parts_of
from zoo.spec.errors import DataError, TrainingError, ZooError, hearing, warn

Values = Mapping[str, Any]
"""Tensors and plain data by name."""


class Team(AbstractContextManager["Team"]):
    """The processes of a launch, while they do one thing together; one process alone is its own team.

    Inside, an error of one process becomes that of all, and what zoo warns of is told by the first one. What
    is called of it is called in all processes, in the same order.

    Args:
        verb: what is done, for messages.
        way: to the other processes; that of the launch where None.

    Raises:
        OptionError: the environment does not say where the others are.
        TrainingError: a process has gone, does not come, or does something else.

    Attributes:
        process: number of this one, from 0.
        processes: their number.
        common: whether all processes have the error that this one has ended with.

    Example:
        >>> with Team("doubling") as team:
        ...     [item["n"] for item in team.shared({"n": 2 * n} for n in team.own([1, 2, 3]))]
        [2, 4, 6]
    """

    def __init__(self, verb: str, way: Link | None = None) -> None:
        self.verb = verb
        self._link = way or link()
        self.process, self.processes = self._link.process, self._link.processes
        self.common = self._lost = False
        self._heard: list[str] = []
        self._told: set[str] = set()
        self._inside = ExitStack()

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.process == 0

    def __enter__(self) -> Team:
        if self.processes > 1:
            self._inside.enter_context(hearing(self._hear))
            self._inside.enter_context(divided(self.divided))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._inside:
            if self.processes == 1 or self.common:
                return
            if error is None:
                self._meet("end")
            elif isinstance(error, Exception):
                self._tell(error)
            else:
                # An interruption waits for nobody
                self.leave(error)

    def _tell(self, error: Exception) -> None:
        """Makes the error that of all; raises another one where a process before this one has one."""
        try:
            self._meet("error", error=error)
        except Exception as told:
            if told is not error and not self._lost and str(told) != str(error):
                raise told from error

    def leave(self, why: BaseException) -> None:
        """Notes that this process ends, and why, where the others do not wait for it here."""
        self.common = True
        line = str(why) if isinstance(why, ZooError) else f"{type(why).__name__}: {why}".rstrip(": ")
        self._link.leave(" ".join(line.split()))

    # -- division --------------------------------------------------------------------------------------

    def own(self, items: Sequence[Any], size: int = 1, *, behind: int = 0) -> list[Any]:
        """The items that this process works on, of which it takes every n-th batch.

        Batches are those that one process would make, so that an image has the same neighbours.

        Args:
            items: all of them, in their order.
            size: items a batch.
            behind: batches that went before these.

        Example:
            >>> Team("reading").own([0, 1, 2, 3, 4], 2)
            [0, 1, 2, 3, 4]
        """
        first = (self.process - behind) % self.processes
        starts = range(first * size, len(items), self.processes * size)
        return [item for start in starts for item in items[start : start + size]]

    def shared(self, own: Iterable[Values]) -> Iterator[Values]:
        """Results of all batches in their order, the same in each process.

        Args:
            own: results of this process' batches, in their order, one by one as they come to be.
        """
        if self.processes == 1:
            yield from own
            return
        items = iter(own)
        while True:
            # What goes wrong here is told where the context ends, while the others wait below
            item = next(items, None)
            for message in self._meet("done" if item is None else "item", item or {}):
                if message.kind == "done":
                    return
                yield message.values

    def from_first(self, make: Callable[[], Values]) -> Values:
        """Values that the first process makes, in all of them.

        Args:
            make: called in the first process alone, while the others wait.
        """
        found = make() if self.first else {}
        return found if self.processes == 1 else self._meet("value", found)[0].values

    def divided(self, items: Sequence[Any], work: Callable[[Sequence[Any]], list[Any]]) -> list[Any]:
        """Results of work on all items in their order, of which this process does its part.

        Args:
            items: all of them.
            work: makes plain data of some of them, one for each.
        """
        parts = self._meet("value", {"found": work(self.own(items))})
        found = [None] * len(items)
        for process, message in enumerate(parts):
            found[process :: self.processes] = message.values["found"]
        return found

    def agree(self, what: str, value: str) -> None:
        """Checks that all processes have the same.

        Args:
            what: they have, for the message.
            value: of this process.

        Raises:
            DataError: they have not.
        """
        found = [value] if self.processes == 1 else [
            message.values["value"] for message in self._meet("value", {"value": value})
        ]  # fmt: skip
        if other := next((i for i, own in enumerate(found) if own != found[0]), 0):
            hint = "give each process the same"
            got = f"another in process {other} than in process 0"
            raise DataError(f"{self.verb}: {what}", expected="one for all processes", got=got, hint=hint)

    def device(self, device: str | torch.device | None) -> torch.device:
        """The device of this process: of several accelerators the one of its number on this machine.

        Raises:
            OptionError: torch does not know it, or this machine lacks it.
        """
        chosen = choose_device(device)
        if self.processes == 1 or chosen.type != "cuda" or chosen.index is not None:
            return chosen
        local = whole("LOCAL_RANK", self.process, "the number of this process on its machine")
        return torch.device("cuda", local % torch.cuda.device_count())

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Context in which processes wait for each other elsewhere, as in the steps of a training.

        An error is noted for the others and not waited with; of those who wait in vain, it becomes an error
        that says for whom.
        """
        try:
            yield
        except RuntimeError as error:
            if self.processes == 1 or not _of_the_line(error):
                self.leave(error)
                raise
            self.common = True
            raise self._link.gone(error) from error
        except BaseException as error:
            self.leave(error)
            raise

    # -- talk ------------------------------------------------------------------------------------------

    def _hear(self, warning: str) -> bool:
        """Takes note of a warning; the first process' own are shown at once."""
        if self.first:
            self._told.add(warning)
            return False
        self._heard.append(warning)
        return True

    def _meet(
        self, kind: Kind, values: Values | None = None, error: Exception | None = None
    ) -> list[Message]:
        """The messages of all processes, once each has sent one."""
        told = None if error is None else parts_of(error)
        own = Message(verb=self.verb, kind=kind, values=values or {}, heard=self._heard, error=told)
        self._heard = []
        try:
            found = [Message.unpack(content) for content in self._link.exchange(own.pack())]
        except TrainingError:
            self.common = self._lost = True  # nobody is there to be told
            raise
        if self.first:
            self._pass_on(text for message in found for text in message.heard)
        for process, message in enumerate(found):
            if message.error is not None:
                self.common = True
                if process == self.process and error is not None:
                    raise error
                raise error_of(message.error, message.verb, process)
        self._check_together(found)
        return found

    def _check_together(self, found: Sequence[Message]) -> None:
        """Raises where processes do different things, whose results would be mixed up."""
        doing = [(m.verb, "item" if m.kind == "done" else m.kind) for m in found]
        if other := next((i for i, what in enumerate(doing) if what != doing[0]), 0):
            self.common = True
            got = " and ".join(f"{doing[i][0]} ({doing[i][1]}) in process {i}" for i in (0, other))
            problem, hint = f"work of {self.processes} processes", "call the same in each process"
            raise TrainingError(problem, expected="one thing", got=got, hint=hint)

    def _pass_on(self, texts: Iterable[str]) -> None:
        """Warns of what other processes have met with, and this one has not."""
        for text in texts:
            if text not in self._told:
                warn(text)


def _of_the_line(error: RuntimeError) -> bool:
    """Whether an error is torch's of waiting for other processes, and not of the work."""
    known = (torch.distributed.DistBackendError, torch.distributed.DistNetworkError)
    return isinstance(error, known) or any(word in str(error) for word in ("gloo", "Connection", "NCCL"))
