"""Torch pickles with a declared hash: verified, read as tensors alone, and kept as safetensors.

The file that is kept is named after the pickle or its hash and holds a digest of its own tensors, so that a
damaged one is noticed and made anew. Losing it costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from zoo.registry.cache import cache_folder
from zoo.spec.disk.atomic_write import atomic_write
from zoo.spec.errors import SaveError, WeightsError, quote, reason
from zoo.weights.tensor_files import Tensors, read, read_notes, write

_DIGEST = "digest"
_OF = "sha256"


def read_pickle(path: Path, *, digits: str, text: str, kept: str | None = None) -> Tensors:
    """The tensors of a state dict that torch has pickled, mapped from zoo's cache once they are there.

    Args:
        path: local file.
        digits: its sha256, or the first digits of it; nothing of another content is unpickled.
        text: how messages call the weights.
        kept: name of the cached tensors, without suffix; the hash where None.

    Raises:
        WeightsError: the file cannot be read, has another content, or holds more than tensors by name.
    """
    name = kept or digits
    if (found := kept_tensors(name, digits)) is not None:
        return found
    return keep_tensors(_unpickled(path, digits, text), name, digits)


def kept_tensors(name: str, digits: str) -> Tensors | None:
    """The tensors of a pickle that was read before; None where they are damaged or not there.

    Args:
        name: of the cached file, without suffix.
        digits: hash that the pickle had.
    """
    file = _kept_file(name)
    return _kept(file, digits) if file else None


def keep_tensors(state: Tensors, name: str, digits: str) -> Tensors:
    """The tensors, mapped from what is kept of them from now on; themselves where nothing can be kept.

    Args:
        state: tensors by name.
        name: of the cached file, without suffix.
        digits: hash of the file that they came in.
    """
    file = _kept_file(name)
    if file is None:
        return state
    _keep(state, file, digits)
    return kept_tensors(name, digits) or state


def _unpickled(path: Path, digits: str, text: str) -> Tensors:
    """The content is hashed and unpickled from one reading, so that nobody can change it in between."""
    where = f"weights {text}"
    try:
        content = path.read_bytes()
    except OSError as error:
        got = f"{error.strerror} at {path}"
        raise WeightsError(where, expected="a file that can be read", got=got) from error
    found = hashlib.sha256(content).hexdigest()
    if not digits or not found.startswith(digits):
        raise WeightsError(
            where, expected=f"sha256 {digits[:12]}...", got=f"{found[:12]}... in {path}",
            hint="nothing of it was used; fetch or install it again",
        )  # fmt: skip
    expected = "a state dict that torch has pickled, tensors by name and nothing else"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an unusual pickle, of which only the outcome counts
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # each kind of rubbish is another one
        got = reason(str(error).partition("\n")[0] or error)
        raise WeightsError(where, expected=expected, got=got, hint="convert it to safetensors") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) and v.layout is torch.strided for k, v in state.items()
    ):
        got = (
            f"{type(state).__name__} of {quote(list(state))}"
            if isinstance(state, Mapping)
            else type(state).__name__
        )
        raise WeightsError(where, expected=expected, got=got, hint="convert it to safetensors")
    # Copies begin where torch puts them, and not where the pickle happened to have them.
    return {k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in state.items()}


def _kept_file(name: str) -> Path | None:
    try:
        return cache_folder() / "weights" / f"{name}.safetensors"
    except RuntimeError:  # there is no home folder
        return None


def _kept(file: Path, digits: str) -> Tensors | None:
    """What was kept, unless it is damaged or not there."""
    if not file.is_file():  # a pipe would be waited for
        return None
    try:
        state, notes = read(file, verified=True), read_notes(file)
    except WeightsError:
        return None
    # Files of one name may come from two addresses
    fine = notes.get(_OF, digits) == digits and notes.get(_DIGEST) == _digest(state)
    return state if fine else None


def _keep(state: Tensors, file: Path, digits: str) -> None:
    """Keeps the tensors if it can; written beside the file and renamed, so that it is seen whole."""
    # By process and thread: several may unpickle the same at once
    with suppress(OSError, SaveError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Its digest tells one that a power cut has damaged
        with atomic_write(file, durable=False) as staged:
            write(staged, state, {_DIGEST: _digest(state), _OF: digits})


def _digest(state: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        # As bytes, since numpy has no bfloat16
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
