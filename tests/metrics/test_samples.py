"""Distances of samples and figures of pairs, held against sums that are done another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zoo.metrics import neighbours as nearest
from zoo.metrics.frechet import frechet
from zoo.metrics.neighbours import precision_recall
from zoo.metrics.verification import (
    EqualErrorRate,
    EqualErrorThreshold,
    Roc,
    VerificationAUC,
    cosines,
    pairs,
)
from zoo.spec.errors import DataError

RNG = np.random.default_rng(0)


def test_the_frechet_distance_is_that_of_numpys_moments() -> None:
    one, other = RNG.normal(size=(50, 3)), RNG.normal(1, 2, size=(40, 3)) @ RNG.normal(size=(3, 3))
    a, b = np.cov(one.T), np.cov(other.T)
    cross = np.sqrt(np.linalg.eigvals(a @ b).real).sum()
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross
    assert frechet(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(expected)
    assert frechet(torch.from_numpy(other), torch.from_numpy(one)) == pytest.approx(expected)
    assert 0 <= frechet(torch.from_numpy(one), torch.from_numpy(one)) < 1e-9


def test_a_flat_sample_has_a_distance_too() -> None:
    """Of values that do not vary, the root of the covariance is 0 but for rounding."""
    one = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    other = torch.tensor([[0.0, 4.0], [0.0, 6.0]])
    assert frechet(one, other) == pytest.approx(1 + 16 + 2 + 2)
    with pytest.raises(DataError, match="frechet: expected 2 or more images on each side, got 1"):
        frechet(one, other[:1])
    assert frechet(one, one + 3) == pytest.approx(18)
    # Small spreads, whose roots are below one
    assert frechet(one / 10, one / 10) == pytest.approx(0, abs=1e-9)


def covered(sample: np.ndarray, points: np.ndarray, k: int) -> float:
    """By loops: whether a point is no farther from one of the sample than that one's k-th neighbour."""
    found = 0
    for point in points:
        for i, own in enumerate(sample):
            radius = sorted(np.linalg.norm(own - other) for j, other in enumerate(sample) if j != i)[k - 1]
            if np.linalg.norm(own - point) <= radius + 1e-12:
                found += 1
                break
    return found / len(points)


@pytest.mark.parametrize("rows", [7, 1024])
@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_are_those_of_every_ball(
    monkeypatch: pytest.MonkeyPatch, rows: int, k: int
) -> None:
    monkeypatch.setattr(nearest, "_ROWS", rows)
    real, made = RNG.normal(size=(20, 2)), RNG.normal(0.8, 1.3, size=(15, 2))
    found = precision_recall(torch.from_numpy(real), torch.from_numpy(made), neighbours=k)
    assert found == pytest.approx((covered(real, made, k), covered(made, real, k)))
    if k == nearest.NEIGHBOURS:
        assert precision_recall(torch.from_numpy(real), torch.from_numpy(made)) == found


def test_more_images_are_needed_than_neighbours() -> None:
    few, many = torch.rand(3, 2), torch.rand(4, 2)
    precision_recall(many, many)
    for real, made, name in ((few, many, "real"), (many, few, "generated")):
        with pytest.raises(DataError, match=f"expected more than 3 {name} images, got 3"):
            precision_recall(real, made)


# -- pairs ---------------------------------------------------------------------------------------------


def test_all_pairs_are_listed_up_to_twice_as_many_as_are_drawn() -> None:
    targets = torch.tensor([0, 0, 1, 1])  # six pairs
    assert [len(part) for part in pairs(targets, 3)] == [6, 6, 6]
    one, other, same = pairs(targets, 2)
    assert (int(same.sum()), int((~same).sum())) == (2, 2)
    assert (targets[one] == targets[other]).equal(same)
    assert not bool((one == other).any())


@pytest.mark.parametrize(
    ("targets", "kinds"), [([0] * 9, (3, 0)), ([*range(9)], (0, 3)), ([0] * 5 + [1, 2], (3, 3))]
)
def test_of_a_kind_that_is_not_there_no_pair_is_drawn(targets: list[int], kinds: tuple[int, int]) -> None:
    one, other, same = pairs(torch.tensor(targets), 3)
    assert (int(same.sum()), int((~same).sum())) == kinds
    assert one.dtype == other.dtype == torch.int64
    assert bool((torch.tensor(targets)[one] == torch.tensor(targets)[other]).equal(same))


