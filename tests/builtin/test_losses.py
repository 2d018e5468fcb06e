import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error

from zoo.builtin import losses
from zoo.interfaces.loss import Loss
from zoo.interfaces.tasks import Ordinal
from zoo.spec.errors import ShapeError

G = torch.Generator().manual_seed(0)
LOGITS, VALUES = torch.randn(20, 4, generator=G), torch.randn(20, 1, generator=G)
CLASSES, HALVES = torch.arange(20) % 4, torch.arange(20).reshape(-1, 1) % 2


def test_bce_is_scikit_learns_log_loss() -> None:
    expected = log_loss(HALVES.ravel(), VALUES.sigmoid().ravel().double())
    assert float(losses.BCE()(VALUES, HALVES.float())) == pytest.approx(expected, rel=1e-5)


def test_positive_weight_counts_the_second_class_so_many_times() -> None:
    ones = torch.ones(3, 1)
    assert float(losses.BCE(positive_weight=3)(0 * ones, ones)) == pytest.approx(3 * math.log(2))


def test_cross_entropy_is_scikit_learns_log_loss() -> None:
    expected = log_loss(CLASSES, LOGITS.double().softmax(1))
    assert float(losses.CrossEntropy()(LOGITS, CLASSES)) == pytest.approx(expected, rel=1e-5)


def test_class_weights_are_scikit_learns_sample_weights() -> None:
    weights = (1.0, 2.0, 0.5, 4.0)
    expected = log_loss(CLASSES, LOGITS.double().softmax(1), sample_weight=np.array(weights)[CLASSES.numpy()])
    found = losses.CrossEntropy(class_weights=weights)(LOGITS, CLASSES)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_mixes_in_the_uniform_target() -> None:
    logs = LOGITS.log_softmax(1)
    expected = 0.9 * -logs[torch.arange(20), CLASSES].mean() + 0.1 * -logs.mean()
    torch.testing.assert_close(losses.CrossEntropy(label_smoothing=0.1)(LOGITS, CLASSES), expected)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_smoothed_bce_is_the_smoothed_cross_entropy_of_two_classes(weight: float) -> None:
    both = torch.cat([torch.zeros_like(VALUES), VALUES], dim=1)  # the first class has the logit 0
    summed = torch.nn.functional.cross_entropy(
        both, HALVES[:, 0], weight=torch.tensor([1.0, weight]), label_smoothing=0.2, reduction="sum"
    )
    found = losses.BCE(positive_weight=weight, label_smoothing=0.2)(VALUES, HALVES.float())
    torch.testing.assert_close(found, summed / len(VALUES))
    targets = HALVES.numpy() * 0.9 + (1 - HALVES.numpy()) * 0.1
    p = VALUES.double().sigmoid().numpy()
    by_hand = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean()
    plain = losses.BCE(label_smoothing=0.2)(VALUES, HALVES.float())
    assert float(plain) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5, 4.0)])
def test_sure_probabilities_count_as_class_indices(
    weights: tuple[float, ...] | None, smoothing: float
) -> None:
    loss = losses.CrossEntropy(class_weights=weights, label_smoothing=smoothing)
    torch.testing.assert_close(loss(LOGITS, torch.eye(4)[CLASSES]), loss(LOGITS, CLASSES))


def test_mixed_targets_are_the_weighted_images_that_they_are_made_of() -> None:
    loss, share, other = losses.CrossEntropy(class_weights=(1.0, 2.0, 0.5, 4.0)), 0.7, CLASSES.flip(0)
    rows = torch.eye(4)
    found = loss(LOGITS, share * rows[CLASSES] + (1 - share) * rows[other])
    # scikit-learn's log loss of each image twice, weighted by share and class
    weight = np.array([1.0, 2.0, 0.5, 4.0])
    twice = np.concatenate([weight[CLASSES] * share, weight[other] * (1 - share)])
    p = LOGITS.double().softmax(1)
    expected = log_loss(torch.cat([CLASSES, other]), torch.cat([p, p]), sample_weight=twice)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_cumulative_bce_is_the_mean_over_the_thresholds() -> None:
    target = Ordinal().target(torch.tensor([0, 2, 3]), 3)
    assert target.tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    output = torch.tensor([[-1.0, -2, -3], [2, 1, -1], [3, 2, 1]])
    signs = target * 2 - 1
    torch.testing.assert_close(
        losses.CumulativeBCE()(output, target), (1 + (-signs * output).exp()).log().mean()
    )


def test_multilabel_is_the_mean_of_each_labels_log_loss() -> None:
    target = (LOGITS.roll(1, 0) > 0).float()
    each = [log_loss(target[:, i], LOGITS[:, i].sigmoid().double(), labels=[0, 1]) for i in range(4)]
    assert float(losses.MultilabelSoftMargin()(LOGITS, target)) == pytest.approx(np.mean(each), rel=1e-5)


def test_squared_and_absolute_errors_are_scikit_learns() -> None:
    other = VALUES.roll(1, 0)
    assert float(losses.MSE()(VALUES, other)) == pytest.approx(mean_squared_error(other, VALUES), rel=1e-5)
    assert float(losses.L1()(VALUES, other)) == pytest.approx(mean_absolute_error(other, VALUES), rel=1e-5)


@pytest.mark.parametrize("name", ["BCE", "MSE", "L1", "CumulativeBCE", "MultilabelSoftMargin"])
def test_a_flat_target_beside_a_column_is_an_error_not_all_pairs(name: str) -> None:
    loss: Loss = getattr(losses, name)()
    with pytest.raises(ShapeError, match="got 20 x 1 and 20"):
        loss(VALUES, VALUES.ravel())


def test_cross_entropy_refuses_a_column_of_classes_and_too_few_weights() -> None:
    with pytest.raises(ShapeError, match="target N"):
        losses.CrossEntropy()(LOGITS, CLASSES[:, None])
    with pytest.raises(ShapeError, match="expected 4 numbers, got 2"):
        losses.CrossEntropy(class_weights=(1.0, 2.0))(LOGITS, CLASSES)


@pytest.mark.parametrize("wrong", [4, -1, 255])
def test_cross_entropy_says_which_class_is_beyond_the_outputs(wrong: int) -> None:
    target = CLASSES.clone()
    target[7] = wrong
    with pytest.raises(
        ShapeError, match=f"loss cross-entropy: targets: expected indices below 4, got {wrong}$"
    ):
        losses.CrossEntropy(class_weights=(1.0, 2.0, 0.5, 4.0))(LOGITS, target)


def test_another_stumble_of_torch_is_not_taken_for_a_class() -> None:
    with pytest.raises(RuntimeError, match="expected target dtype"):
        losses.CrossEntropy()(LOGITS, CLASSES.bool())
