"""The contract of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.masks import check_mask
from zoo.interfaces.dataset import Dataset
from zoo.testing.case import Case


def _make(case: Case) -> Dataset:
    dataset: Any = case.part()
    assert isinstance(dataset, Dataset)
    return dataset


def rule_samples_are_images_with_targets(case: Case) -> None:
    """An image is H x W x C, uint8 or float32 in [0, 1], and its target is the listed one.

    Without a task, and beside masks, all targets are None.
    """
    data = _make(case)
    assert len(data) == len(data.targets) > 0
    assert (data.task is not None and not data.masks) or set(data.targets) == {None}
    for index in (0, len(data) // 2, len(data) - 1):
        sample = data[index]
        assert sample.image.ndim == 3
        assert sample.image.dtype in (np.uint8, np.float32)
        assert np.array_equal(sample.target, data.targets[index])
        assert (sample.mask is not None) == data.masks
        if sample.mask is not None:
            check_mask(sample.mask, sample.image, data.name(index))
            assert set(np.unique(sample.mask)) <= {*range(len(data.labels)), 255}
        if sample.image.dtype == np.float32:
            assert 0 <= sample.image.min() <= sample.image.max() <= 1


def rule_reading_twice_gives_the_same(case: Case) -> None:
    """Images, keys and fingerprint do not change between instances."""
    one, two = _make(case), _make(case)
    assert np.array_equal(one[0].image, two[0].image)
    assert one.key(0) == two.key(0) != ""
    assert one.fingerprint == two.fingerprint


def rule_labels_cover_the_targets(case: Case) -> None:
    """Class indices lie within the labels."""
    data = _make(case)
    if data.labels and all(isinstance(target, int) for target in data.targets):
        assert {*data.targets} <= set(range(len(data.labels)))
