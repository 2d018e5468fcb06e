"""Balance of a run's classes: draws, augmentation and weights of the loss by the images trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from zoo.data.imbalance import BY_CLASS, SAMPLER, balanced_weights, counts_of, drawn_classes
from zoo.data.resolve import DataLike
from zoo.data.section import section_of
from zoo.data.splits import Splits, split
from zoo.data.streams.forms import stream_in
from zoo.interfaces.augmenter import Augmenter
from zoo.interfaces.dataset import Dataset
from zoo.registry.loading import resolve_config
from zoo.registry.lookup import find
from zoo.runtime.data_checks import check_masks
from zoo.spec.errors import DataError, warn
from zoo.spec.options import balanced_options
from zoo.spec.reference import ComponentRef, parse_reference

_PAIR = 2


def with_counts(loss: Any, dataset: Dataset, seed: int, data: DataLike) -> tuple[Any, Splits | None]:
    """The loss with numbers in the place of `balanced`, and the splits whose images were counted.

    Args:
        loss: as the caller gave it.
        dataset: all images, with the classes of the model.
        seed: of the splits.
        data: as the caller gave them, perhaps drawn alike by class as well, which is told.

    Raises:
        DataError: there are no classes, or not two for the weight of one against the other.
    """
    options = _options(loss)
    if not options:
        return loss, None
    if stream_in(dataset) is not None:
        hint = "say the weights as numbers, or give data with a length"
        where, expected = f"loss: {next(iter(options))}", "images that can be counted before a run"
        raise DataError(where, expected=expected, got="a stream", hint=hint)
    if section_of(data).options.sampler is not None:
        name = next(iter(options))
        warn(f"rare classes count twice, by sampler and by {name}; one of the two balances them")
    check_masks(dataset)
    splits = split(dataset, seed)
    counts = counts_of(dataset, splits.train)
    weights = balanced_weights(counts)
    values: dict[str, Any] = {}
    for name, mark in options.items():
        if mark.pair and (len(counts) != _PAIR or not all(counts)):
            got = f"{len([count for count in counts if count])} with images"
            raise DataError(f"loss: {name}", expected="two classes to be balanced", got=got)
        values[name] = weights[1] / weights[0] if mark.pair else weights
    ref = parse_reference(loss)
    assert isinstance(ref, ComponentRef)  # noqa: S101 - it has options
    return ComponentRef(ref.name, ref.namespace, {**ref.options, **values}), splits


def by_class(
    data: DataLike, dataset: Dataset, splits: Splits, augmenter: Augmenter | None
) -> tuple[tuple[int, ...] | None, str]:
    """Classes of the training images, where these are drawn alike; and what an augmenter does by class.

    Args:
        data: as the caller gave them, with the sampler.
        dataset: all images, with the classes of the model.
        splits: which of them are trained on.
        augmenter: of the training images.

    Raises:
        DataError: there is not one class for each image.
        OptionError: the augmenter does nothing for such classes.
    """
    sampled = section_of(data).options.sampler is not None
    drawn = tuple(drawn_classes(dataset, splits.train, SAMPLER)) if sampled else None
    if augmenter is None or not augmenter.by_class:
        return drawn, ""
    if stream_in(dataset) is not None:
        expected, hint = "images that can be counted before a run", "leave it out"
        raise DataError(BY_CLASS.where, expected=expected, got="a stream", hint=hint)
    found = Counter(drawn_classes(dataset, splits.train, BY_CLASS))
    return drawn, augmenter.count_classes(dataset.labels, [found[i] for i in range(len(dataset.labels))])


def _options(loss: Any) -> dict[str, Any]:
    # What is no reference is told of where the loss is made
    if not isinstance(loss, str | Mapping | ComponentRef):
        return {}
    ref = parse_reference(loss)
    if not isinstance(ref, ComponentRef) or not ref.options:
        return {}
    return balanced_options(resolve_config(find(ref, "loss").component), ref.options)
