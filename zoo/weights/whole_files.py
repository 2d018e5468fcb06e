"""A checksum over a whole safetensors file, in its own header: names, shapes, notes and every tensor.

A flipped bit of a weight is a number like any other, so nothing but a checksum tells it. Hashes (sha256) are
checked where a file arrives; this one, CRC-32, is made for every time that it is read: 2.7 GB a second.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from zoo.spec.reference import PathLike

KEY = "zoo.crc32"
BLANK = "0" * 8
"""The value of the key while the checksum is computed."""

_CHUNK = 1 << 20
_BEGIN = b'{"__metadata__":{"%b":"' % KEY.encode()
_AT = 8 + len(_BEGIN)
"""Where the checksum stands: it is the first note of the header, whose length is before it, in 8 bytes."""


def seal(file: BinaryIO) -> None:
    """Writes the checksum of a file into it.

    Args:
        file: open to read and write, whole but for the checksum, whose note is `BLANK`.
    """
    value = _crc32(file)
    file.seek(_AT)
    file.write(b"%08x" % value)


def check_whole(path: PathLike) -> None:
    """Checks that a file has the bytes that were sealed; of one without a checksum nothing is known.

    Raises:
        OSError: it cannot be read.
        ValueError: it has others.
    """
    with Path(path).open("rb") as file:
        begin = file.read(_AT + len(BLANK))
        if begin[8:_AT] == _BEGIN and begin[_AT:] != b"%08x" % _crc32(file):
            raise ValueError(
                f"other bytes than zoo wrote: it is damaged, or another program changed it and kept its {KEY}"
            )


def _crc32(file: BinaryIO) -> int:
    file.seek(0)
    found = zlib.crc32(file.read(_AT))
    file.seek(_AT + len(BLANK))
    found = zlib.crc32(BLANK.encode(), found)
    # Not of the mapped file, whose pages would count as this process's memory
    while chunk := file.read(_CHUNK):
        found = zlib.crc32(chunk, found)
    return found
