"""Bounded reading: regular files alone, of at most so many bytes, and JSON and TOML of bounded shape.

What zoo reads may come from anyone: a pulled folder, an installed plugin, a shared disk. A pipe would never
end, `/dev/zero` fill the memory, and ten thousand brackets the stack. All is found before it is taken in,
and is an `OSError` or a `ValueError` whose text is one line.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from zoo.spec.reference import PathLike

MOST_BYTES = 16 << 20
"""Largest text file that is read, in bytes, where a caller allows no other number."""

MOST_DEPTH = 64
"""Deepest nesting of tables and lists in a file."""

MOST_VALUES = 1 << 20
"""Most values of a file, those of all tables and lists together."""

_MOST_DIGITS = 20
"""Of a whole number; those of 64 bits have no more. Longer ones are not even converted."""

_LINE_ENDS = re.compile(r"\r\n|\r|\n")

_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


def check_regular(path: PathLike) -> int:
    """Size in bytes of a regular file, or of what a link leads to.

    Raises:
        OSError: there is none, or something else has its name; `strerror` is one line.

    Example:
        >>> check_regular("/dev/null")
        Traceback (most recent call last):
        OSError: [Errno 22] a device and no file: '/dev/null'
    """
    return _size(os.stat(path), path)  # noqa: PTH116 - a listing asks of hundreds of files


def read_bytes(path: PathLike, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Args:
        path: of the file.
        most: largest number of bytes.

    Raises:
        OSError: it cannot be read, is no regular file or too large; `strerror` is one line.
    """
    # Before a pipe is opened, which waits for whoever writes; and again of what was opened
    check_regular(path)
    with open(path, "rb", opener=_opened) as file:
        size = _size(os.fstat(file.fileno()), path)
        content = file.read(most + 1) if size <= most else b""
    # A file may grow while it is read
    if (found := max(size, len(content))) > most:
        raise OSError(errno.EFBIG, f"{found:,} bytes, more than {most:,}", str(path))
    return content


def sha256(path: PathLike) -> str:
    """The SHA-256 of a regular file's content, in hexadecimal digits.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    check_regular(path)
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: PathLike, most: int = MOST_BYTES) -> str:
    """The text of a regular file in UTF-8, a mark of byte order left out; otherwise as `read_bytes`.

    Raises:
        OSError: as `read_bytes`.
        ValueError: it is no UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start}") from None


def split_lines(text: str) -> list[str]:
    """Lines of a text, which end as files write it; names and texts may hold other ends, such as U+2028.

    Example:
        >>> split_lines("a\\u2028b\\r\\nc")
        ['a\\u2028b', 'c']
    """
    return _LINE_ENDS.split(text)


def read_json(path: PathLike, most: int = MOST_BYTES) -> Any:
    """The plain data of a JSON file.

    Raises:
        OSError: as `read_bytes`.
        ValueError: it is no JSON, or of no shape that zoo writes; see `parse_json`.
    """
    return parse_json(read_text(path, most))


def parse_json(text: str) -> Any:
    """The plain data of a JSON text.

    Raises:
        ValueError: it is no JSON, has a number that JSON or 64 bits have not, is nested deeper than
            `MOST_DEPTH`, or has more than `MOST_VALUES` values.

    Example:
        >>> parse_json('{"epochs": 3}')
        {'epochs': 3}
        >>> parse_json("1e999")
        Traceback (most recent call last):
        ValueError: no finite number: 1e999
    """
    try:
        data = json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_no_number)
    except RecursionError:
        raise ValueError(f"nested deeper than {MOST_DEPTH}") from None
    except json.JSONDecodeError as error:
        found = f"no JSON from line {error.lineno} column {error.colno} on" if text.strip() else "nothing"
        raise ValueError(found) from None
    return bounded(data)


def read_toml(path: PathLike, most: int = MOST_BYTES) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        OSError: as `read_bytes`.
        ValueError: it is no TOML, or of no shape that zoo reads; see `parse_json`.
    """
    text = read_text(path, most)
    try:
        data = tomllib.loads(text, parse_float=_real)
    except RecursionError:
        raise ValueError(f"nested deeper than {MOST_DEPTH}") from None
    return bounded(data)  # type: ignore[no-any-return]  # a table, as TOML has


def bounded(data: Any) -> Any:
    """Plain data as they are.

    Raises:
        ValueError: they are nested too deep, too many, or a whole number has more than 64 bits.
    """
    count, level = 0, [data]
    for _ in range(MOST_DEPTH):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inside.extend(value.values())
            elif isinstance(value, list):
                inside.extend(value)
            # Of TOML no hook sees the whole numbers
            elif type(value) is int and value.bit_length() > 64:
                raise ValueError(f"a whole number of {value.bit_length()} bits, more than 64")
        count += len(inside)
        if count > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
        if not inside:
            return data
        level = inside
    raise ValueError(f"nested deeper than {MOST_DEPTH}")


def _opened(path: str, flags: int) -> int:
    # Should a pipe have taken the name meanwhile, this does not wait for its other end
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _size(found: os.stat_result, path: PathLike) -> int:
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        return found.st_size
    number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
    raise OSError(number, f"{_KINDS.get(kind, 'something else')} and no file", str(path))


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _MOST_DIGITS:
        raise ValueError(f"a number too large: {_shortened(text)}")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    # TOML has inf and nan, which no option and no figure of zoo is
    if not math.isfinite(value):
        raise ValueError(f"no finite number: {_shortened(text)}")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"no number: {text}")


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_DIGITS else f"{text[:_MOST_DIGITS]}..."
