"""Report on data and their mistakes: looked at whole, before any training."""

from __future__ import annotations

import statistics
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from zoo.data.imbalance import class_counts
from zoo.data.inspection.as_seen import AsSeen, said_statistics, unsaid_channels
from zoo.data.inspection.findings import InspectedImage, findings
from zoo.data.inspection.reported import NOT_COUNTED, Report, Spread
from zoo.data.inspection.statistics import Statistics, pixel_statistics, value_statistics
from zoo.data.masks import check_mask
from zoo.data.objects.joined import Joined
from zoo.data.objects.masked import Masked
from zoo.data.objects.several import sources_of
from zoo.data.reading import in_threads
from zoo.data.sources.class_folders import FoundFolders, ImageFiles
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.splits import NAMES, split
from zoo.data.view import Subset, View, source_of
from zoo.images.decode import read
from zoo.images.facts import tops
from zoo.images.near_duplicates import thumbnail
from zoo.images.ranges import scaled_by, unscaled
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.display import counted
from zoo.spec.errors import DataError, ZooError

_CHANNELS = {1: "gray", 2: "gray with alpha", 3: "colour", 4: "colour with alpha"}
_MODES = {
    "1": "black and white",
    "L": "gray",
    "LA": "gray with alpha",
    "P": "palette",
    "RGB": "colour",
    "RGBA": "colour with alpha",
    "F": "float gray",
    "I": "32-bit gray",
}

_VALUES = 256  # of a pixel of a mask


def report(data: Path | Dataset, source: str | None = None, *, seed: int | None = None) -> Report:
    """Looks at all images, and goes on where a training would stop.

    Args:
        data: a folder of class folders, or a data set.
        source: what to call it.
        seed: of the splits, for statistics of the images that are trained on; None for none.

    Example:
        >>> from zoo.runtime.data_arguments import as_dataset
        >>> found = report(as_dataset({"name": "faces", "per_class": 5}))
        >>> found.classes, found.height, found.ok
        ({'no face': 5, 'face': 5}, (25, 25, 25), True)
    """
    source = source or (str(data) if isinstance(data, Path) else type(data).__name__.lower())
    dataset = data if isinstance(data, Dataset) else FoundFolders(data)
    asked, dataset = dataset, dataset.source if isinstance(dataset, AsSeen) else dataset
    own = source_of(dataset)
    layout = own.layout if isinstance(own, FoundFolders) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what decoders warn of is in the report
        seen = in_threads(lambda i: _inspect(dataset, i), range(len(dataset)), "reading images")
        found = findings(dataset, seen, layout)
        found += asked.misfits(seen) if isinstance(asked, AsSeen) else unsaid_channels(asked, seen)
    good = [s for s in seen if s.error is None]
    return Report(
        source=source,
        images=len(seen),
        readable=len(good),
        classes=class_counts(dataset),
        pixels=_pixels(dataset, good),
        splits=_counts(dataset, [dataset.split_of(i) for i in range(len(dataset))], NAMES),
        sources=_counts(dataset, sources := sources_of(dataset) or [], dict.fromkeys(sources)),
        task=dataset.task.name if dataset.task is not None else None,
        height=_spread([s.shape[0] for s in good]),
        width=_spread([s.shape[1] for s in good]),
        aspect=_spread([round(s.shape[1] / s.shape[0], 3) for s in good]),
        formats=_counted(s.facts.format for s in good if s.facts),
        kinds=_counted(map(_kind, good)),
        turned=sum(s.facts.turned for s in good if s.facts),
        findings=tuple(sorted(found, key=lambda finding: not finding.stops)),
        columns=_columns(own),
        groups=_groups(dataset),
        values=value_statistics(dataset.targets, dataset.labels),
        masks=own.words if isinstance(own, MaskFolders | Masked) else None,
        statistics=None if seed is None else _statistics(asked, seed),
    )


def _columns(own: Dataset) -> dict[str, str]:
    """Columns of a table by what they hold."""
    if not isinstance(own, Records):
        return {}
    found = {role: getattr(own.roles, role) for role in ("image", "target", "group", "split", "order")}
    return {role: ", ".join(n) if isinstance(n, tuple) else n for role, n in found.items() if n}


def _groups(dataset: Dataset) -> tuple[int, int] | None:
    """How many groups there are, and how many images the largest has; None without any."""
    sizes = Counter(filter(None, map(dataset.group_of, range(len(dataset)))))
    return (len(sizes), max(sizes.values())) if sizes else None


