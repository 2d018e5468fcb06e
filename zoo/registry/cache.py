"""Small files that are remembered between processes; where one is lost or damaged, that costs time alone.

Each is JSON behind a line with its checksum: what a damaged disk makes of it may be JSON of the right shape.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import Any

from zoo.spec.disk.atomic_write import write_text
from zoo.spec.disk.reading import parse_json, read_bytes


def cache_folder() -> Path:
    """The folder of all caches: `ZOO_CACHE`, or the user's cache folder for zoo.

    Raises:
        RuntimeError: there is no home folder.
    """
    given = os.environ.get("ZOO_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_dir

    folder = Path(user_cache_dir("zoo", appauthor=False))
    if not folder.is_absolute():  # versions of platformdirs that leave the ~ as it is
        raise RuntimeError(f"no home folder for {folder}")
    return folder


def name(sort: str, distribution: str, place: str) -> str:
    """Name of a cache file for a distribution that lies in one place, as seen by one Python."""
    # Several environments share the cache; crc32, since `hash` of a text differs between processes
    return f"{sort}/{distribution}-{zlib.crc32(place.encode()):08x}.jsonl"


def read(file: str, key: list[Any]) -> dict[str, Any] | None:
    """The data remembered under a name for a key; None where there are none, or none whole."""
    try:
        content = read_bytes(cache_folder() / file)
        body = content.partition(b"\n")[2]
        data = parse_json(body.decode()) if content == sealed(body) else None
    except (OSError, ValueError, RuntimeError):  # no such file; not JSON; no home folder
        return None
    # So a key is made of lists: JSON has no tuples, and this compares with what came back from it
    return data if isinstance(data, dict) and data.get("key") == key else None


def write(file: str, key: list[Any], data: dict[str, Any]) -> None:
    """Remembers data under a name for a key; a folder that cannot be written is no error."""
    with contextlib.suppress(OSError, RuntimeError):
        path = cache_folder() / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, sealed(json.dumps({"key": key, **data}).encode()).decode(), durable=False)


def sealed(body: bytes) -> bytes:
    """A file's content with its checksum in the line before it."""
    return b'"%08x"\n%b' % (zlib.crc32(body), body)
