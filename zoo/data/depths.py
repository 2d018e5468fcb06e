"""Losses in reading images, said once: depth, bands, transparency, and masks of images that are turned."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.inspection.headers import headers
from zoo.data.reading import in_threads
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.view import innermost
from zoo.images.decode import ImageArray, read
from zoo.images.facts import lies, tops
from zoo.images.header import ALPHA, depth
from zoo.images.objects import Taken, taken
from zoo.images.opening import open_image, orientation
from zoo.images.pages import way
from zoo.images.ranges import Range, reads_pages, scaled_by, unscaled
from zoo.images.readers import ARRAY, MAGIC
from zoo.images.scale import built, few_bits, said
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.records.records import Records
from zoo.spec.display import counted
from zoo.spec.errors import DataError, quote, warn
from zoo.spec.inputs import Reading

Item = Path | bytes | ImageArray
Again = Callable[[], Sequence[ImageArray]]

_LOOKED_AT = 16
"""Images whose values are looked at: their files' headers do not tell these."""
_SIXTEENTH = 1 / 16
"""Share of a scale below which all is nearly black: 12 bits in 16."""
_NARROW = 1 / 256
"""Share of a range below which all values have one gray of a byte."""
_MOST, _NEARLY_ALL = 0.5, 0.95
"""Shares of values above a range, and on both sides of it, that no window leaves out: one leaves out air."""
_FEW, _ENOUGH = 0.005, 256
"""Alpha has more than such a share of pixels that are opaque or clear; of fewer pixels none is judged."""