def _statistics(dataset: Dataset, seed: int) -> Statistics | None:
    """Statistics of the images that are trained on; nothing where they cannot be told, which is a finding."""
    try:
        indices = split(dataset, seed, training=False).train
    except DataError:
        return None
    return said_statistics(dataset, pixel_statistics(dataset, indices))


def _inspect(dataset: Dataset, index: int) -> InspectedImage:
    # Files are read here, and not through the view that has the range
    with scaled_by(dataset.values if isinstance(dataset, View) else None):
        return _inspected(dataset, index)


def _inspected(dataset: Dataset, index: int) -> InspectedImage:
    key, facts, mask, own, at = "", None, None, dataset, index
    try:
        # First, so that copies are found among those that cannot be decoded too
        key = dataset.key(index)
        own, at = _own(dataset, index)
        if isinstance(own, ImageFiles):
            # One reading for pixels and facts of the file
            image, facts = read(own.files[at], dataset.name(index))
            mask = own.mask(at) if isinstance(own, MaskFolders) else None
        else:
            sample = dataset[index]
            image, mask = sample.image, sample.mask
        if mask is not None:
            check_mask(mask, image, dataset.name(index), len(dataset.labels) or None)
    except ZooError as error:
        return InspectedImage(key, error=error.got or str(error), ends=_ends(own, at))
    except Exception as error:  # a stranger's data set raises what it likes
        return InspectedImage(key, error=" ".join(f"{type(error).__name__}: {error}".split()))
    deep = image.dtype != np.uint8
    # Of one length for all, so that they can be stacked
    pixels = None if mask is None else np.bincount(mask.ravel(), minlength=_VALUES)
    return InspectedImage(
        key,
        facts=facts,
        shape=image.shape,
        deep=deep,
        flat=bool((image == image[:1, :1]).all()),
        small=thumbnail(image),
        pixels=pixels,
        tops=() if facts is None else tops(image, facts),
    )


def _ends(own: Dataset, index: int) -> tuple[float, float] | None:
    """Lowest and highest number of an image that is none only by these; None for other faults."""
    with suppress(Exception):  # what is wrong is said already
        image = unscaled(lambda: own[index]).image
        low, high = float(image.min()), float(image.max())
        return (low, high) if image.dtype != np.uint8 and (low < 0 or high > 1) else None
    return None


def _own(dataset: Dataset, index: int) -> tuple[Dataset, int]:
    """The data set that reads an image, and its number there."""
    if isinstance(dataset, Subset):
        return _own(dataset.source, dataset.indices[index])
    if isinstance(dataset, Joined):
        part, at = dataset.place(index)
        # Masks are told by the names of all
        return (dataset, index) if dataset.masks else _own(dataset.parts[part], at)
    return _own(dataset.source, index) if isinstance(dataset, View) else (dataset, index)


def _pixels(dataset: Dataset, seen: Sequence[InspectedImage]) -> dict[str, tuple[int, float]]:
    counts = [s.pixels for s in seen if s.pixels is not None]
    if not counts:
        return {}
    table = np.stack(counts)
    images, shares = (table > 0).sum(axis=0), table.sum(axis=0) / max(table.sum(), 1)
    found = {label: (int(images[i]), float(shares[i])) for i, label in enumerate(dataset.labels)}
    # Unless there are so many classes
    if len(dataset.labels) <= IGNORED and images[IGNORED]:
        found[NOT_COUNTED] = int(images[IGNORED]), float(shares[IGNORED])
    return found


def _counts(dataset: Dataset, sides: Sequence[str | None], names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Images by class for each side that has some."""
    targets, labels = dataset.targets, dataset.labels
    classes = bool(labels) and all(isinstance(target, int) for target in targets)
    result = {}
    for name in names:
        inside = [i for i, side in enumerate(sides) if side == name]
        if inside:
            found = Counter(labels[targets[i]] for i in inside) if classes else {}
            result[name] = {label: found[label] for label in labels} if classes else {"": len(inside)}
    return result


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    middle = statistics.median(values)
    return min(values), int(middle) if middle == int(middle) else middle, max(values)


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _kind(seen: InspectedImage) -> str:
    if seen.facts is None or not seen.facts.mode:
        word = _CHANNELS.get(seen.shape[2], counted(seen.shape[2], "channel"))
        return f"float {word}" if seen.deep else word
    mode = seen.facts.mode
    return "16-bit gray" if mode.startswith("I;16") else _MODES.get(mode, mode)
