"""Weights in files of other programs: pickles of torch, read as tensors alone, and safetensors."""

from __future__ import annotations

import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.spec.errors import WeightsError, listing, reason
from zoo.weights.tensor_files import Tensors, is_pickle, read

CONTAINERS = (
    "state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params",
    "ema_state_dict", "model_ema", "state_dict_ema", "ema",
)  # fmt: skip
"""Keys under which trainers keep the weights in their checkpoints, the likeliest first."""
_GLOBAL = re.compile(r"GLOBAL (\S+)")
_DEEPEST = 3
_IDLE = ("PROTO", "FRAME", "MARK", "BINPUT", "LONG_BINPUT", "MEMOIZE")
"""Instructions of a pickle that make no object."""


@dataclass(frozen=True, slots=True)
class Found:
    """The weights of a file.

    Args:
        state: tensors by name.
        container: keys that lead to them, such as `state_dict`; empty where they are on top.
        beside: other keys there, which are no weights or other ones.
    """

    state: Tensors
    container: str
    beside: tuple[str, ...]


def read_foreign(path: Path) -> Found:
    """The weights of a file that any program wrote; no code in it is run.

    Raises:
        WeightsError: it cannot be read, holds objects of classes, or no tensors by name.
    """
    if not path.is_file():
        raise WeightsError(f"weights {path}", expected="a file of weights", got="no such file")
    tree: Any = read(path) if path.suffix == ".safetensors" and not is_pickle(path) else _unpickled(path)
    container: list[str] = []
    for _ in range(_DEEPEST):
        if not isinstance(tree, Mapping) or any(isinstance(v, Tensor) for v in tree.values()):
            break
        key = next((key for key in CONTAINERS if isinstance(tree.get(key), Mapping)), None)
        if key is None:
            break
        container.append(key)
        beside = tuple(str(k) for k in tree if k != key)
        tree = tree[key]
    where = f"weights {path}"
    if not isinstance(tree, Mapping):
        raise WeightsError(where, expected="tensors by name", got=f"a {type(tree).__name__}")
    state = {k: v for k, v in tree.items() if isinstance(k, str) and isinstance(v, Tensor)}
    if not state:
        raise WeightsError(where, expected="tensors by name", got=f"keys {listing(map(str, tree), 5)}")
    if odd := [k for k, v in state.items() if v.layout is not torch.strided or v.is_quantized]:
        raise WeightsError(where, expected="dense tensors", got=f"sparse or quantized {listing(odd, 3)}")
    others = tuple(str(k) for k in tree if k not in state)
    return Found(state, ".".join(container), (*(beside if container else ()), *others))


def _unpickled(path: Path) -> Any:
    where = f"weights {path}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an unusual pickle, of which only the outcome counts
            with path.open("rb") as file:  # not the path, whose suffix torch goes by
                return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # each kind of rubbish is another one
        if found := _GLOBAL.search(str(error)):
            hint = (
                "where it was made, save tensors alone: torch.save(model.state_dict(), ...); or, which "
                f"runs the file's code, so for a file that you trust: {_way_out(path)}"
            )
            got = f"a pickle with {found[1]}, which is not read, since a class may run code"
            raise WeightsError(where, expected="tensors by name", got=got, hint=hint) from None
        got = reason(str(error).partition("\n")[0] or error) if is_pickle(path) else "something else"
        raise WeightsError(where, expected="weights that torch has saved", got=got) from None


def _way_out(path: Path) -> str:
    """The call that makes a file of tensors alone of a pickle with objects, whose code it runs."""
    loaded = f'torch.load("{path}", weights_only=False)'
    new = path.with_name(f"{path.stem}-weights.pth")
    return f'torch.save({loaded}{_access(path)}, "{new}")'


def _access(path: Path) -> str:
    """Where the state dict of a pickle is, read off its instructions, none of which is carried out."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            steps = [
                (op.name, value)
                for op, value, _ in pickletools.genops(archive.read(name))
                if op.name not in _IDLE
            ]
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile):
        return ".state_dict()"  # a file of an old torch; mostly a whole model
    if not steps or not _is_dict(*steps[0]):
        return ".state_dict()"
    keys = [
        (i, value) for i, (_, value) in enumerate(steps) if isinstance(value, str) and value in CONTAINERS
    ]
    found = min(keys, key=lambda item: (CONTAINERS.index(item[1]), item[0]), default=None)
    if found is None:
        return "[KEY]"
    i, key = found
    return f'["{key}"]' if i + 1 < len(steps) and _is_dict(*steps[i + 1]) else f'["{key}"].state_dict()'


def _is_dict(name: str, value: Any) -> bool:
    return name == "EMPTY_DICT" or value == "collections OrderedDict"
