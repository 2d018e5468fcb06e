"""Classes with far fewer images than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from zoo.data.label_mapping import numbers_of
from zoo.data.view import source_of
from zoo.interfaces.dataset import Dataset
from zoo.spec.errors import quote, warn

RARE = 10
"""Classes are called unbalanced where the commonest has more than so many times the rarest's images."""


def warn_unbalanced(dataset: Dataset) -> None:
    """Says so where the rarest class has less than a tenth of the images of the commonest."""
    message = unbalanced(class_counts(dataset))
    if message:
        warn(message)


def unbalanced(counts: Mapping[str, int]) -> str | None:
    """The warning of unbalanced classes; None where they are not.

    Args:
        counts: images by class.

    Example:
        >>> unbalanced({"cats": 50, "dogs": 500}) is None
        True
        >>> print(unbalanced({"cats": 49, "dogs": 500}).partition(";")[0])
        unbalanced classes: 'cats' 49, 'dogs' 500, less than a tenth
    """
    # What no image is of is told apart
    counts = {label: count for label, count in counts.items() if count}
    if not counts:
        return None
    rare, common = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[rare] * RARE >= counts[common]:
        return None
    return (
        f"unbalanced classes: {quote(rare)} {counts[rare]}, {quote(common)} {counts[common]}, "
        "less than a tenth; accuracy says little then: look at each class, and give a loss that weighs them "
        "(class_weights, of two classes positive_weight)"
    )


def class_counts(dataset: Dataset) -> dict[str, int]:
    """Images by class, or by label where an image may have several; nothing where there are no classes."""
    labels, targets = dataset.labels, dataset.targets
    if not labels:
        return {}
    if all(isinstance(target, int) for target in targets):
        found = Counter(targets)
        return {label: found[i] for i, label in enumerate(labels)}
    if all(isinstance(target, list | tuple) and len(target) == len(labels) for target in targets):
        if any(isinstance(value, list | tuple) for value in targets[0]):  # rows, not labels that are there
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
