"""What a score keeps in a checkpoint, what it measures, and what it leaves out."""

from __future__ import annotations

import pytest
import torch
import torchmetrics
from torchmetrics.classification import BinaryAccuracy, BinaryRecall, MulticlassRecall, MultilabelRecall

from zoo.compose.instantiate import make
from zoo.errors import OptionError
from zoo.interfaces import Metric, TargetCounts, TorchMetric
from zoo.interfaces.tasks import Binary, Multiclass, Multilabel, Reconstruction, Segmentation, Task
from zoo.trainers.score import Score, noting_left_out


@pytest.mark.parametrize("taken", [(), (0,), (2, 3), range(7)])
def test_a_checkpoint_between_batches_changes_no_bit(taken):
    g = torch.Generator().manual_seed(0)
    batches = [(torch.rand(5, 1, 4, 4, generator=g), torch.rand(5, 1, 4, 4, generator=g)) for _ in range(7)]
    whole = Score(Reconstruction(), 1, torch.nn.MSELoss())
    score = Score(Reconstruction(), 1, torch.nn.MSELoss())
    for i, (output, target) in enumerate(batches):
        whole.add(output, {"target": target})
        score.add(output, {"target": target})
        if i in taken:
            state, score = score.state_dict(), Score(Reconstruction(), 1, torch.nn.MSELoss())
            score.load_state_dict(state)
    assert score.values() == whole.values()


def taken_in(score: Score, count: int = 12) -> Score:
    score.add(torch.linspace(-1, 1, count)[:, None], {"target": torch.arange(count) % 2})
    return score


class Share(Metric):
    """How many are taken for the second class."""

    name, forms, higher_is_better = "share", ("binary",), None

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        return torchmetrics.MeanMetric()

    def __init__(self, given: torchmetrics.Metric | None = None) -> None:
        self.given = given


class Found(Share):
    """Another direction than torchmetrics says of it."""

    name, higher_is_better = "found", False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        return self.given or BinaryRecall()


def test_a_state_in_the_middle_has_what_decides_what_is_defined():
    """The second class is in the first half alone."""
    first, second = ((torch.ones(6, 1), {"target": torch.full((6,), t)}) for t in (1, 0))
    score = Score(Binary(), 1, None, metrics=[BinaryRecall(), make("metric", "recall")])
    score._size = 1 << 20  # as after many images, which are then no longer held
    score.add(*first)
    state = score.state_dict()
    score = Score(Binary(), 1, None, metrics=[BinaryRecall(), make("metric", "recall")])
    score.load_state_dict(state)
    score.add(*second)
    assert score.values()["recall"] == 1
    score.add(*second)
    assert "recall" not in score.values()
    assert score.left_out["recall"] == "no image is of class 1"


def test_without_metrics_that_need_it_nothing_is_looked_at(monkeypatch):
    monkeypatch.setattr(TargetCounts, "add", lambda *_: pytest.fail("looked"))
    score = Score(Multiclass(), 2, None)
    score.add(torch.randn(4, 2), {"target": torch.arange(4) % 2})
    assert set(score.values()) == {"accuracy", "balanced_accuracy", "f1"}
    taken_in(Score(Binary(), 1, None, first_only=True, metrics=[BinaryRecall()])).values()
    score = Score(Segmentation(), 2, None)
    score.add(torch.randn(2, 2, 3, 3), {"target": torch.randint(2, (2, 3, 3))})
    assert set(score.values()) == {"iou", "dice", "accuracy"}
    assert "seen" not in score.state_dict()


def test_steps_of_a_training_are_scored_by_the_first_metric_whatever_is_asked():
    score = Score(Binary(), 1, None, first_only=True, metrics=[make("metric", "recall"), BinaryRecall()])
    assert set(taken_in(score).values()) == {"accuracy"}


def test_the_direction_is_the_metrics_own():
    score = Score(Binary(), 1, None, metrics=[Found(), Share()])
    assert not score.higher_is_better("val_found")
    assert score.higher_is_better("val_auroc")
    with pytest.raises(OptionError, match="expected a figure that is better one way, got 'val_share'"):
        score.higher_is_better("val_share")


