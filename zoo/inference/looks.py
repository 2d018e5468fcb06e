"""Count of the looks of a model at a test split."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

from zoo.interfaces.model import Model
from zoo.spec.disk.reading import read_json
from zoo.spec.history import write_json

LOOKS_FILE = "looks.json"
_MOST = 1_000_000

_in_memory: WeakKeyDictionary[Model, dict[str, int]] = WeakKeyDictionary()


def looks(model: Model, folder: Path | None, digest: str) -> int:
    """Counts a look of a model at a test split, and says how many there were, this one included.

    Args:
        model: whose look it is, where it has no folder.
        folder: of the model, which keeps the count.
        digest: of the splits.
    """
    if folder is None:
        own = _in_memory.setdefault(model, {})
        own[digest] = own.get(digest, 0) + 1
        return own[digest]
    file, known = folder / LOOKS_FILE, {}
    with suppress(OSError, ValueError):
        if file.stat().st_size <= _MOST:
            known = read_json(file)
    count = known.get(digest, 0) if isinstance(known, dict) else 0
    count = count + 1 if isinstance(count, int) else 1
    # A folder that cannot be written to measures as any other
    with suppress(OSError):
        write_json(file, {**(known if isinstance(known, dict) else {}), digest: count})
    return count
