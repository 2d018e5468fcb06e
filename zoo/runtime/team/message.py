"""Messages of processes to each other: tensors, plain data, warnings and errors, without any pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from safetensors.torch import load, save
from torch import Tensor

from zoo.spec import errors
from zoo.spec.errors import TrainingError, ZooError, reason

Kind = Literal["item", "done", "value", "end", "error"]

_NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Message of one process to all.

    Args:
        verb: what the process was called for.
        kind: a result of shared work, that it has no more, a value, that it has ended well, or an error.
        values: tensors and plain data by name.
        heard: warnings since the last message.
        error: class of an error, and its parts by name.
    """

    verb: str
    kind: Kind
    values: Mapping[str, Any] = field(default_factory=dict)
    heard: Sequence[str] = ()
    error: Mapping[str, str | None] | None = None

    def pack(self) -> bytes:
        """The message as bytes."""
        tensors = {name: value for name, value in self.values.items() if isinstance(value, Tensor)}
        note = {
            "verb": self.verb, "kind": self.kind, "heard": list(self.heard), "error": self.error,
            "values": {name: value for name, value in self.values.items() if name not in tensors},
            "names": [*tensors],
        }  # fmt: skip
        packed = {str(i): value.detach().cpu().contiguous() for i, value in enumerate(tensors.values())}
        # Surrogates, which names of files may have, pass as escapes
        text = bytearray(json.dumps(note).encode())
        return save({**packed, _NOTE: torch.frombuffer(text, dtype=torch.uint8)})

    @classmethod
    def unpack(cls, content: bytes) -> Message:
        """The message that `pack` has packed."""
        tensors = load(content)
        note = json.loads(tensors.pop(_NOTE).numpy().tobytes())
        values = {name: tensors[str(i)] for i, name in enumerate(note.pop("names"))}
        return cls(**{**note, "values": {**note["values"], **values}})


def parts_of(error: Exception) -> dict[str, str | None]:
    """The parts of an error, to be told."""
    if isinstance(error, ZooError):
        parts = {"problem": error.problem, "expected": error.expected, "got": error.got, "hint": error.hint}
        return {"kind": type(error).__name__, **parts}
    return {"kind": None, "got": reason(f"{type(error).__name__}: {error}")}


def error_of(parts: Mapping[str, str | None], verb: str, process: int) -> ZooError:
    """The error that another process has told of.

    Args:
        parts: from `parts_of`.
        verb: what the process was called for.
        process: its number.
    """
    told = dict(parts)
    if (kind := told.pop("kind")) is None:
        return TrainingError(f"{verb}: process {process}", expected="it to go on", got=told["got"])
    found = getattr(errors, kind, ZooError)
    # A plugin's own class is not known here
    known = found if isinstance(found, type) and issubclass(found, ZooError) else ZooError
    return known(told.pop("problem") or "", **told)
