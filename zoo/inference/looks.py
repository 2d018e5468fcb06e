"""Images and figures that a model has seen of a split before it is measured on it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.runtime.arguments import SPLITS_FILE
from zoo.spec.disk.history import write_json
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import SPLITS
from zoo.spec.disk.schema import misfit
from zoo.spec.display import counted
from zoo.spec.errors import warn

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


def warn_of_leak(folder: Path, dataset: Dataset, indices: tuple[int, ...], split: str) -> None:
    """Says so where images to be measured on were trained on, or where the epoch was chosen by them."""
    try:
        record = read_json(folder / SPLITS_FILE)
    # A saved model that was not trained here has no record
    except (OSError, ValueError):
        return
    if not isinstance(record, dict) or misfit(record, SPLITS, ("train", "val")):
        return
    known = {side: {item["key"] for item in record[side]} for side in ("train", "val")}
    uses = {"train": "were trained on", "val": "were validated with, by which the epoch was chosen"}
    # `train` has nothing to hide; a split may be measured on itself, and `all` is what people say it is
    hidden = {"test": ("train", "val"), "train": ()}.get(split, ("train",))
    found = {side: [i for i in indices if dataset.key(i) in known[side]] for side in hidden}
    said = [f"{len(there)} of {counted(len(indices), 'image')} of the {split} split {uses[side]}, "
            f"{dataset.name(there[0])} first" for side, there in found.items() if there]  # fmt: skip
    if said:
        warn(f"{'; '.join(said)}; have the data or the seed changed since?")
