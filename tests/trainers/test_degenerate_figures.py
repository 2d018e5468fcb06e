"""Every metric of every task on answers and data at the edge: it is defined, or left out with a reason."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import metrics as reference
from torch import Tensor
from torchmetrics.classification import BinaryAUROC, MulticlassAUROC

from zoo.compose.instantiate import make
from zoo.interfaces.metric import Metric, TorchMetric
from zoo.interfaces.tasks import (
    Binary,
    Embedding,
    Multiclass,
    Multilabel,
    Ordinal,
    Reconstruction,
    Regression,
    Segmentation,
    Task,
)
from zoo.registry.lookup import entries
from zoo.trainers import Score

TASKS: dict[str, tuple[Task, int]] = {
    "binary": (Binary(), 2),
    "multiclass": (Multiclass(), 4),
    "multilabel": (Multilabel(), 4),
    "ordinal": (Ordinal(), 4),
    "regression": (Regression(), 2),
    "segmentation": (Segmentation(), 4),
    "reconstruction": (Reconstruction(), 3),
    "embedding": (Embedding(), 4),
}
Made = tuple[Tensor, Tensor]


def usual(task: Task, classes: int) -> Made:
    torch.manual_seed(0)
    return task.example(classes, 12)


def exact(task: Task, classes: int) -> Made:
    """Answers that are the truth."""
    output, target = usual(task, classes)
    if task.form in ("images", "values"):
        return target.clone().reshape(output.shape), target
    if task.form == "vectors":
        return torch.nn.functional.one_hot(target, output.shape[1]).float(), target
    if task.form in ("multiclass", "masks") and task.name != "ordinal":
        return torch.nn.functional.one_hot(target, classes).movedim(-1, 1).float() * 50 - 25, target
    return task.target(target, output.shape[1]).float().reshape(output.shape) * 50 - 25, target


def one_class(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output, torch.zeros_like(target)


def other_class(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output, torch.ones_like(target)


def empty_class(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output, target.clamp(max=1) if not target.is_floating_point() else target


def one_image(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output[:1], target[:1]


def saturated(task: Task, classes: int) -> Made:
    output, target = exact(task, classes)
    return (output if task.form == "images" else output * 1e4), target


def constant(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return torch.zeros_like(output), target


def flat(task: Task, classes: int) -> Made:
    """All is one value, answers too."""
    output, target = usual(task, classes)
    return torch.zeros_like(output), torch.zeros_like(target)


def halved(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output.bfloat16(), target


def ignored(task: Task, classes: int) -> Made:
    output, target = usual(task, classes)
    return output, target if task.ignored is None else torch.full_like(target, task.ignored)


EDGES = (
    usual, exact, one_class, other_class, empty_class, one_image, saturated, constant, flat, halved, ignored,
)  # fmt: skip


def named(task: Task, outputs: int) -> list[Metric]:
    made = [make("metric", {"name": e.component.name, **e.component.tiny}) for e in entries("metric")]
    own = task.metrics(outputs)
    return [metric for metric in made if task.form in metric.forms and metric.name not in own]


def split(made: Made, task: Task, outputs: int, cut: list[int]) -> Score:
    score = Score(task, outputs, None, metrics=named(task, outputs))
    for output, target in zip(made[0].split(cut), made[1].split(cut), strict=True):
        score.add(output, {"target": target})
    return score


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("edge", EDGES)
def test_a_figure_is_finite_or_left_out_with_a_reason_in_any_cut(
    name: str, edge: Callable[[Task, int], Made]
) -> None:
    task, classes = TASKS[name]
    made = edge(task, classes)
    count, outputs = len(made[0]), task.outputs(classes) if name != "embedding" else made[0].shape[1]
    found = []
    for cut in ([count], [1] * count, [5, 5, 2] if count == 12 else [count]):
        score = split(made, task, outputs, cut)
        values = score.values()
        expected = {*task.metrics(outputs), *(metric.name for metric in named(task, outputs))}
        assert values.keys() | score.left_out.keys() == expected
        assert not values.keys() & score.left_out.keys()
        assert all(math.isfinite(value) for value in values.values()), values
        assert all(score.left_out.values())
        found.append(values)
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-5, abs=1e-6)
    if edge in (exact, usual):
        assert found[0]


def auroc(task: Task, output: Tensor, target: Tensor, name: str = "auroc") -> float:
    metrics = [] if name in task.metrics(output.shape[1]) else [make("metric", name.replace("_", "-"))]
    score = Score(task, output.shape[1], None, metrics=metrics)
    score.add(output, {"target": target})
    return score.values()[name]


@pytest.mark.parametrize(
    "logits",
    [
        [18.0, 20.0, 30.0, 40.0],
        [-120.0, -110.0, -108.0, -104.5],
        [90.0, 91.0, 1e4, 3e4],
        [-3e4, -1e4, -9.0, 0.0],
    ],
)
@pytest.mark.parametrize("name", ["auroc", "average_precision"])
def test_the_order_of_sure_answers_counts(logits: list[float], name: str) -> None:
    output, target = torch.tensor(logits)[:, None], torch.tensor([0, 0, 1, 1])
    assert auroc(Binary(), output, target, name) == 1
    assert auroc(Binary(), output.flip(0), target, name) < 0.6
    both = torch.cat([output, output.flip(0)], 1)
    rows = torch.stack([target, 1 - target], 1)
    assert auroc(Multilabel(), both, rows, name) == 1


@pytest.mark.parametrize("scale", [1.0, 60.0, 2000.0])
@pytest.mark.parametrize("name", ["auroc", "average_precision"])
def test_ranks_of_several_classes_are_sklearns_of_odds_in_double_precision(scale: float, name: str) -> None:
    generator = np.random.default_rng(3)
    target = np.arange(60) % 3
    logits = (generator.normal(size=(60, 3)) + np.eye(3)[target]).astype(np.float32) * np.float32(scale)
    z = logits.astype(np.float64)
    others = [np.logaddexp(*(z[:, j] for j in range(3) if j != k)) for k in range(3)]
    figure = {"auroc": reference.roc_auc_score, "average_precision": reference.average_precision_score}[name]
    expected = np.mean([figure(target == k, z[:, k] - others[k]) for k in range(3)])
    found = auroc(Multiclass(), torch.tensor(logits), torch.tensor(target), name)
    assert found == pytest.approx(expected, abs=1e-6)


def test_ranks_of_ordered_classes_are_those_of_their_probabilities() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(40, 3) * 2, torch.arange(40) % 4
    probabilities = Ordinal().probabilities(logits.double()).numpy()
    expected = np.mean([reference.roc_auc_score(target == k, probabilities[:, k]) for k in range(4)])
    assert auroc(Ordinal(), logits, target) == pytest.approx(expected, abs=1e-6)
    # The last class is surer and surer
    sure = torch.tensor([[30.0, 20.0, 18.0], [40.0, 30.0, 20.0], [50.0, 40.0, 30.0], [60.0, 50.0, 40.0]])
    assert Ordinal().ranked(sure)[:, 3].diff().gt(0).all()


def test_an_area_by_an_object_of_torchmetrics_is_one_of_ranks_too() -> None:
    score = Score(Binary(), 1, None, metrics=[TorchMetric(BinaryAUROC(), called="area")])
    score.add(torch.tensor([[18.0], [20.0], [30.0], [40.0]]), {"target": torch.tensor([0, 0, 1, 1])})
    assert score.values()["area"] == 1
    several = Score(Multiclass(), 2, None, metrics=[TorchMetric(MulticlassAUROC(2), called="area")])
    several.add(
        torch.tensor([[0.0, 18.0], [0, 20], [0, 30], [0, 40]]), {"target": torch.tensor([0, 0, 1, 1])}
    )
    assert several.values()["area"] == 1


def test_thresholds_of_probabilities_stay_what_they_are() -> None:
    score = Score(
        Binary(),
        1,
        None,
        metrics=[TorchMetric(BinaryAUROC(thresholds=torch.tensor([0.2, 0.9])), called="area")],
    )
    logits, target = torch.tensor([[-3.0], [0.0], [1.0], [4.0]]), torch.tensor([0, 0, 1, 1])
    score.add(logits, {"target": target})
    alone = BinaryAUROC(thresholds=torch.tensor([0.2, 0.9]))
    assert score.values()["area"] == float(alone(logits.squeeze(1).sigmoid(), target))


def test_a_task_that_reads_its_output_otherwise_keeps_its_own_order() -> None:
    class Turned(Binary):
        def scored(self, output: Tensor) -> Tensor:
            return (-output).sigmoid().squeeze(1)

    logits, target = torch.tensor([[3.0], [2.0], [1.0], [0.0]]), torch.tensor([0, 0, 1, 1])
    assert auroc(Turned(), logits, target) == 1


def test_an_exact_image_counts_with_100_decibels() -> None:
    """One exact image and one of 20 dB: 60, by hand."""
    target = torch.full((2, 1, 8, 8), 0.5)
    output = target.clone()
    output[1] += 0.1
    score = Score(Reconstruction(), 1, None)
    score.add(output, {"target": target})
    assert score.values()["psnr"] == pytest.approx(60, abs=1e-4)


def test_a_split_without_a_pixel_that_counts_has_no_figures() -> None:
    score = Score(Segmentation(), 3, None)
    score.add(torch.randn(2, 3, 4, 4), {"target": torch.full((2, 4, 4), 255)})
    assert score.values() == {}
    assert set(score.left_out.values()) == {"nothing counts in these targets"}


def test_half_precision_is_left_before_ranks_are_made() -> None:
    """Logits of bf16 are apart, their sigmoids in bf16 are not."""
    logits = torch.tensor([[4.0], [4.5], [5.0], [6.0]], dtype=torch.bfloat16)
    assert auroc(Binary(), logits, torch.tensor([0, 0, 1, 1])) == 1


def test_a_head_answers_in_full_precision_where_it_is_measured() -> None:
    import zoo

    model = zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0)
    x = torch.rand(64, 1, 8, 8)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        model.eval()
        assert model(x).dtype == torch.float32
        assert len(model(x).unique()) == 64
        model.train()
        assert model(x).dtype == torch.bfloat16


def test_answers_that_are_alike_stay_alike() -> None:
    """Sums in another order differ in their last digits; a tie stays one."""
    rows = torch.tensor([[0.3, 1.7, -0.4], [0.3, -0.4, 1.7], [0.3, 1.7, -0.4], [0.3, -0.4, 1.7]])
    assert len(Multiclass().ranked(rows)[:, 0].unique()) == 1
    assert len(Multiclass().ranked(rows * 90)[:, 0].unique()) == 1
