"""Classes with far fewer images than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.data.label_mapping import numbers_of
from zoo.data.reading import in_threads
from zoo.data.view import source_of
from zoo.interfaces.dataset import Dataset
from zoo.registry.lookup import entries
from zoo.spec.errors import DataError, quote, warn
from zoo.spec.hints.spoken import argument, spoken

RARE = 4
"""Classes are called unbalanced where the commonest has more than so many times the rarest's images.

Then the rarest of both has less than a fifth: up to there Google's course calls it mild, below
it moderate. The sets of KEEL that are highly unbalanced begin at nine times, where it is late to say so."""

FOR_RARE = "rare-classes"
"""Tag of an augmenter that changes images of rare classes more than others."""


class Asker(NamedTuple):
    """Part of a run that needs one class for each image, for messages."""

    where: str
    hint: str


SAMPLER = Asker("data: sampler", "leave the sampler out, and weigh labels in the loss")
BY_CLASS = Asker("fit: augment", "leave out the augmenter that looks at classes")


def warn_unbalanced(dataset: Dataset, *, augmented: bool = False) -> None:
    """Says so where the rarest class has less than a quarter of the images of the commonest.

    Args:
        dataset: with classes.
        augmented: whether training images are changed anyway.
    """
    message = unbalanced(class_counts(dataset), several=several(dataset), augmented=augmented)
    if message:
        warn(message)


def several(dataset: Dataset) -> bool:
    """Whether an image may have several labels, so that it cannot be drawn as one of a class."""
    targets = dataset.targets
    return len(targets) > 0 and isinstance(targets[0], list | tuple)


def unbalanced(counts: Mapping[str, int], *, several: bool = False, augmented: bool = False) -> str | None:
    """The warning of unbalanced classes, with what to do; None where they are not.

    Args:
        counts: images by class.
        several: whether an image may be of several of them.
        augmented: whether training images are changed anyway.

    Example:
        >>> unbalanced({"cats": 10, "dogs": 40}) is None
        True
        >>> print(unbalanced({"cats": 6, "dogs": 40}).partition(";")[0])
        unbalanced classes: 'cats' 6, 'dogs' 40, less than a quarter
    """
    # What no image is of is told apart
    counts = {label: count for label, count in counts.items() if count}
    if not counts:
        return None
    rare, common = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[rare] * RARE >= counts[common]:
        return None
    way = "look at each label" if several else f"look at each class, and {_way(augmented=augmented)}"
    return (
        f"unbalanced classes: {quote(rare)} {counts[rare]}, {quote(common)} {counts[common]}, "
        f"less than a quarter; accuracy says little then: {way}"
    )


def _way(*, augmented: bool) -> str:
    """One way of balancing, as one says it: drawn alike, and those that come again otherwise each time."""
    typed = spoken().way == "shell"
    sampler = "--set data.sampler=balanced" if typed else "sampler='balanced'"
    # Which one that is is its plugin's to say
    found = sorted(e.component.name for e in entries("augmenter") if FOR_RARE in e.component.tags)
    if augmented or not found:
        return f"draw them alike ({sampler})"
    both = f"{sampler}{' ' if typed else ', '}{argument('augment', found[0])}"
    return f"draw them alike, a rare image otherwise each time ({both})"


def drawn_classes(dataset: Dataset, indices: Sequence[int], asker: Asker) -> list[int]:
    """The class of each of some images, for classes to be treated by their numbers.

    Args:
        dataset: with a class for each image.
        indices: of the images.
        asker: for whom, for messages.

    Raises:
        DataError: images have several labels, values or masks.
    """
    targets = [dataset.targets[i] for i in indices]
    if not dataset.labels or not all(isinstance(target, int) for target in targets):
        got = "masks" if dataset.masks else "values, or several labels an image"
        raise DataError(asker.where, expected="one class for each image", got=got, hint=asker.hint)
    return targets


def counts_of(dataset: Dataset, indices: Sequence[int]) -> list[int]:
    """Images by class, or pixels by class where there are masks.

    Args:
        dataset: with labels.
        indices: of the images that count.

    Raises:
        DataError: they are of no classes.
    """
    size = len(dataset.labels)
    if size and dataset.masks:
        total = np.zeros(size, dtype=np.int64)
        for found in in_threads(lambda i: _pixels(dataset, i), indices, "counting pixels"):
            total += found
        return [int(count) for count in total]
    targets = [dataset.targets[i] for i in indices]
    if not size or not all(isinstance(target, int) for target in targets):
        got, hint = "values, or several labels an image", "give the numbers themselves"
        raise DataError("loss: balanced weights", expected="one class for each image", got=got, hint=hint)
    images = Counter(targets)
    return [images[i] for i in range(size)]


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """Weights by which all classes count alike, n / (classes * images of the class); 1 for one without any.

    Args:
        counts: images by class.

    Example:
        >>> balanced_weights([30, 10])
        [0.6666666666666666, 2.0]
    """
    total, there = sum(counts), sum(map(bool, counts))
    return [total / (there * count) if count else 1.0 for count in counts]


def _pixels(dataset: Dataset, index: int) -> npt.NDArray[np.int64]:
    mask = dataset[index].mask
    assert mask is not None  # noqa: S101 - the data say that they have masks
    return np.bincount(mask.ravel(), minlength=len(dataset.labels))[: len(dataset.labels)]


def class_counts(dataset: Dataset) -> dict[str, int]:
    """Images by class, or by label where an image may have several; nothing where there are no classes."""
    labels, targets = dataset.labels, dataset.targets
    if not labels:
        return {}
    if all(isinstance(target, int) for target in targets):
        found = Counter(targets)
        return {label: found[i] for i, label in enumerate(labels)}
    if all(isinstance(target, list | tuple) and len(target) == len(labels) for target in targets):
        # Rows and values, not labels that are there
        if any(isinstance(value, list | tuple | float) for value in targets[0]):
            return {}
        return {label: sum(bool(target[i]) for target in targets) for i, label in enumerate(labels)}
    return {}


def lacking(dataset: Dataset) -> tuple[str, ...]:
    """The classes, perhaps of a model, that no image or no mask is of.

    Args:
        dataset: with class indices or rows of labels as targets, or with masks; of others nothing is known.
    """
    if not dataset.masks:
        return tuple(label for label, count in class_counts(dataset).items() if not count)
    numbers = numbers_of(dataset)
    present = getattr(source_of(dataset), "present", range(len(numbers)))
    # The data's background may be in no mask
    seen = {numbers[i] for i in {0, *present} if i < len(numbers)}
    return tuple(label for i, label in enumerate(dataset.labels) if i not in seen)
