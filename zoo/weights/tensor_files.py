"""Safetensors files: read mapped, written so that reading them back gives the same results to the last bit.

Matrix products can differ in the last bit with where in a 64-byte line their operands begin. A file of ours
is therefore laid out so that a mapped tensor begins where the saved one began; the few that cannot are listed
in the file and copied to such a place when it is read.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from zoo.spec.disk.reading import check_regular, parse_json
from zoo.spec.errors import SaveError, WeightsError, listing, reason
from zoo.spec.reference import PathLike
from zoo.weights.whole_files import BLANK, KEY, check_whole, seal

Tensors = dict[str, Tensor]

LINE = 64
_PLACES = "places"
_ALIASES = "aliases"
_TYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL",
}  # fmt: skip


def read(path: PathLike, *, copy: bool = False, verified: bool = False) -> Tensors:
    """All tensors of a safetensors file, mapped from it unless copied.

    Args:
        path: of the file.
        copy: read them into memory instead.
        verified: its hash was checked, so that the checksum in a file that `write` made need not be.

    Raises:
        WeightsError: the file is not there, damaged, truncated, or something else.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        # A pipe would wait for its other end
        check_regular(path)
        if not verified:
            check_whole(path)
        state = load_file(path)
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
        places = {k: int(v) for k, v in parse_json(notes.get(_PLACES, "{}")).items()}
        aliases = {k: (v, state[v]) for k, v in parse_json(notes.get(_ALIASES, "{}")).items()}
    except FileNotFoundError:
        raise WeightsError(f"weights {path}", expected="a .safetensors file", got="no such file") from None
    except (
        SafetensorError,
        OSError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        RuntimeError,  # torch maps the file, and may find it gone
    ) as error:
        raise WeightsError(
            f"weights {path} cannot be read",
            expected="a whole .safetensors file",
            got=reason(error),
            hint=_way_out(path),
        ) from error
    # Listed are those that could not be laid out where they lay; a copy keeps the place of the others
    moved = {
        k: _placed(t, places.get(k, _place(t)))
        for k, t in state.items()
        if copy or k in places or _place(t) % t.element_size()
    }
    return {**state, **moved, **{k: moved.get(v, t) for k, (v, t) in aliases.items()}}


def _way_out(path: PathLike) -> str:
    if not is_pickle(path):
        return "fetch or save it again"
    command = f"zoo convert {shlex.quote(str(path))} --to NAME --out NEW.safetensors"
    return f"it is a pickle of torch, which {command} reads"


def is_pickle(path: PathLike) -> bool:
    """Whether a file begins as torch's pickles do, new and old, whatever its name says."""
    try:
        check_regular(path)
        with Path(path).open("rb") as file:
            begin = file.read(9)
    except OSError:
        return False
    # A zip, or the mark of a protocol, which the length of a safetensors header may look like
    return begin[:4] == b"PK\x03\x04" or (begin[:1] == b"\x80" and begin[8:9] != b"{")


def read_notes(path: PathLike) -> dict[str, str]:
    """The texts in a file's header.

    Raises:
        WeightsError: the file is not there, truncated, or something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        check_regular(path)
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"file {path}", expected="a whole .safetensors file", got=reason(error)) from None


def write(path: Path, state: Mapping[str, Tensor], notes: Mapping[str, str] | None = None) -> None:
    """Writes tensors, those that share memory once.

    Args:
        path: file to write.
        state: tensors by name.
        notes: texts to keep in the file's header.

    Raises:
        SaveError: a tensor has a type that the format does not know.
        OSError: the disk says no.
    """
    tensors, aliases = _unique(state)
    odd = [f"{k} ({t.dtype})" for k, t in tensors.items() if t.dtype not in _TYPES]
    if odd:
        raise SaveError("tensors of a type that safetensors does not know", got=listing(odd, 3))
    places = {k: _place(t) for k, t in tensors.items()}
    # The place that most bytes have becomes that of the whole file
    bytes_at = Counter[int]()
    for name, tensor in tensors.items():
        bytes_at[places[name]] += tensor.nbytes
    usual = max(bytes_at, key=lambda place: bytes_at[place], default=0)
    # First those of whole lines: behind one of these the next begins at the usual place too
    order = sorted(tensors, key=lambda k: places[k] != usual or tensors[k].nbytes % LINE != 0)
    header: dict[str, object] = {}
    moved: dict[str, int] = {}
    at = 0
    for name in order:
        tensor = tensors[name]
        header[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.nbytes],
        }
        if (usual + at) % LINE != places[name]:
            moved[name] = places[name]
        at += tensor.nbytes
    known = {"format": "pt", _PLACES: json.dumps(moved), _ALIASES: json.dumps(aliases)}
    texts = {KEY: BLANK, **(notes or {}), **known}
    text = json.dumps({"__metadata__": texts, **header}, separators=(",", ":")).encode()
    # The format allows blanks behind the header. A file is mapped from the beginning of a page, so that data
    # which begin at `usual` in the file do so in memory; 8 bytes say how long the header is
    text += b" " * (-(len(text) + 8 - usual) % LINE)
    with path.open("wb+") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in order:
            plain = tensors[name].detach().cpu().contiguous().flatten()
            file.write(plain.view(torch.uint8).numpy().data)
        seal(file)


def _unique(state: Mapping[str, Tensor]) -> tuple[Tensors, dict[str, str]]:
    """The tensors, each once, and under which name a shared one is kept."""
    seen: dict[tuple[object, ...], str] = {}
    tensors: Tensors = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        key = (tensor.device, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        # Tensors without elements all have the address 0
        if tensor.numel() and key in seen:
            aliases[name] = seen[key]
        else:
            seen[key] = name
            tensors[name] = tensor
    return tensors, aliases


def _place(tensor: Tensor) -> int:
    return tensor.data_ptr() % LINE if tensor.device.type == "cpu" else 0  # of another device none is kept


def _placed(tensor: Tensor, place: int) -> Tensor:
    """A copy that begins at `place` within a 64-byte line."""
    # Another program's header may be of any length, and let a number begin where none may in memory
    place -= place % tensor.element_size()
    # Where torch puts this is not for us to say, so it is cut out of a larger piece
    room = torch.empty(tensor.nbytes + 2 * LINE, dtype=torch.uint8)
    start = (place - room.data_ptr()) % LINE
    copy = room[start : start + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
    return copy.copy_(tensor)
