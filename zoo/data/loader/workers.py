"""Worker processes where a system begins them anew: what they are sent, and what they must not do.

Linux forks up to Python 3.13, and a fork has everything. Windows, macOS and Python 3.14 start a new Python,
which imports the main script again and is sent the data set as a pickle.
"""

from __future__ import annotations

import ast
import errno
import io
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import torch

from zoo.spec.disk.systems import begins_anew
from zoo.spec.errors import DataError, OptionError, reason
from zoo.spec.hints.spoken import argument


def check_workers(workers: int, *sent: object) -> None:
    """Looks whether worker processes can begin here, before any does.

    Args:
        workers: how many.
        *sent: what each of them gets.

    Raises:
        OptionError: the number is negative, or the main script would begin its work anew in each of them.
        DataError: something of the data cannot be sent to another process.
    """
    if workers < 0:
        raise OptionError("workers", expected="0 or more", got=str(workers))
    if workers == 0 or not begins_anew():
        return
    script = _script()
    _check_script(script)
    try:
        # A worker has what a script defines, and nothing of a notebook
        _Sender(script is not None).dump(sent)
    except _NotThere as error:
        raise DataError(
            f"{argument('workers', workers)}: the data",
            expected="classes and functions that a new process can import",
            got=f"{error.args[0]}, which this notebook or session defines",
            hint=f"put it into a module and import that; {_here()}",
        ) from None
    # Objects raise what they like where they are asked for their state
    except Exception as error:
        raise DataError(
            f"{argument('workers', workers)}: the data",
            expected="what can be sent to a new process (pickled)",
            got=reason(error),
            hint=f"functions at the top of a module can, lambdas and open files cannot; {_here()}",
        ) from None


def watched(batches: Iterable[Any], workers: int) -> Iterator[Any]:
    """Batches as they come; where a worker process cannot begin or dies, that is told in one line.

    Args:
        batches: of torch's loader.
        workers: how many it has.

    Raises:
        DataError: a worker has died, or the system has no more processes or files to give.
    """
    try:
        yield from batches
    except (OSError, RuntimeError) as error:
        if workers == 0:
            raise
        if (lack := _lack(error)) is not None:
            _abandon(error)
            raise DataError(
                argument("workers", workers), expected="fewer", got=lack[0], hint=lack[1]
            ) from None
        # Torch has no class of its own for a worker that died
        if isinstance(error, OSError) or "DataLoader worker" not in str(error):
            raise
        raise DataError(
            argument("workers", workers),
            expected="processes that read images until they are told to end",
            got=f"one that died ({reason(error)})",
            hint=f"what it said stands above; {_here()}",
        ) from error


_FEWER = {
    errno.EMFILE: "or raise the limit of open files (ulimit -n)",
    errno.EAGAIN: "or raise the limit of processes (ulimit -u)",
    **dict.fromkeys((errno.ENFILE, errno.ENOMEM, errno.ENOSPC), "or wait until others leave room"),
}
"""What a system may lack for another process, and the way out beside fewer of them."""

_WORDS = {"can't start new thread": errno.EAGAIN, "ancdata": errno.EMFILE} | {
    os.strerror(number): number for number in _FEWER
}
"""Of errors that have no number: those of threads, and of what torch sends between processes."""


def _lack(error: Exception) -> tuple[str, str] | None:
    """What the system lacked, and the next step; None where an error is another one."""
    # What a worker's code raised comes with a text of many lines, and stays what it is
    if "Caught " in str(error):
        return None
    number = next((number for words, number in _WORDS.items() if words in str(error)), None)
    number = error.errno if isinstance(error, OSError) else number
    if number not in _FEWER:
        return None
    return os.strerror(number), f"take fewer, {_FEWER[number]}; {_here()}"


def _abandon(error: BaseException) -> None:
    """Ends the workers of a loader that has begun some and not all.

    It has no way to do so itself: what it notes of workers is there when all of them have begun.
    """
    trace = error.__traceback__
    while trace is not None:
        half: Any = trace.tb_frame.f_locals.get("self")
        trace = trace.tb_next
        if not hasattr(half, "_shutdown_workers"):
            continue
        if getattr(half, "_worker_pids_set", False):
            with suppress(RuntimeError):  # where even the thread that would tell them is too much
                half._shutdown_workers()
            continue
        for worker in getattr(half, "_workers", ()):
            worker.kill()  # the signal that no handler of this process's, which forks inherit, waits at
            worker.join()
        vars(half).clear()  # its queues, with the open files
        half._shutdown = True


def _here() -> str:
    return f"{argument('workers', 0)} reads in this process"


def _script() -> Path | None:
    """The main script, if a worker runs it; a notebook has none, and `python -m package` is left out."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None) or ""
    file = getattr(main, "__file__", None)
    if name.rpartition(".")[2] == "__main__" or not isinstance(file, str):
        return None
    return Path(file) if Path(file).is_file() else None


def _check_script(script: Path | None) -> None:
    """Raises OptionError where a worker would run the whole script again, and begin workers of its own."""
    inherits = getattr(multiprocessing.current_process(), "_inheriting", False)
    if inherits or (script is not None and script.suffix == ".py" and not _asks_for_its_name(script)):
        raise OptionError(
            "workers",
            expected='a script that begins its work behind if __name__ == "__main__":',
            got=f"{script or 'one'} that begins it wherever it is imported, as each worker does here",
            hint=f"put the calls behind that line; {_here()}",
        )


def _asks_for_its_name(script: Path) -> bool:
    try:
        tree = ast.parse(script.read_bytes())
    except (OSError, ValueError, SyntaxError):  # what runs is another text
        return True
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(tree))


class _NotThere(Exception):  # noqa: N818 - is told in other words
    """A class or function that no new process finds."""


class _Sender(pickle.Pickler):
    """Pickles into nowhere, without the numbers of arrays and tensors, which can be sent always.

    Args:
        told: whether a new process has what the main module defines.
    """

    def __init__(self, told: bool) -> None:
        super().__init__(_Nowhere(), protocol=pickle.HIGHEST_PROTOCOL)
        self._told = told

    def reducer_override(self, thing: Any) -> Any:
        """Looks at what is pickled, and leaves the rest to pickle."""
        if isinstance(thing, torch.Tensor) or (type(thing) is np.ndarray and thing.dtype != object):
            return int, ()
        lost = not self._told and getattr(thing, "__module__", None) == "__main__"
        if lost and isinstance(thing, type | FunctionType):
            raise _NotThere(thing.__qualname__)
        return NotImplemented


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        """Drops the bytes."""
        return len(data)
