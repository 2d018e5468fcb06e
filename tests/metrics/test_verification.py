"""Figures of pairs, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor

from zoo.interfaces.tasks import Embedding
from zoo.metrics.verification import Roc, VerificationAUC, cosines, pairs
from zoo.trainers.score import Score


def cloud(count: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Embeddings about a middle for each class."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(classes, (count,), generator=generator)
    middles = torch.randn(classes, 8, generator=generator)
    return middles[targets] + torch.randn(count, 8, generator=generator), targets


@pytest.mark.parametrize(("count", "classes"), [(40, 5), (300, 2), (200, 90)])
def test_auc_and_equal_error_rate_are_scikit_learns(count: int, classes: int) -> None:
    embeddings, targets = cloud(count, classes)
    likeness, truth = [], []
    rows = embeddings.double().numpy()
    for i in range(count):
        for j in range(i):
            likeness.append(rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j]))
            truth.append(int(targets[i] == targets[j]))
    accepted, found, _ = roc_curve(truth, likeness, drop_intermediate=False)
    nearest = np.abs(accepted - (1 - found)).argmin()  # of the rates that some threshold has
    eer = (accepted[nearest] + 1 - found[nearest]) / 2
    score = Score(Embedding(), 8, None)
    for part in torch.arange(count).split(37):
        score.add(embeddings[part], {"target": targets[part]})
    values = score.values()
    assert values["auc"] == pytest.approx(roc_auc_score(truth, likeness), abs=1e-6)
    assert values["eer"] == pytest.approx(eer, abs=1e-6)
    taken, alike = np.array(likeness) >= values["threshold"], np.array(truth) == 1
    wrong = taken[~alike].mean(), (~taken)[alike].mean()
    assert wrong[0] == pytest.approx(eer, abs=0.02)
    assert wrong[1] == pytest.approx(eer, abs=0.02)


def test_ties_count_as_scikit_learn_counts_them() -> None:
    similarity = torch.tensor([0.5, 0.5, 0.5, 0.1, 0.9, 0.1])
    same = torch.tensor([True, False, True, False, True, True])
    assert Roc.from_pairs(similarity, same).auc == pytest.approx(roc_auc_score(same, similarity))


@pytest.mark.parametrize(("count", "classes"), [(700, 3), (700, 650), (900, 30)])
def test_of_too_many_pairs_as_many_of_either_kind_are_drawn_evenly(count: int, classes: int) -> None:
    targets = cloud(count, classes)[1]
    one, other, same = pairs(targets, most=5_000)
    again = pairs(targets, most=5_000)
    assert all(torch.equal(a, b) for a, b in zip((one, other, same), again, strict=True))
    assert torch.equal(same, targets[one] == targets[other])
    assert not (one == other).any()
    assert int((~same).sum()) == 5_000
    there = int((targets[:, None] == targets).sum() - count) // 2
    kept = int(same.sum())
    if there <= 5_000:  # then each once
        assert kept == there == len({*map(frozenset, torch.stack([one, other], 1)[same].tolist())})
    else:
        assert kept == 5_000
    # Two classes meet as often as their sizes say.
    sizes = torch.bincount(targets, minlength=classes).double()
    expected = sizes[:, None] * sizes * (1 - torch.eye(classes, dtype=torch.float64))
    met = torch.zeros(classes, classes, dtype=torch.float64)
    met.index_put_((targets[one[~same]], targets[other[~same]]), torch.ones(5_000, dtype=torch.float64), True)
    assert float((met / met.sum() - expected / expected.sum()).abs().max()) < 0.02


def test_drawn_pairs_give_nearly_the_figure_of_all() -> None:
    embeddings, targets = cloud(600, 30)
    whole, drawn = Roc.of(embeddings, targets, most=10**6), Roc.of(embeddings, targets, most=4_000)
    assert len(whole.same) == 600 * 599 // 2
    assert drawn.auc == pytest.approx(whole.auc, abs=0.01)
    assert drawn.eer == pytest.approx(whole.eer, abs=0.02)


def test_a_threshold_keeps_the_false_accept_rate_that_was_asked_for() -> None:
    embeddings, targets = cloud(300, 10)
    roc = Roc.of(embeddings, targets)
    for rate in (0.5, 0.1, 0.01, 0.0):
        accepted, found = roc.rates(roc.threshold_at(rate))
        assert rate - 1e-3 < accepted <= rate
        assert found >= accepted
    assert roc.rates(-1.0) == (1.0, 1.0)
    assert [row["false_accepts"] for row in roc.table()] == [0.1, 0.01, 0.001]
    assert [row["false_accepts"] for row in Roc.of(*cloud(8, 2)).table()] == [0.1]


def test_cosines_stay_within_one() -> None:
    rows = torch.ones(50, 3) * torch.logspace(-6, 6, 50)[:, None]
    found = cosines(rows, torch.arange(49), torch.arange(1, 50))
    assert float(found.max()) <= 1
    torch.testing.assert_close(found, torch.ones(49, dtype=torch.float64))


@pytest.mark.parametrize("targets", [torch.zeros(5, dtype=torch.int64), torch.arange(5), torch.zeros(1)])
def test_without_pairs_of_both_kinds_there_are_no_figures(targets: Tensor) -> None:
    score = Score(Embedding(), 3, None)
    score.add(torch.randn(len(targets), 3), {"target": targets})
    assert score.values() == {}
    metric = VerificationAUC()
    metric.update(torch.randn(len(targets), 3), targets)
    assert metric.compute().isnan()


def test_what_a_score_has_taken_in_can_be_saved_in_the_middle() -> None:
    embeddings, targets = cloud(60, 5)
    whole, one, two = (Score(Embedding(), 8, None) for _ in range(3))
    whole.add(embeddings, {"target": targets})
    one.add(embeddings[:30], {"target": targets[:30]})
    two.load_state_dict(one.state_dict())
    two.add(embeddings[30:], {"target": targets[30:]})
    assert two.values() == whole.values()


def test_a_pair_at_the_threshold_is_taken_for_the_same() -> None:
    vectors = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
    roc = Roc.of(vectors, torch.tensor([0, 0, 1]))
    assert roc is not None
    assert roc.rates(1.0) == (0, 1)
    assert roc.rates(0.0) == (1, 1)
    assert roc.rates(1.1) == (0, 0)


def test_all_pairs_are_looked_at_unless_there_are_too_many() -> None:
    targets = torch.tensor([0, 0, 0, 1, 1])
    assert [len(column) for column in pairs(targets, 5)] == [10, 10, 10]
    one, other, same = pairs(targets, 4)
    assert len(one) <= 8
    assert (targets[one] == targets[other]).tolist() == same.tolist()
    assert 0 < int(same.sum()) <= 4
