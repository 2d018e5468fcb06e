"""Metrics by name, against scikit-learn and numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sk
from torch import Tensor

import zoo
from zoo.compose.instantiate import make
from zoo.errors import OptionError
from zoo.interfaces import Metric
from zoo.interfaces.tasks import (
    Binary,
    Multiclass,
    Multilabel,
    Ordinal,
    Reconstruction,
    Regression,
    Segmentation,
    Task,
)
from zoo.trainers import Score

COUNT = 60
CLASSED = ["precision", "recall", "f1", "specificity", "iou"]


def measured(
    task: Task, output: Tensor, target: Tensor, *metrics: Any
) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Figures by name, fed in parts, and why others are left out."""
    made = [make("metric", m) if isinstance(m, str | dict) else m for m in metrics]
    score = Score(task, output.shape[1], None, metrics=made)
    for part in torch.arange(len(output)).split(17):
        score.add(output[part], {"target": target[part]})
    return score.values(), score.left_out


def averaged(
    task: Task, output: Tensor, target: Tensor, names: Sequence[str], average: str | None
) -> tuple[dict[str, float], Mapping[str, str]]:
    """Figures by metric with an average of their own, and so called otherwise than those of the task."""
    asked = [{"name": n, "average": average, "called": f"own_{n.replace('-', '_')}"} for n in names]
    found, left_out = measured(task, output, target, *asked)
    return {n.removeprefix("own_"): v for n, v in found.items() if n.startswith("own_")}, left_out


def odds(output: Tensor) -> np.ndarray:
    """Logarithms of odds of each class against all others, which are in the order of the probabilities."""
    z = output.double()
    rest = [torch.cat([z[:, :k], z[:, k + 1 :]], 1).logsumexp(1) for k in range(z.shape[1])]
    # Ties are ties, whatever the order of the sums
    return (z - torch.stack(rest, 1)).numpy().round(9)


def one(task: Task, output: Tensor, target: Tensor, metric: Any) -> float:
    """The figure of one metric, beside those of the task."""
    table = metric if isinstance(metric, dict) else {"name": metric}
    made = make("metric", {**table, "called": "asked"})
    assert isinstance(made, Metric)
    return measured(task, output, target, made)[0][made.name]


def logits(kind: str, *shape: int) -> Tensor:
    """Random, with ties, or so large that probabilities are 0 and 1."""
    found = torch.randn(*shape, generator=torch.Generator().manual_seed(3))
    return {"random": found, "ties": found.mul(2).round(), "saturated": found * 1000}[kind]


def binary_targets(share: float = 0.15) -> Tensor:
    return (torch.rand(COUNT, generator=torch.Generator().manual_seed(4)) < share).long()


def class_targets(classes: int = 4) -> Tensor:
    """Half of them of the first class."""
    g = torch.Generator().manual_seed(5)
    found = torch.randint(classes, (COUNT,), generator=g)
    return torch.where(torch.rand(COUNT, generator=g) < 0.5, 0, found)


def specificity(truth: np.ndarray, answer: np.ndarray, label: int) -> float:
    others = truth != label
    return float((answer[others] != label).mean())


def by_classes(name: str, truth: np.ndarray, answer: np.ndarray, **options: Any) -> float:
    call = {
        "precision": sk.precision_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
        "iou": sk.jaccard_score,
    }[name]
    return float(call(truth, answer, zero_division=0, **options))


# -- two classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "ties", "saturated"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_of_two_classes_figures_are_scikit_learns(kind: str, share: float) -> None:
    output, target = logits(kind, COUNT, 1), binary_targets(share)
    truth, score = target.numpy(), output.sigmoid().squeeze(1).numpy()
    answer = (score > 0.5).astype(int)
    found, left_out = measured(
        Binary(), output, target, *CLASSED, "auroc", "average-precision", "mcc", "kappa", "calibration-error"
    )
    assert not left_out
    for name in ("precision", "recall", "f1", "iou"):
        assert found[name] == pytest.approx(by_classes(name, truth, answer), abs=1e-6), name
    assert found["specificity"] == pytest.approx(specificity(truth, answer, 1), abs=1e-6)
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(truth, output[:, 0]), abs=1e-6)
    assert found["average_precision"] == pytest.approx(
        sk.average_precision_score(truth, output[:, 0]), abs=1e-6
    )
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(truth, answer), abs=1e-6)
    assert found["kappa"] == pytest.approx(sk.cohen_kappa_score(truth, answer), abs=1e-6)
    assert found["calibration_error"] == pytest.approx(calibration(score, truth, 15), abs=1e-5)


