"""Checkpoints: all that a run needs to go on, in one safetensors file without any pickle.

Tensors lie in the file; what is around them (numbers, texts, lists and tables of any depth) is JSON in its
header, in which a tensor is named by its number.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE
from zoo.spec.disk.atomic_write import atomic_write
from zoo.spec.disk.history import ROWS
from zoo.spec.disk.reading import bounded, parse_json
from zoo.spec.disk.schema import Schema, list_of, misfit, or_none, table, whole
from zoo.spec.errors import FormatError, TrainingError, WeightsError, reason
from zoo.weights.tensor_files import read, read_notes, write

CHECKPOINT_FILE = "checkpoint.safetensors"
BEFORE_FILE = "checkpoint-before.safetensors"
"""The checkpoint before the newest, which a run keeps until it ends: a disk may lie about the newest."""

FORMAT = 1
_NOTE = "zoo.checkpoint"
_TENSOR, _TABLE, _TUPLE, _NUMBER = "tensor", "table", "tuple", "number"
_STATE: Schema = {
    "epoch": whole(1), "step": whole(), "waits_from": whole(), "history": ROWS, "means": or_none(table),
    "present": list_of(table, "a list of tables"), "freezing": table, "trainer": table, "execution": table,
}  # fmt: skip
"""A run's state; what stands in its tables is checked by the parts that they are of."""

_LATER = ("waits_from", "freezing")
"""Which version 0.1 did not write."""

_watchers: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Saving of checkpoints: who writes them, and how often.

    Args:
        write: takes the state.
        every: seconds between two at least, more where writing takes long; 0 writes one after each step.
    """

    write: Callable[[Mapping[str, Any]], None]
    every: float


class Killed(BaseException):
    """Ends a run where it is raised as a signal would: nothing is tidied up after it."""


@contextmanager
def watched(tell: Callable[[], None]) -> Iterator[None]:
    """Calls `tell` right after each checkpoint that any run of this process writes, while inside."""
    _watchers.append(tell)
    try:
        yield
    finally:
        _watchers.remove(tell)


def write_checkpoint(path: Path, state: Mapping[str, Any], before: Path | None = None) -> None:
    """Writes a state; a crash leaves the old file or the new one.

    Args:
        path: file to write.
        before: what the old file is called from then on; None to leave none.
        state: tables, lists and tuples of tensors, numbers, texts, truth values and None.

    Raises:
        TrainingError: it holds something else.
        OSError: the disk says no.
    """
    tensors: dict[str, Tensor] = {}
    tree = _pack(state, tensors, "state")
    try:
        note = json.dumps(bounded({"format": FORMAT, "state": tree}))
    except ValueError as error:  # it could not be read again
        raise TrainingError("checkpoint", expected="a state of bounded size", got=reason(error)) from None
    with atomic_write(path, aside=before) as staged:
        write(staged, tensors, {_NOTE: note})
    for tell in tuple(_watchers):
        tell()


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that `write_checkpoint` wrote, its tensors where they began in memory within a 64-byte line.

    Raises:
        FormatError: the file is missing, damaged, or of a newer format.
    """
    note = _note(path)
    try:
        tensors = read(path, copy=True)
        state: dict[str, Any] = _unpack(note["state"], tensors)
    except (WeightsError, *_ODD) as error:
        raise _damaged(path, error) from None
    if not isinstance(state, dict):
        raise _damaged(path, "a state that is no table")
    return state


def _note(path: Path) -> dict[str, Any]:
    where = f"checkpoint {path}"
    try:
        note = parse_json(read_notes(path).get(_NOTE, "null"))
    except (WeightsError, *_ODD) as error:
        raise _damaged(path, error) from None
    if not isinstance(note, dict) or not isinstance(note.get("format"), int):
        raise FormatError(where, expected="a checkpoint written by zoo", got="something else")
    if note["format"] > FORMAT:
        hint = way_to_upgrade(CORE)
        raise FormatError(where, expected=f"format {FORMAT}", got=str(note["format"]), hint=hint)
    return note


