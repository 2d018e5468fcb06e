"""Losses in reading images, said once: depth, bands, transparency, and masks of images that are turned."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from zoo.data.reading import in_threads
from zoo.images.decode import ORIENTATION, SWAPPING, ImageArray, read
from zoo.images.header import depth, lost
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.spec.display import counted
from zoo.spec.errors import DataError, warn

Item = Path | bytes | ImageArray

_DEEP_FILES = (".png", ".tif", ".tiff")
_LOOKED_AT = 16
"""Images whose values are looked at: their files' headers do not tell these."""
_ALPHA = ("LA", "RGBA", "PA", "La", "RGBa")


def warn_losses(model: Model, items: Sequence[Item]) -> None:
    """Says once, with numbers, what is lost of images where a model takes them.

    Args:
        model: that takes them.
        items: files, their contents, or images.
    """
    total = len(items)
    for words, count in Counter(filter(None, in_threads(_depth_loss, items, ""))).items():
        warn(f"{count} of {counted(total, 'image')}: {words}")
    files = [item for item in items if isinstance(item, Path | bytes)]
    step = max(1, len(files) // _LOOKED_AT)
    dark = [*filter(None, (_value_loss(item) for item in files[::step]))]
    if dark:
        warn(f"{len(dark)} of the {counted(len(files[::step]), 'image')} looked at: {dark[0]}")
    task = model.task
    if task is not None and task.answers == "image" and model.input_spec.channels in (1, 3):
        count = sum(in_threads(_has_alpha, items, ""))
        if count:
            warn(
                f"{count} of {counted(total, 'image')}: transparency is laid on white, "
                "and the answers have no alpha"
            )


def warn_dataset(model: Model, dataset: Dataset) -> None:
    """The same of data that are files."""
    warn_losses(model, [file for file in getattr(dataset, "files", ()) if isinstance(file, Path)])


def warn_turned(files: Sequence[Path]) -> None:
    """Says how many images with masks are turned by their EXIF tag where the masks' sizes cannot tell.

    Args:
        files: of the images.
    """
    if count := sum(in_threads(_ambiguous, files, "")):
        are = "is" if count == 1 else "are"
        warn(
            f"{count} of {counted(len(files), 'image')} {are} turned upright by their EXIF tag, "
            "their masks are not: masks drawn over the stored pixels do not fit; turn both and save them, "
            "or remove the tag"
        )


def _depth_loss(item: Item) -> str:
    if isinstance(item, Path) and item.suffix.lower() not in _DEEP_FILES:
        return ""
    if not isinstance(item, Path | bytes):
        return ""
    found = depth(item if isinstance(item, Path) else io.BytesIO(item))
    if found is None or (found.bits <= 8 and not found.other):
        return ""
    # One band of 16 bits keeps them
    with suppress(OSError, ValueError), Image.open(_source(item)) as opened:
        return lost(found, opened.mode)
    return ""


def _value_loss(item: Path | bytes) -> str:
    found = depth(item if isinstance(item, Path) else io.BytesIO(item))
    if found is None or found.bits <= 8 or found.bands != 1:
        return ""
    with suppress(DataError):
        image, facts = read(_source(item), "image")
        return lost(found, facts.mode, float(image.max()))
    return ""


def _source(item: Path | bytes) -> Path | io.BytesIO:
    return item if isinstance(item, Path) else io.BytesIO(item)


def _has_alpha(item: Item) -> bool:
    if not isinstance(item, Path | bytes):
        return item.ndim == 3 and item.shape[2] in (2, 4)
    with suppress(OSError, ValueError), Image.open(_source(item)) as opened:
        return opened.mode in _ALPHA or "transparency" in opened.info
    return False


def _ambiguous(file: Path) -> bool:
    with suppress(OSError, ValueError), Image.open(file) as opened:
        turned = opened.getexif().get(ORIENTATION, 1)
        # Of the others the mask has the size of the turned image, which was checked
        return turned not in (0, 1) and (turned not in SWAPPING or opened.width == opened.height)
    return False
