"""Torch pickles with a declared hash: verified, read as tensors alone, and kept as safetensors.

The file that is kept is named after the pickle's hash and holds a digest of its own tensors, so that a
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


def read_pickle(path: Path, *, sha256: str, text: str) -> Tensors:
    """The tensors of a state dict that torch has pickled, mapped from zoo's cache once they are there.

    Args:
        path: local file.
        sha256: that it must have; nothing of another content is unpickled.
        text: how messages call the weights.

    Raises:
        WeightsError: the file cannot be read, has another content, or holds more than tensors by name.
    """
    kept = _kept_file(sha256)
    state = _kept(kept) if kept else None
    if state is not None:
        return state
    state = _unpickled(path, sha256, text)
    if kept is None:
        return state
    _keep(state, kept)
    return _kept(kept) or state


def _unpickled(path: Path, sha256: str, text: str) -> Tensors:
    """The content is hashed and unpickled from one reading, so that nobody can change it in between."""
    where = f"weights {text}"
    try:
        content = path.read_bytes()
    except OSError as error:
        got = f"{error.strerror} at {path}"
        raise WeightsError(where, expected="a file that can be read", got=got) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            where, expected=f"sha256 {sha256[:12]}...", got=f"{found[:12]}... in {path}",
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


def _kept_file(sha256: str) -> Path | None:
    try:
        return cache_folder() / "weights" / f"{sha256}.safetensors"
    except RuntimeError:  # there is no home folder
        return None


def _kept(file: Path) -> Tensors | None:
    """What was kept, unless it is damaged or not there."""
    if not file.is_file():  # a pipe would be waited for
        return None
    try:
        state, notes = read(file, verified=True), read_notes(file)
    except WeightsError:
        return None
    return state if notes.get(_DIGEST) == _digest(state) else None


def _keep(state: Tensors, file: Path) -> None:
    """Keeps the tensors if it can; written beside the file and renamed, so that it is seen whole."""
    # By process and thread: several may unpickle the same at once
    with suppress(OSError, SaveError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Its digest tells one that a power cut has damaged
        with atomic_write(file, durable=False) as staged:
            write(staged, state, {_DIGEST: _digest(state)})


def _digest(state: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        # As bytes, since numpy has no bfloat16
        found.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
