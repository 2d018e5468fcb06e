"""Confident learning against the paper's definition written out, with labels that were made wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.metrics.label_errors import confident_joint
from zoo.spec.errors import DataError


def drawn(seed: int, count: int = 300, classes: int = 4) -> tuple[np.ndarray[Any, Any], ...]:
    """True classes, labels of which some are wrong, and noisy probabilities that speak for the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    wrong = rng.random(count) < 0.1
    labels = np.where(wrong, (truth + rng.integers(1, classes, count)) % classes, truth)
    scores = rng.normal(0, 1, (count, classes)) + 4 * np.eye(classes)[truth]
    table = np.exp(scores)
    return truth, labels, table / table.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_definition_of_the_paper(seed: int) -> None:
    """Equations 1 and 2, one image at a time, and the margin that it ranks by."""
    _, labels, table = drawn(seed)
    classes = range(table.shape[1])
    thresholds = [np.mean([row[j] for row, y in zip(table, labels, strict=True) if y == j]) for j in classes]
    joint = np.zeros((4, 4), int)
    suspects = []
    for i, (row, y) in enumerate(zip(table, labels, strict=True)):
        sure = [j for j in classes if row[j] >= thresholds[j]]
        if not sure:
            continue
        best = max(sure, key=lambda j: row[j])
        joint[y, best] += 1
        if best != y:
            suspects.append((row[y] - max(row[j] for j in classes if j != y), i, y, best))
    found = confident_joint(labels.tolist(), table)
    np.testing.assert_array_equal(found.counts, joint)
    np.testing.assert_allclose(found.thresholds, thresholds)
    suspects.sort()
    assert [(s.index, s.given, s.likely) for s in found.suspects] == [(i, y, j) for _, i, y, j in suspects]
    np.testing.assert_allclose([s.margin for s in found.suspects], [m for m, *_ in suspects])
    own = [table[i, y] for _, i, y, _ in suspects]
    np.testing.assert_allclose([s.confidence for s in found.suspects], own)


def test_labels_that_were_made_wrong_are_found_first() -> None:
    truth, labels, table = drawn(7)
    found = confident_joint(labels.tolist(), table)
    planted = {*np.flatnonzero(truth != labels).tolist()}
    named = [s.index for s in found.suspects]
    assert len(planted & {*named}) / len(planted) > 0.8
    assert {*named[:15]} <= planted
    assert all(s.likely == truth[s.index] for s in found.suspects[:15])


def test_of_a_class_without_an_image_nothing_is_said() -> None:
    found = confident_joint([0, 0, 1], np.array([[0.2, 0.1, 0.7], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]))
    assert np.isnan(found.thresholds[2])
    assert found.suspects == ()
    assert sum(map(sum, found.counts)) == 2


@pytest.mark.parametrize(
    ("labels", "table"), [([0], np.ones((2, 2))), ([2], np.ones((1, 2))), ([0], np.full((1, 2), np.nan))]
)
def test_what_does_not_fit_is_refused(labels: list[int], table: np.ndarray[Any, Any]) -> None:
    with pytest.raises(DataError):
        confident_joint(labels, table)
