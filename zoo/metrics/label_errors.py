"""Confident learning: labels that are probably wrong, by what a model answers to images it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.spec.display import counted
from zoo.spec.errors import DataError


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sample whose label is probably wrong.

    Args:
        index: its row.
        given: its class, as labelled.
        likely: the class that it probably is of.
        confidence: probability of the given class.
        margin: that less the largest of the other classes, from -1 to 1.
    """

    index: int
    given: int
    likely: int
    confidence: float
    margin: float


@dataclass(frozen=True, slots=True)
class ConfidentJoint:
    """Samples counted by the class that they are labelled with and the one that they are confidently of.

    Args:
        counts: K x K; rows are the labels. A sample that is confidently of no class is in none.
        thresholds: K, the mean probability of each class among its own samples; nan for a class without any.
        suspects: samples off the diagonal, the least margin first.
    """

    counts: tuple[tuple[int, ...], ...]
    thresholds: tuple[float, ...]
    suspects: tuple[Suspect, ...]


def confident_joint(labels: Sequence[int], probabilities: npt.NDArray[np.floating]) -> ConfidentJoint:
    """The confident joint of labels and likely classes, and the samples off its diagonal.

    Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021),
    https://arxiv.org/abs/1911.00068: a sample is confidently of a class where its probability is at least
    the mean that the class has among the samples labelled so; of several such classes, of the most probable.
    Samples that are confidently of another class than their label are ranked by the margin of the label.

    Args:
        labels: N class indices.
        probabilities: N x K, each row of a model that was not trained on the sample.

    Raises:
        DataError: the numbers do not fit each other.

    Example:
        >>> found = confident_joint([0, 0, 1], np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
        >>> found.counts, [(s.index, s.given, s.likely, round(s.margin, 1)) for s in found.suspects]
        (((1, 1), (0, 1)), [(1, 0, 1, -0.6)])
    """
    given, table = np.asarray(labels, np.int64), np.asarray(probabilities, np.float64)
    if table.ndim != 2 or len(given) != len(table) or not np.isfinite(table).all():
        got = f"{counted(len(given), 'label')} and an array of {table.shape}"
        raise DataError("probabilities", expected="a row of finite numbers for each label", got=got)
    count = table.shape[1]
    if given.size and not 0 <= given.min() <= given.max() < count:
        raise DataError("labels", expected=f"classes from 0 to {count - 1}", got=str(int(given.max())))
    there = [given == number for number in range(count)]
    thresholds = np.array([table[rows, n].mean() if rows.any() else np.nan for n, rows in enumerate(there)])
    # Of a class without a sample nothing is known; a comparison with nan is false
    above = np.where(table >= thresholds, table, -np.inf)
    likely = np.where(np.isfinite(above).any(axis=1), above.argmax(axis=1), -1)
    joint = np.zeros((count, count), np.int64)
    confident = likely >= 0
    np.add.at(joint, (given[confident], likely[confident]), 1)
    rows = np.arange(len(given))
    own = table[rows, given]
    others = table.copy()
    others[rows, given] = -np.inf
    margin = own - others.max(axis=1, initial=-np.inf)
    off = np.flatnonzero(confident & (likely != given))
    suspects = [
        Suspect(int(i), int(given[i]), int(likely[i]), float(own[i]), float(margin[i]))
        for i in off[np.argsort(margin[off], kind="stable")]
    ]
    counts = tuple(tuple(row) for row in joint.tolist())
    return ConfidentJoint(counts, tuple(thresholds.tolist()), tuple(suspects))
