"""Contents of open files, pipes and responses that hold an image."""

from __future__ import annotations

import io
from typing import Any

from zoo.images.opening import may_begin
from zoo.spec.errors import DataError, reason

MOST_BYTES = 1 << 30
"""Of an open file, which may never end; 179 million pixels of 16 bits a colour have no more."""
_PIECE, _BEGIN = 1 << 20, 64
"""Bytes that are read at a time of one, and by which it is told whether it may be an image at all."""


def content_of(source: Any) -> bytes:
    """All of an open file, which need not be able to seek."""
    if isinstance(source, io.TextIOBase):
        raise _no_file("text", "open(..., 'rb')")
    if getattr(source, "closed", False) is True:
        raise _no_file("a closed one", "open it again")
    # Pillow seeks, and a pipe or an HTTP response cannot
    content = io.BytesIO()
    try:
        while piece := source.read(_PIECE):
            content.write(piece)
            # What cannot be an image is not read to an end that it may not have
            size, begin = content.tell(), content.getbuffer()[:_BEGIN].tobytes()
            if size > MOST_BYTES or (size >= _BEGIN and not may_begin(begin)):
                break
        at_end = not content.tell() and _place(source) > 0
    except (OSError, ValueError) as error:
        raise _no_file(reason(error), None) from error
    except TypeError:
        raise _no_file("text", "open(..., 'rb')") from None
    if at_end:
        raise _no_file("one that was read or written to its end", "file.seek(0) before")
    if content.tell() > MOST_BYTES:
        raise _no_file(f"one of more than {MOST_BYTES:,} bytes", "make the image smaller")
    return content.getvalue()


def _no_file(got: str, hint: str | None) -> DataError:
    return DataError("predict", expected="a file opened in binary mode", got=got, hint=hint)


def _place(source: Any) -> int:
    """How far an open file was read; 0 where it cannot tell."""
    try:
        return int(source.tell())
    except (AttributeError, OSError, ValueError):
        return 0