def warn_losses(
    model: Model, items: Sequence[Item], *, known: Sequence[str] = (), given: Mapping[int, Any] | None = None
) -> None:
    """Says once, with numbers, what is lost of images where a model takes them.

    Args:
        model: that takes them.
        items: files, their contents, or images.
        known: what is known already of some of them, a text for each loss of an image.
        given: the objects by number that images were taken from by a range.

    Raises:
        DataError: the model has a range of another depth than some files.
    """
    total, spec = len(items), model.input_spec
    found = headers(items, spec.value_range)
    for words, count in Counter([*known, *(one.lost for one in found if one.lost)]).items():
        warn(f"{count} of {counted(total, 'image')}: {words}")
    with scaled_by(Reading(spec.value_range, spec.pages)):
        if several := {i: one.pages for i, one in enumerate(found) if one.pages > 1 and not reads_pages()}:
            _warn_pages(items, several, spec.channels)
        step = max(1, total // _LOOKED_AT)
        objects = [own for i, own in (given or {}).items() if i % step == 0]

        def again() -> list[ImageArray]:
            files = [image for item in items[::step] for image in _read(item, objects=False)]
            return [*files, *(taken(item).pixels for item in objects)]

        _warn_values(model, items, items[::step], again)


def _warn_pages(items: Sequence[Item], several: Mapping[int, int], channels: int) -> None:
    """Says once how many files have several pages, of which the first is taken."""
    first, pages = next(iter(several.items()))
    item = items[first]
    named = f" ({quote(item.name)} has {pages})" if isinstance(item, Path) else ""
    words = f"{len(several)} of {counted(len(items), 'image')}: of several pages{named} the first is taken; "
    same = sum(pages == channels for pages in several.values())
    fits = f", as many as the channels of the model in {same}" if same and channels > 1 else ""
    warn(f"{words}{way(pages)}{fits}")


def _warn_values(model: Model, items: Sequence[Item], looked_at: Sequence[Item], again: Again) -> None:
    """Says what the values of some images tell, and how many of all have alpha where answers have none.

    Args:
        model: that takes them.
        items: all that are known.
        looked_at: of these.
        again: takes what is looked at once more.
    """
    total = len(items)
    channels = model.input_spec.channels
    values = model.input_spec.value_range
    losses = _dark(looked_at) if values is None else _badly_scaled(looked_at, values, again)
    task = model.task
    laid = channels in (1, 3)
    shown = laid and task is not None and task.answers == "image"
    if laid and not shown:
        losses += filter(None, map(_alpha_loss, looked_at))
    for words, count in Counter(losses).items():
        warn(f"{count} of the {counted(len(looked_at), 'image')} looked at: {words}")
    if shown:
        count = sum(in_threads(_has_alpha, items, ""))
        if count:
            warn(
                f"{count} of {counted(total, 'image')}: transparency is laid on white, "
                "and the answers have no alpha"
            )


def warn_dataset(model: Model, dataset: Dataset) -> None:
    """The same of data that are files, and of some images that are objects."""
    source = innermost(dataset)
    if source.files is not None or not isinstance(source, TorchData | Records):
        warn_losses(model, [file for file in dataset.files or () if isinstance(file, Path)])
        return
    with scaled_by(model.input_spec.reading):
        looked_at = _some(source)
    for words, count in Counter(words for item in looked_at for words in item.lost).items():
        warn(f"{count} of the {counted(len(looked_at), 'image')} looked at: {words}")
    pixels = [item.pixels for item in looked_at]
    _warn_values(model, pixels, pixels, lambda: [item.pixels for item in _some(source)])


def _some(source: TorchData | Records) -> list[Taken]:
    """Some images that are objects, as they are taken here."""
    found = []
    for i in range(0, len(source), max(1, len(source) // _LOOKED_AT)):
        with suppress(Exception):  # said where images are read
            found.append(source.taken(i))
    return found


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


def _dark(items: Sequence[Item]) -> list[str]:
    """Words for each image of 16 bits that is nearly black."""
    try:
        found = [top for item in items for top in _tops(item)]
    except DataError:
        # It ends what was asked for anyway, and where it is below 0 these bits are no scale of all
        return []
    # Where some use all bits, those that have fewer for sure
    few = found if few_bits(found) else [top for top in found if few_bits([top]) and top < _SIXTEENTH]
    words = few_bits(few)
    if len(few) < len(found):
        words = f"{words.partition(':')[0]}, which others are not; scale them before"
    return [words] * len(few)


def _badly_scaled(items: Sequence[Item], values: Range, again: Again) -> list[str]:
    """Words for each image that shows next to nothing on the scale of a model."""
    with scaled_by(values):
        shown = [_ends(image) for item in items for image in _read(item)]
    if not shown:
        return []
    least, most = min(ends[0] for ends in shown), max(ends[1] for ends in shown)
    if most < _SIXTEENTH or least >= 1:
        side, end = ("above", most) if most < _SIXTEENTH else ("below", least)
        number = values[0] + end * (values[1] - values[0])
        shade = "black" if side == "above" else "white"
        return [f"no value {side} {number:.4g} of value_range={said(values)}, so {shade}"] * len(shown)
    if most - least < _NARROW and (most > least or len(shown) > 1):
        return [f"values span {most - least:.2%} of value_range={said(values)}, so one gray"] * len(shown)
    # Numbers that are the ends themselves are told from what was cut by looking again
    top, both = (float(np.mean([ends[at] for ends in shown])) for at in (2, 3))
    words = _cut(unscaled(again), values) if top > _MOST or both > _NEARLY_ALL else ""
    return [words] * len(shown) if words else []


def _cut(images: Sequence[ImageArray], values: Range) -> str:
    """Words for images, as they are, of which a range leaves out most; empty where it does not."""
    if not images:
        return ""
    above = float(np.mean([(image > values[1]).mean() for image in images]))
    below = float(np.mean([(image < values[0]).mean() for image in images]))
    if above <= _MOST and (above + below <= _NEARLY_ALL or above <= 1 - _NEARLY_ALL):
        return ""
    low, high = (float(end) for end in (min(map(np.min, images)), max(map(np.max, images))))
    cut = f"{above:.0%} of the values lie above value_range={said(values)}, {below:.0%} below"
    return f"{cut}, and become white or black; look at {low:.4g}..{high:.4g}: {built(low, high)}"


def _tops(item: Item) -> list[float]:
    if not _holds_numbers(item):
        return []
    return tops(*read(_source(item), "image")) if isinstance(item, Path | bytes) else []


def _read(item: Item, objects: bool = True) -> list[ImageArray]:
    """The image where it can be read, and where it is an object only if these are asked for."""
    if not isinstance(item, Path | bytes):
        return [item] if objects else []
    with suppress(DataError):
        return [read(_source(item), "image")[0]]
    return []


def _ends(image: ImageArray) -> tuple[float, float, float, float]:
    """Lowest and highest value of an image that a range has scaled, and the shares at its top and ends."""
    top = float((image >= 1).mean())
    return float(image.min()), float(image.max()), top, top + float((image <= 0).mean())


def _holds_numbers(item: Item) -> bool:
    """Whether a file may hold numbers of 16 bits."""
    if not isinstance(item, Path | bytes):
        return False
    if item.startswith(MAGIC) if isinstance(item, bytes) else item.suffix.lower() == ARRAY:
        return True
    found = depth(_source(item))
    return found is not None and found.bits > 8


def _alpha_loss(item: Item) -> str:
    """Words where a last band is laid on white that is hardly alpha: near infrared that a file calls so."""
    if not _has_alpha(item):
        return ""
    with suppress(DataError):
        image = read(_source(item), "image")[0] if isinstance(item, Path | bytes) else item
        bands, alpha = image.shape[2], image[..., -1]
        white = 255 if image.dtype == np.uint8 else 1
        judged = bands in (2, 4) and alpha.size >= _ENOUGH
        if judged and ((alpha == 0) | (alpha == white)).mean() < _FEW:
            said = f"band {bands} is taken for alpha, though hardly a pixel of it is opaque or clear"
            way = f"build the model with in_channels={bands}, or leave the band out"
            return f"{said}; where it is no alpha, {way}"
    return ""


def _source(item: Path | bytes) -> Path | io.BytesIO:
    return item if isinstance(item, Path) else io.BytesIO(item)


def _has_alpha(item: Item) -> bool:
    if not isinstance(item, Path | bytes):
        return item.ndim == 3 and item.shape[2] in (2, 4)
    with suppress(DataError, OSError, ValueError), open_image(_source(item)) as opened:
        return opened.mode in ALPHA or "transparency" in opened.info
    return False


def _ambiguous(file: Path) -> bool:
    with suppress(DataError, OSError, ValueError), open_image(file) as opened:
        turned = orientation(opened)
        # Of the others the mask has the size of the turned image, which was checked
        return turned not in (0, 1) and (not lies(opened, turned) or opened.width == opened.height)
    return False
