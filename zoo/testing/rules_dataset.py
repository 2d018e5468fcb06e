"""The contract of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.masks import check_mask
from zoo.interfaces.dataset import Dataset
from zoo.spec.display import counted
from zoo.spec.errors import listing
from zoo.testing.case import Case


def _make(case: Case) -> Dataset:
    dataset: Any = case.part()
    expected = f"{case.entry.component.target}: expected a subclass of zoo.interfaces.Dataset"
    assert isinstance(dataset, Dataset), f"{expected}, got {type(dataset).__name__}; derive it from that"
    return dataset


def rule_samples_are_images_with_targets(case: Case) -> None:
    """An image is H x W x C, uint8 or float32 in [0, 1], and its target is the listed one.

    Without a task, and beside masks, all targets are None.
    """
    data = _make(case)
    assert len(data) > 0, "expected samples with the tiny options, got none; let `tiny` leave some"
    count = len(data.targets)
    assert count == len(data), (
        f"expected {counted(len(data), 'target')}, one a sample, got {count}; list one for each"
    )
    plain = data.task is None or data.masks
    step = "give the data a task without masks, or list None for each"
    assert not plain or set(data.targets) == {None}, f"expected targets of None, got others; {step}"
    # Of many, reading all may take long
    few = (0, len(data) // 2, len(data) - 1)
    for index in range(len(data)) if len(data) <= _ALL else few:
        _check_sample(data, index)


_ALL = 32
"""Samples that are all read."""


def _check_sample(data: Dataset, index: int) -> None:
    sample, where = data[index], f"sample {index}"
    shape, kind = [*sample.image.shape], sample.image.dtype
    assert len(shape) == 3, f"{where}: expected an image H x W x C, got {shape}; add the axis of channels"
    step = "convert it, bytes to uint8 and numbers to float32 in [0, 1]"
    assert kind in (np.uint8, np.float32), f"{where}: expected uint8 or float32, got {kind}; {step}"
    listed = data.targets[index]
    text = f"{where}: expected the target {listed!r} that `targets` lists, got {sample.target!r}"
    assert np.array_equal(sample.target, listed), f"{text}; bring samples and targets into one order"
    wanted, got = ("a mask", "none") if data.masks else ("no mask", "one")
    step = "let `masks` say what samples have"
    assert (sample.mask is not None) == data.masks, f"{where}: expected {wanted}, got {got}; {step}"
    if sample.mask is not None:
        check_mask(sample.mask, sample.image, data.name(index))
        foreign = sorted({*np.unique(sample.mask).tolist()} - {*range(len(data.labels)), 255})
        text = f"{where}: expected mask values below {len(data.labels)}, as there are labels, or 255"
        assert foreign == [], f"{text}, got {listing(map(str, foreign))}; correct mask or labels"
    if kind == np.float32:
        least, most = float(sample.image.min()), float(sample.image.max())
        text = f"{where}: expected values in [0, 1]"
        assert 0 <= least <= most <= 1, f"{text}, got {least:.4g} to {most:.4g}; divide by the largest"


def rule_reading_twice_gives_the_same(case: Case) -> None:
    """Images, keys and fingerprint do not change between instances."""
    one, two = _make(case), _make(case)
    step = "read nothing but the files and the options, and draw from a seed of theirs"
    text = "two instances: expected the same"
    assert np.array_equal(one[0].image, two[0].image), f"{text} first image, got two; {step}"
    assert one.key(0) == two.key(0), f"{text} key, got {one.key(0)!r} and {two.key(0)!r}; {step}"
    assert one.key(0) != "", "expected a key for the first sample, got ''; let key(index) name what it is"
    same = one.fingerprint == two.fingerprint
    assert same, f"{text} fingerprint, got {one.fingerprint!r} and {two.fingerprint!r}; {step}"


def rule_labels_cover_the_targets(case: Case) -> None:
    """Class indices lie within the labels."""
    data = _make(case)
    if data.labels and all(isinstance(target, int) for target in data.targets):
        outside = sorted({*data.targets} - {*range(len(data.labels))})
        text = f"expected class indices below {len(data.labels)}, as there are labels"
        assert outside == [], f"{text}, got {listing(map(str, outside), 3)}; correct targets or labels"