def _damaged(path: Path, error: Exception | str) -> FormatError:
    told = error.got if isinstance(error, WeightsError) else None  # its problem is the same file's
    got = f"no {error}" if isinstance(error, KeyError) else told or reason(error)
    return FormatError(f"checkpoint {path}", expected="a whole checkpoint", got=got)


def keep_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes the newest checkpoint of a run, and keeps the one before; otherwise as `write_checkpoint`."""
    write_checkpoint(folder / CHECKPOINT_FILE, state, folder / BEFORE_FILE)


def newest(folder: Path) -> Path | None:
    """Path of the newest checkpoint of a run; None where it has none yet."""
    # Between two renames a crash leaves the older one alone
    both = (folder / CHECKPOINT_FILE, folder / BEFORE_FILE)
    return next((path for path in both if path.exists()), None)


def read_newest(folder: Path, otherwise: str) -> dict[str, Any] | None:
    """The newest checkpoint of a run; None where it has none yet.

    Args:
        folder: of the run.
        otherwise: the way on where none is whole.

    Raises:
        FormatError: it is damaged, with the way to go on from the one before, or of a newer format.
    """
    return _of_newest(folder, _read_state, otherwise)


def newest_numbers(folder: Path, otherwise: str) -> dict[str, Any] | None:
    """The numbers of the newest checkpoint of a run, see `read_numbers`; otherwise as `read_newest`."""
    return _of_newest(folder, read_numbers, otherwise)


def _of_newest(
    folder: Path, read_one: Callable[[Path], dict[str, Any]], otherwise: str
) -> dict[str, Any] | None:
    path, before = newest(folder), folder / BEFORE_FILE
    if path is None or path == before:
        return read_one(before) if path else None
    try:
        return read_one(path)
    except FormatError as error:
        if error.hint is not None:  # of a newer format
            raise
        hint = otherwise
        with suppress(FormatError):
            known = _read_state(before)
            at = f"epoch {known['epoch']}, step {known['step']}"
            hint = f"{before.name} is whole ({at}): rm {shlex.quote(str(path))} goes on from there"
        raise FormatError(error.problem, expected=error.expected, got=error.got, hint=hint) from None


def _read_state(path: Path) -> dict[str, Any]:
    state = read_checkpoint(path)
    _check_state(path, state, [key for key in _STATE if key not in _LATER])
    return state


def _check_state(path: Path, state: Mapping[str, Any], needed: Iterable[str]) -> None:
    if found := misfit(state, _STATE, needed):
        raise FormatError(f"checkpoint {path}", expected=found[0], got=found[1])


def read_numbers(path: Path) -> dict[str, Any]:
    """The plain values at the top of a checkpoint's state, without its tensors.

    Raises:
        FormatError: as `read_checkpoint`.
    """
    note = _note(path)
    try:
        found = {key: value for key, value in note["state"][_TABLE] if not isinstance(value, list | dict)}
    except _ODD as error:
        raise _damaged(path, error) from None
    _check_state(path, found, ("epoch", "step"))
    return found


def _pack(value: Any, tensors: dict[str, Tensor], where: str) -> Any:
    """JSON of a value, its tensors put aside."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # Safetensors takes no others
        tensors[name] = value.detach().contiguous()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        # Pairs, since keys of JSON are texts and those of an optimizer's state are numbers
        pairs = [[_pack(k, tensors, where), _pack(v, tensors, f"{where}.{k}")] for k, v in value.items()]
        return {_TABLE: pairs}
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(item, tensors, f"{where}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(item, tensors, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has neither nan nor infinity
        return {_NUMBER: repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    expected = "tensors, numbers, texts, lists and tables"
    raise TrainingError(f"checkpoint: {where}", expected=expected, got=type(value).__name__)


_ODD = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""Errors of `_unpack` where a tree is none that `_pack` has made."""


def _unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(tree, list):
        return [_unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == _TENSOR:
        return tensors[content]
    if kind == _TABLE:
        return {_unpack(k, tensors): _unpack(v, tensors) for k, v in content}
    if kind == _TUPLE:
        return tuple(_unpack(item, tensors) for item in content)
    return float(content)