def test_a_metric_that_is_called_like_another_figure_of_the_task_is_refused():
    class Accuracy(Found):
        name = "accuracy"

    said = (
        "metric accuracy: expected a name of its own, got that of a figure of task binary; call it otherwise"
    )
    for metric in (Accuracy(BinaryRecall()), TorchMetric(BinaryAccuracy(threshold=0.9), called="accuracy")):
        with pytest.raises(OptionError, match=said):
            Score(Binary(), 1, None, metrics=[metric])
        with pytest.raises(OptionError, match=said):
            Score(Binary(), 1, None, first_only=True, metrics=[metric])
    weighted = {"name": "f1", "average": "weighted"}
    with pytest.raises(
        OptionError, match="metric f1: expected a name of its own, got that of a figure of task"
    ):
        Score(Multiclass(), 3, None, metrics=[make("metric", weighted)])
    assert (
        "sure"
        in taken_in(
            Score(Binary(), 1, None, metrics=[TorchMetric(BinaryAccuracy(threshold=0.9), called="sure")])
        ).values()
    )


@pytest.mark.parametrize(("task", "outputs"), [(Binary(), 1), (Multiclass(), 3), (Multilabel(), 3)])
def test_a_figure_of_the_task_may_be_asked_for_by_its_name(task, outputs):
    score = Score(task, outputs, None, metrics=[make("metric", "f1")])
    assert score.higher_is_better("f1")


def test_objects_of_torchmetrics_are_copied_and_named_by_their_class():
    metric = BinaryRecall(threshold=0.9)
    score = Score(Binary(), 1, None, metrics=[metric])
    assert taken_in(score).values()["binary_recall"] == 0
    assert metric.update_count == 0
    found = Score(
        Binary(),
        1,
        None,
        metrics=[TorchMetric(metric, called="sure"), TorchMetric(BinaryRecall(), called="all")],
    )
    assert {"sure", "all"} < set(taken_in(found).values())


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([BinaryRecall], r"expected an object, got the class BinaryRecall; make one: BinaryRecall\(\.\.\.\)"),
        ([3], "expected a name, a zoo.interfaces.Metric or a metric object of torchmetrics, got 3"),
        ("recall", r"metrics: expected a list, got 'recall'; metrics=\['recall'\]"),
        ([BinaryRecall(), BinaryRecall(0.7)], "expected each name once, got 'binary_recall' twice"),
        ([TorchMetric(BinaryRecall(), called="my-recall")], "name: expected letters, digits and underscores"),
        ([TorchMetric(BinaryRecall(), called="loss")], "expected names of their own, got 'loss'"),
        ([TorchMetric(BinaryRecall(), called="val_f1")], "expected names of their own, got 'val_f1'"),
        ([torchmetrics.MetricCollection([BinaryRecall()])], "a metric object of torchmetrics"),
    ],
)
def test_what_is_no_metric_is_one_line(metrics, said):
    with pytest.raises(OptionError, match=said):
        Score(Binary(), 1, None, metrics=metrics)


@pytest.mark.parametrize(
    "metric", [MulticlassRecall(5), MultilabelRecall(3), type("Mine", (MulticlassRecall,), {})(2)]
)
def test_one_for_other_answers_is_one_line(metric):
    """Some of torchmetrics' would take them, and give a number that means nothing."""
    with pytest.raises(
        OptionError, match=r"expected a task whose answers are multi.*, got binary, whose answers are b"
    ):
        Score(Binary(), 1, None, metrics=[metric])


def test_one_that_does_not_take_the_answers_is_one_line():
    score = Score(Multiclass(), 3, None, metrics=[MulticlassRecall(5)])
    score.add(torch.randn(6, 3), {"target": torch.arange(6) % 3})
    with pytest.raises(
        OptionError, match="metric multiclass_recall: expected one that takes the answers of task m"
    ):
        score.values()


def test_a_vector_is_no_figure():
    score = Score(Multiclass(), 3, None, metrics=[MulticlassRecall(3, average=None)])
    score.add(torch.randn(6, 3), {"target": torch.arange(6) % 3})
    with pytest.raises(OptionError, match="metric multiclass_recall: expected one number, got 3 values"):
        score.values()


def test_scores_note_what_they_leave_out_where_that_is_asked_for():
    with noting_left_out() as told:
        score = Score(Binary(), 1, None)
        score.add(torch.ones(3, 1), {"target": torch.ones(3, dtype=torch.int64)})
        assert "auroc" not in score.values()
    assert told == {"auroc": "no image is of class 0"}
    taken_in(score).values()
    assert not score.left_out
    assert told == {"auroc": "no image is of class 0"}