def calibration(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Guo et al. (2017), equation 3: bins of equal width, each weighted by its share of the images."""
    place = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="right") - 1, 0, bins - 1)
    gaps = [
        (place == b).mean() * abs(right[place == b].mean() - confidence[place == b].mean())
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


# -- several classes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "ties", "saturated"])
@pytest.mark.parametrize("average", [None, "macro", "micro", "weighted"])
def test_of_several_classes_figures_are_scikit_learns(kind: str, average: str | None) -> None:
    output, target = logits(kind, COUNT, 4), class_targets()
    truth, answer = target.numpy(), output.softmax(1).argmax(1).numpy()
    found, left_out = averaged(Multiclass(), output, target, CLASSED, average)
    assert not left_out
    for name in ("precision", "recall", "f1", "iou"):
        expected = by_classes(name, truth, answer, average=average or "macro")
        assert found[name] == pytest.approx(expected, abs=1e-6), name
    each = np.array([specificity(truth, answer, k) for k in range(4)])
    wrong = (truth != answer).sum()
    pooled = (3 * COUNT - wrong) / (3 * COUNT)  # each image is a negative of three classes
    means = {"micro": pooled, "weighted": np.average(each, weights=np.bincount(truth)), "macro": each.mean()}
    assert found["specificity"] == pytest.approx(means[average or "macro"], abs=1e-6)


@pytest.mark.parametrize("kind", ["random", "ties", "saturated"])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_ranked_figures_of_several_classes_are_scikit_learns(kind: str, average: str) -> None:
    output, target = logits(kind, COUNT, 4), class_targets()
    table, truth = odds(output), target.numpy()
    asked = [{"name": name, "average": average} for name in ("auroc", "average-precision")]
    found, _ = measured(Multiclass(), output, target, *asked)
    rows = np.eye(4)[truth]
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(rows, table, average=average), abs=1e-6)
    assert found["average_precision"] == pytest.approx(
        sk.average_precision_score(rows, table, average=average), abs=1e-6
    )


def test_figures_of_the_whole_confusion_matrix_are_scikit_learns() -> None:
    output, target = logits("random", COUNT, 4), class_targets()
    table, truth = output.double().softmax(1).numpy(), target.numpy()
    answer = table.argmax(1)
    asked = ["mcc", "kappa", "calibration-error", {"name": "top-k", "k": 2}]
    found, _ = measured(Multiclass(), output, target, *asked)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(truth, answer), abs=1e-6)
    assert found["kappa"] == pytest.approx(sk.cohen_kappa_score(truth, answer), abs=1e-6)
    assert found["top2"] == pytest.approx(sk.top_k_accuracy_score(truth, table, k=2), abs=1e-6)
    assert found["calibration_error"] == pytest.approx(
        calibration(table.max(1), answer == truth, 15), abs=1e-5
    )


def test_ordered_classes_are_measured_as_classes() -> None:
    output, target = logits("random", COUNT, 3), class_targets()
    answer = Ordinal().probabilities(output).argmax(1).numpy()
    found, _ = measured(Ordinal(), output, target, *CLASSED, "mcc", "auroc", {"name": "top-k", "k": 3})
    for name in ("precision", "recall", "f1", "iou"):
        assert found[name] == pytest.approx(
            by_classes(name, target.numpy(), answer, average="macro"), abs=1e-6
        )
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(target.numpy(), answer), abs=1e-6)
    table = Ordinal().probabilities(output).numpy()
    auc = sk.roc_auc_score(np.eye(4)[target.numpy()], table)
    assert found["auroc"] == pytest.approx(auc, abs=1e-6)
    assert found["top3"] == pytest.approx(sk.top_k_accuracy_score(target.numpy(), table, k=3), abs=1e-6)


# -- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "ties", "saturated"])
@pytest.mark.parametrize("average", [None, "macro", "micro", "weighted"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_of_labels_figures_are_scikit_learns(kind: str, average: str | None, dtype: torch.dtype) -> None:
    output = logits(kind, COUNT, 3)
    target = (torch.rand(COUNT, 3, generator=torch.Generator().manual_seed(6)) < 0.3).to(dtype)
    truth, table = target.long().numpy(), output.sigmoid().numpy()
    answer = (table > 0.5).astype(int)
    found, left_out = averaged(Multilabel(), output, target, CLASSED, average)
    assert not left_out
    for name in ("precision", "recall", "f1", "iou"):
        expected = by_classes(name, truth, answer, average=average or "macro")
        assert found[name] == pytest.approx(expected, abs=1e-6), name
    if average != "micro":
        asked = [{"name": name, "average": average} for name in ("auroc", "average-precision")]
        found, _ = measured(Multilabel(), output, target, *asked)
        how = average or "macro"
        assert found["auroc"] == pytest.approx(sk.roc_auc_score(truth, output, average=how), abs=1e-6)
        assert found["average_precision"] == pytest.approx(
            sk.average_precision_score(truth, output, average=how), abs=1e-6
        )


# -- masks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("average", [None, "micro", "weighted"])
def test_of_masks_figures_are_scikit_learns_over_all_pixels_that_count(average: str | None) -> None:
    g = torch.Generator().manual_seed(7)
    output, target = torch.randn(20, 3, 6, 5, generator=g), torch.randint(3, (20, 6, 5), generator=g)
    target[torch.rand(target.shape, generator=g) < 0.3] = 255
    counted = target != 255
    truth, answer = target[counted].numpy(), output.argmax(1)[counted].numpy()
    found, left_out = averaged(Segmentation(), output, target, CLASSED, average)
    assert not left_out
    for name in ("precision", "recall", "f1", "iou"):
        expected = by_classes(name, truth, answer, average=average or "macro")
        assert found[name] == pytest.approx(expected, abs=1e-6), name
    if average is None:
        each = [specificity(truth, answer, k) for k in range(3)]
        assert found["specificity"] == pytest.approx(np.mean(each), abs=1e-6)


def test_a_class_that_only_ignored_pixels_could_be_is_absent() -> None:
    target = torch.tensor([[[0, 1, 255, 255]]])
    _, left_out = measured(Segmentation(), torch.randn(1, 3, 1, 4), target, "recall")
    assert left_out == {"recall": "no pixel is of class 2"}


# -- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("middle", [0.0, 1e4])
def test_of_values_figures_are_scikit_learns_and_scipys(outputs: int, middle: float) -> None:
    """Far from zero too, where sums of squares in single precision would lose all digits."""
    g = torch.Generator().manual_seed(8)
    target = torch.randn(COUNT, outputs, generator=g) + middle
    output = target + torch.randn(COUNT, outputs, generator=g).round()  # with ties
    target[:20] = target[20:40]
    given = target.squeeze(1) if outputs == 1 else target
    found, left_out = measured(Regression(), output, given, "mae", "rmse", "r2", "pearson", "spearman")
    assert not left_out
    truth, answer = target.double().numpy(), output.double().numpy()
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, answer), rel=1e-5)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((truth - answer) ** 2)), rel=1e-5)
    assert found["r2"] == pytest.approx(sk.r2_score(truth, answer), abs=1e-9)
    for name, call in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        each = [call(truth[:, i], answer[:, i]).statistic for i in range(outputs)]
        assert found[name] == pytest.approx(np.mean(each), abs=1e-6), name


def test_of_images_mean_errors_are_numpys() -> None:
    output, target = torch.rand(5, 3, 4, 4), torch.rand(5, 3, 4, 4)
    found, _ = measured(Reconstruction(), output, target, "mae", "rmse")
    gap = (output - target).double().numpy()
    assert found["mae"] == pytest.approx(np.abs(gap).mean(), rel=1e-5)
    assert found["rmse"] == pytest.approx(np.sqrt((gap**2).mean()), rel=1e-5)


# -- what is undefined -------------------------------------------------------------------------------

ZEROS, ONES = torch.zeros(COUNT, dtype=torch.int64), torch.ones(COUNT, dtype=torch.int64)
LABELS = torch.cat([torch.randint(2, (COUNT, 2)), torch.zeros(COUNT, 1, dtype=torch.int64)], dim=1)
THREE = torch.arange(COUNT) % 3
PAIR = torch.stack([torch.arange(COUNT), torch.full((COUNT,), 7)], dim=1).float()

UNDEFINED = [
    (Binary(), 1, ZEROS, "recall", "no image is of class 1"),
    (Binary(), 1, ZEROS, "f1", "no image is of class 1"),
    (Binary(), 1, ZEROS, "iou", "no image is of class 1"),
    (Binary(), 1, ONES, "specificity", "all images are of class 1"),
    (Binary(), 1, ZEROS, "auroc", "no image is of class 1"),
    (Binary(), 1, ONES, "auroc", "no image is of class 0"),
    (Binary(), 1, ZEROS, "average-precision", "no image is of class 1"),
    (Binary(), 1, ONES, "mcc", "all images are of one class"),
    (Binary(), 1, ZEROS, "kappa", "all images are of one class"),
    (Multiclass(), 4, THREE, "recall", "no image is of class 3"),
    (Multiclass(), 4, THREE, "auroc", "no image is of class 3"),
    (Multiclass(), 4, ZEROS, "specificity", "all images are of class 0"),
    (Multiclass(), 4, ZEROS, "mcc", "all images are of one class"),
    (Ordinal(), 3, THREE, "recall", "no image is of class 3"),
    (Multilabel(), 3, LABELS, "recall", "no image has label 2"),
    (Multilabel(), 3, LABELS, "f1", "no image has label 2"),
    (Multilabel(), 3, 1 - LABELS, "auroc", "all images have label 2"),
    (Segmentation(), 3, torch.zeros(COUNT, 2, 2, dtype=torch.int64), "recall", "no pixel is of class 1"),
    (
        Segmentation(),
        3,
        torch.zeros(COUNT, 2, 2, dtype=torch.int64),
        "specificity",
        "all pixels are of class 0",
    ),
    (Regression(), 1, torch.full((COUNT,), 2.5), "r2", "all images have one value"),
    (Regression(), 1, ZEROS, "pearson", "all images have one value"),
    (Regression(), 2, PAIR, "spearman", "all images have one value 1"),
]


@pytest.mark.parametrize(("task", "outputs", "target", "name", "reason"), UNDEFINED)
def test_what_the_targets_leave_undefined_is_left_out_and_said(
    task: Task, outputs: int, target: Tensor, name: str, reason: str
) -> None:
    output = torch.randn(COUNT, outputs, *target.shape[1:] if target.ndim == 3 else ())
    metric = make("metric", name)
    found, left_out = measured(task, output, target, metric)
    assert metric.name not in found
    assert left_out[metric.name] == reason


@pytest.mark.parametrize(
    ("task", "outputs", "target", "name"),
    [
        (Multiclass(), 4, THREE, {"name": "recall", "average": "weighted"}),
        (Multiclass(), 4, THREE, {"name": "recall", "average": "micro"}),
        (Multilabel(), 3, LABELS, {"name": "f1", "average": "weighted", "called": "asked"}),
        (Binary(), 1, ONES, "recall"),
        (Binary(), 1, ZEROS, "precision"),
        (Binary(), 1, ZEROS, "specificity"),
        (Binary(), 1, ZEROS, "calibration-error"),
        (Regression(), 1, torch.full((COUNT,), 2.5), "mae"),
    ],
)
def test_what_they_leave_defined_is_a_number(task: Task, outputs: int, target: Tensor, name: Any) -> None:
    metric = make("metric", name)
    found, left_out = measured(task, torch.randn(COUNT, outputs), target, metric)
    assert metric.name in found
    assert metric.name not in left_out


def test_a_class_that_is_never_there_nor_answered_does_not_count_in_f1() -> None:
    output = torch.nn.functional.one_hot(THREE, 4).float()
    found, _ = measured(Multiclass(), output, THREE, "f1", "iou", "precision")
    assert {found["f1"], found["iou"], found["precision"]} == {1.0}


def test_of_one_value_there_is_no_variance() -> None:
    _, left_out = measured(Regression(), torch.randn(1, 1), torch.tensor([3.0]), "r2", "pearson")
    assert left_out == dict.fromkeys(("r2", "pearson"), "all images have one value")


def test_answers_that_do_not_vary_have_no_correlation() -> None:
    found, left_out = measured(
        Regression(), torch.ones(COUNT, 1), torch.arange(COUNT).float(), "pearson", "spearman", "r2"
    )
    assert left_out == dict.fromkeys(("pearson", "spearman"), "not a number for these answers")
    assert found["r2"] < 0


def test_figures_of_tasks_are_left_out_alike() -> None:
    found, left_out = measured(Binary(), torch.randn(COUNT, 1), ZEROS)
    assert set(found) == {"accuracy"}
    assert left_out == dict.fromkeys(("f1", "auroc"), "no image is of class 1")
    found, left_out = measured(Binary(), torch.randn(COUNT, 1), ONES)
    assert set(found) == {"accuracy", "f1"}
    assert left_out == {"auroc": "no image is of class 0"}
    assert measured(Ordinal(), torch.randn(COUNT, 3), ZEROS)[1] == {
        "quadratic_kappa": "all images are of one class"
    }
    assert measured(Multilabel(), torch.randn(COUNT, 3), LABELS)[1] == {"f1": "no image has label 2"}


# -- what fits ---------------------------------------------------------------------------------------


def test_every_metric_says_its_direction() -> None:
    lower = {"calibration-error", "mae", "rmse"}
    for row in zoo.list("metric"):
        metric = make("metric", row.ref)
        assert metric.higher_is_better is (row.name not in lower), row.name


@pytest.mark.parametrize(
    ("task", "name", "said"),
    [
        (Regression(), "recall", "metric recall: expected a task whose answers are binary or multiclass or "),
        (Multiclass(), "mae", "expected a task whose answers are values or images, got multiclass"),
        (
            Binary(),
            {"name": "recall", "average": "macro"},
            r"metric recall of two classes: expected none, got aver",
        ),
        (Multiclass(), {"name": "top-k", "k": 4}, "metric top4: expected k below 4"),
    ],
)
def test_what_does_not_fit_is_one_line(task: Task, name: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Score(task, task.outputs(2 if task.form == "binary" else 4), None, metrics=[make("metric", name)])


def test_a_metric_may_be_called_otherwise() -> None:
    asked = [{"name": "recall", "average": "micro", "called": "pooled"}, "recall", {"name": "top-k", "k": 2}]
    found, _ = measured(Multiclass(), torch.randn(COUNT, 4), class_targets(), *asked)
    assert {"pooled", "recall", "top2"} < set(found)
    with pytest.raises(OptionError, match="bad called"):
        make("metric", {"name": "recall", "called": "my-recall"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"num_classes": 3},
            "metric recall has no option 'num_classes': expected options among average, called",
        ),
        ({"classes": 3}, "metric recall has no option 'classes': expected options among average, called"),
        ({"averag": "micro"}, "metric recall has no option 'averag': .*; did you mean average"),
    ],
)
def test_a_wrong_option_of_a_metric_is_told_the_metrics_own(options: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said) as error:
        make("metric", {"name": "recall", **options})
    assert "zoo.build" not in str(error.value)