def test_the_pairs_of_one_class_are_listed_once_each_where_there_are_few() -> None:
    targets = torch.tensor([0, 0, 0, *range(1, 12)])
    one, other, same = pairs(targets, 3)
    assert sorted(zip(one[same].tolist(), other[same].tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert len(one) == 6
    again = pairs(targets, 3)
    assert all(torch.equal(a, b) for a, b in zip((one, other, same), again, strict=True))


def test_cosines_are_those_of_the_angles_whatever_the_lengths() -> None:
    angles = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)
    rows = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.tensor([[1.0], [3.0], [0.1]])
    found = cosines(rows, torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2]))
    assert found.tolist() == pytest.approx([math.cos(0.5), math.cos(2.0), math.cos(1.5)])
    none = torch.empty(0, dtype=torch.int64)
    assert cosines(rows, none, none).shape == (0,)


def test_opposite_images_are_not_beyond_minus_one_whatever_rounding_does() -> None:
    rows = torch.rand(500, 37, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    both, count = torch.cat([rows, -rows]), len(rows)
    plain = torch.nn.functional.normalize(both, dim=1)
    assert float((plain[:count] * plain[count:]).sum(dim=1).min()) < -1  # as it would be
    assert float(cosines(both, torch.arange(count), torch.arange(count) + count).min()) == -1


CURVE = Roc.from_pairs(
    torch.tensor([0.9, 0.6, 0.2, 0.7, 0.1, -0.5]), torch.tensor([True, True, True, False, False, False])
)


def test_a_curve_goes_from_none_to_all_with_thresholds_between_the_cosines() -> None:
    assert CURVE.accepted.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 1])
    assert CURVE.found.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 1, 1, 1])
    assert CURVE.thresholds.tolist() == pytest.approx([0.95, 0.8, 0.65, 0.4, 0.15, -0.2, -0.75])
    assert CURVE.auc == pytest.approx(7 / 9)
    assert CURVE.eer == pytest.approx(1 / 3)
    assert CURVE.threshold == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("threshold", "rates"),
    [(1.0, (0, 0)), (0.9, (0, 1 / 3)), (0.7, (1 / 3, 1 / 3)), (0.2, (1 / 3, 1)), (-0.5, (1, 1))],
)
def test_rates_are_shares_of_either_kind(threshold: float, rates: tuple[float, float]) -> None:
    assert CURVE.rates(threshold) == pytest.approx(rates)


@pytest.mark.parametrize(("rate", "threshold"), [(0, 0.8), (0.3, 0.8), (0.4, 0.15), (0.7, -0.2), (1, -0.75)])
def test_the_lowest_threshold_that_keeps_a_rate_is_taken(rate: float, threshold: float) -> None:
    assert CURVE.threshold_at(rate) == pytest.approx(threshold)


def test_the_threshold_at_the_equal_error_rate_lies_on_the_way_between_two() -> None:
    """Wrongly accepted less missed is -1/3 at the one and 1/6 at the next: two thirds of the way."""
    same = torch.tensor([True] * 3 + [False] * 2)
    roc = Roc.from_pairs(torch.tensor([0.9, 0.8, 0.1, 0.5, 0.0]), same)
    gap = (roc.accepted + roc.found - 1).tolist()
    assert gap[2:4] == pytest.approx([-1 / 3, 1 / 6])
    one, other = roc.thresholds[2:4].tolist()
    assert roc.threshold == pytest.approx(one + 2 / 3 * (other - one))


def test_rates_that_too_few_pairs_can_tell_are_left_out() -> None:
    found = CURVE.table((0.5, 1 / 3, 0.3))
    assert [row["false_accepts"] for row in found] == [0.5, pytest.approx(1 / 3)]
    assert [row["threshold"] for row in found] == pytest.approx([0.15, 0.15])
    assert [row["true_accepts"] for row in found] == [1, 1]
    assert CURVE.table() == []


def test_a_score_is_that_of_all_batches_or_no_number() -> None:
    vectors, targets = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]]), torch.tensor([0, 0, 1, 1])
    for kind, higher in ((VerificationAUC, True), (EqualErrorRate, False), (EqualErrorThreshold, None)):
        score = kind()
        assert score.higher_is_better is higher
        score.update(vectors[:1], targets[:1])
        with np.errstate(all="ignore"):
            assert math.isnan(float(score.compute()))
        score.reset()
        for part in (slice(0, 2), slice(2, 4)):
            score.update(vectors[part], targets[part])
        roc = Roc.of(vectors, targets)
        assert roc is not None
        expected = {VerificationAUC: roc.auc, EqualErrorRate: roc.eer, EqualErrorThreshold: roc.threshold}
        assert float(score.compute()) == pytest.approx(expected[kind])
    assert Roc.of(vectors[:1], targets[:1]) is None
