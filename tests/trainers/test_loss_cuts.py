"""A loss of images in any cut: micro batches, processes and batches of an evaluation give one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.builtin.losses import BCE, L1, MSE, CrossEntropy, CumulativeBCE, MultilabelSoftMargin
from zoo.builtin.losses_dense import Dice, Focal, PixelCrossEntropy
from zoo.compose.instantiate import make
from zoo.interfaces import Execution, Loss, Regression, compute, cuts_of, divisor_of
from zoo.interfaces.loss_division import SHARE, Share, numbers
from zoo.interfaces.tasks import Binary, Multiclass, Multilabel, Ordinal, Segmentation, Task
from zoo.spec.errors import TrainingError
from zoo.trainers import GradientTrainer, LossSums, Score

WEIGHTS = (1.0, 20.0, 0.1)


def mixed(**parts: Any) -> Loss:
    made: Loss = make("loss", {"name": "perceptual", "parts": parts})
    return made


LOSSES: list[tuple[Any, Task]] = [
    (lambda: CrossEntropy(class_weights=WEIGHTS, label_smoothing=0.1), Multiclass()),
    (CrossEntropy, Multiclass()),
    (lambda: BCE(positive_weight=7.0), Binary()),
    (CumulativeBCE, Ordinal()),
    (MultilabelSoftMargin, Multilabel()),
    (MSE, Regression()),
    (L1, Regression()),
    (lambda: PixelCrossEntropy(class_weights=WEIGHTS), Segmentation()),
    (lambda: Focal(class_weights=WEIGHTS), Segmentation()),
    (Dice, Segmentation()),
    (lambda: Dice(smooth=1.0, class_weights=WEIGHTS), Segmentation()),
    (
        lambda: mixed(
            **{
                "pixel-cross-entropy": {
                    "loss": {"name": "pixel-cross-entropy", "class_weights": WEIGHTS},
                    "weight": 1.0,
                },
                "dice": 0.5,
            }
        ),
        Segmentation(),
    ),
    (lambda: mixed(**{"pixel-cross-entropy": 1.0, "focal": 0.5}), Segmentation()),
    (lambda: nn.CrossEntropyLoss(torch.tensor(WEIGHTS), ignore_index=255), Segmentation()),
    (lambda: nn.CrossEntropyLoss(torch.tensor(WEIGHTS), label_smoothing=0.2), Multiclass()),
    (lambda: nn.CrossEntropyLoss(ignore_index=1), Multiclass()),
    (lambda: nn.CrossEntropyLoss(reduction="sum"), Multiclass()),
    (nn.SmoothL1Loss, Regression()),
    (lambda: nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0)), Binary()),
]
CUTS = [[7, 1, 3, 1], [1] * 12, [12], [5, 5, 2]]


def answers(task: Task) -> tuple[Tensor, Tensor]:
    """Twelve outputs and targets; pixels of the first images hardly count, those of the second not at all."""
    torch.manual_seed(1)
    output, raw = task.example(3, 12)
    target = task.target(raw, output.shape[1])
    if task.ignored is not None:
        target[0, 1:] = target[1] = task.ignored
    return output, target


@pytest.mark.parametrize(("made", "task"), LOSSES)
@pytest.mark.parametrize("cut", CUTS)
def test_a_figure_does_not_depend_on_how_images_come_together(made, task, cut):
    loss, (output, target) = made(), answers(task)
    sums = LossSums(loss)
    for out, true in zip(output.split(cut), target.split(cut), strict=True):
        sums.add({"output": out}, true, {"index": torch.arange(len(out))})
    parts = loss(output, target)
    found = sums.values()
    whole = sum(parts.values()) if isinstance(parts, dict) else parts
    assert found["loss"] == pytest.approx(float(whole), rel=1e-6, abs=1e-7)
    for name, value in parts.items() if isinstance(parts, dict) else ():
        assert found[f"loss_{name}"] == pytest.approx(float(value), rel=1e-6, abs=1e-7)


class Processes(Execution):
    """One of several processes; what each has is known beforehand."""

    def __init__(self, process: int, own: list[Tensor]) -> None:
        super().__init__()
        self.processes, self.process, self.own = len(own), process, own

    def add(self, values: Tensor) -> Tensor:
        return torch.stack(self.own).sum()


class Net(nn.Module):
    """The outputs of images, which are parameters."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = nn.Parameter(output.clone())


class TorchMetric(GradientTrainer):
    """Minimises what the tests give it."""

    by_hand = False

    def __init__(self, loss: nn.Module, task: Task, output: Tensor, **options: Any) -> None:
        super().__init__(optimizer="sgd", lr=1.0, **options)
        self.loss, self.task, self.net = loss, task, Net(output)  # type: ignore[assignment]
        self.network = self.net
        self.score = Score(task, output.shape[1], None)
        self.model = self  # type: ignore[assignment]
        self.outputs = output.shape[1]
        self.execution = Execution()

    def losses(self, batch: Any) -> Any:
        output = self.net.output[batch["index"]]
        if self.by_hand:
            return output, self.loss(output, self.loss_target(batch))
        return output, compute(self.loss, {"output": output}, self.loss_target(batch), batch)

    def loss_target(self, batch: Any) -> Tensor:
        return batch["target"]

    def evaluate(self, batches: Any) -> dict[str, float]:
        return {}


def gradients(trainer: TorchMetric, target: Tensor, start: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
    batch = {"index": torch.arange(start, start + len(target)), "target": target}
    logged = trainer.add_gradients(batch, scored=False)
    assert trainer.net.output.grad is not None
    return trainer.net.output.grad, logged


CUTTABLE = [(made, task) for made, task in LOSSES if cuts_of(made()) is not False]


@pytest.mark.parametrize(("made", "task"), CUTTABLE)
@pytest.mark.parametrize("micro", [1, 5])
@pytest.mark.parametrize("by_hand", [False, True])
def test_gradients_of_micro_batches_are_those_of_the_batch(made, task, micro, by_hand):
    output, target = answers(task)
    found = []
    for size in (None, micro):
        trainer = TorchMetric(made(), task, output, micro_batch_size=size)
        trainer.by_hand = by_hand and not isinstance(trainer.loss(output, target), dict)
        trainer.execution.begin(len(target))
        found.append(gradients(trainer, target))
    (whole, logged), (parts, again) = found
    assert float((whole - parts).abs().max() / whole.abs().max()) < 2e-6
    assert {n: float(v) for n, v in again.items()} == pytest.approx(
        {n: float(v) for n, v in logged.items()}, rel=2e-6
    )


@pytest.mark.parametrize(("made", "task"), [LOSSES[0], LOSSES[7], LOSSES[13], LOSSES[16], LOSSES[2]])
@pytest.mark.parametrize("micro", [None, 2])
def test_gradients_of_several_processes_are_those_of_one(made, task, micro):
    """Each takes other images; gradients are averaged, as processes do, and logged values by images."""
    output, target = answers(task)
    alone = TorchMetric(made(), task, output)
    alone.execution.begin(12)
    whole, logged = gradients(alone, target)
    shards = [(0, target[:7]), (7, target[7:])]
    own = [divisor_of(made(), shard) for _, shard in shards]
    total, value = torch.zeros_like(whole), 0.0
    for number, (start, shard) in enumerate(shards):
        trainer = TorchMetric(made(), task, output, micro_batch_size=micro)
        trainer.execution = Processes(number, [torch.as_tensor(o, dtype=torch.float32) for o in own]) if (
            isinstance(own[0], Tensor)
        ) else Processes(number, [torch.tensor(1.0)] * 2)  # fmt: skip
        trainer.execution.images = 12
        grad, said = gradients(trainer, shard, start)
        total += grad / 2
        value += float(said["loss"]) * len(shard) / 12
    assert float((whole - total).abs().max() / whole.abs().max()) < 2e-6
    assert value == pytest.approx(float(logged["loss"]), rel=2e-6)


class Nearest(nn.Module):
    """Looks at a batch as a whole, owns a parameter and says neither: likeness beside classes."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        alike = output @ output.T * self.scale
        return F.cross_entropy(
            alike - 1e4 * torch.eye(len(output)), (target[:, None] == target).float().argmax(1)
        )


class Gathering(Execution):
    """One of several processes, the rows of all of which are known beforehand."""

    def __init__(self, process: int, sizes: list[int], known: dict[torch.dtype, Tensor]) -> None:
        super().__init__()
        self.processes, self.process, self.known = len(sizes), process, known
        self.start = sum(sizes[:process])

    def gather_rows(self, values: Tensor) -> tuple[Tensor, int]:
        return self.known[values.dtype], self.start


WHOLE = [(made, task) for made, task in LOSSES if cuts_of(made()) is False] + [(Nearest, Multiclass())]


@pytest.mark.parametrize(("made", "task"), WHOLE)
@pytest.mark.parametrize("sizes", [[7, 5], [3, 8, 1]])
def test_several_processes_see_the_whole_batch_of_a_loss_that_cannot_be_cut(made, task, sizes):
    output, target = answers(task)
    alone = TorchMetric(made(), task, output)
    alone.execution.begin(12)
    whole, logged = gradients(alone, target)
    total, value, owned = torch.zeros_like(whole), 0.0, 0.0
    for number, size in enumerate(sizes):
        trainer = TorchMetric(made(), task, output)
        trainer.execution = Gathering(number, sizes, {torch.float32: output, torch.int64: target})
        trainer.execution.images = 12
        trainer.check_loss(trainer.loss, task, output.shape[1])
        start = sum(sizes[:number])
        grad, said = gradients(trainer, target[start : start + size], start)
        total += grad / len(sizes)
        value += float(said["loss"]) * size / 12
        owned += sum(float(p.grad) for p in trainer.loss.parameters()) / len(sizes)
    assert float((whole - total).abs().max() / whole.abs().max()) < 2e-6
    assert value == pytest.approx(float(logged["loss"]), rel=2e-6)
    assert owned == pytest.approx(sum(float(p.grad) for p in alone.loss.parameters()), rel=2e-6)


def test_a_trainer_that_calls_such_a_loss_by_itself_is_told_how():
    output, target = answers(Segmentation())
    trainer = TorchMetric(Dice(), Segmentation(), output)
    trainer.execution, trainer.by_hand = Gathering(0, [6, 6], {}), True
    trainer.execution.images = 12
    with pytest.raises(TrainingError, match=r"got a part; call it by zoo\.interfaces\.compute\(loss, "):
        gradients(trainer, target[:6])


def test_a_value_by_hand_of_weighted_parts():
    """(1 * 0.1269 + 3 * 2.1269 + 3 * 2.1269) / 7, by numpy."""
    logits, y, w = np.array([[2.0, 0.0]] * 3), np.array([0, 1, 1]), np.array([1.0, 3.0])
    each = np.log(np.exp(logits).sum(1)) - logits[np.arange(3), y]
    sums = LossSums(CrossEntropy(class_weights=(1.0, 3.0)))
    for i in range(3):
        sums.add(
            {"output": torch.tensor(logits[i : i + 1], dtype=torch.float32)}, torch.tensor(y[i : i + 1]), {}
        )
    assert sums.values()["loss"] == pytest.approx((each * w[y]).sum() / w[y].sum(), rel=1e-6)


def test_a_sum_that_needs_more_than_the_output_is_shared_once():
    """Its parts get the batch too, in which its share stands."""
    weighted = {"loss": {"name": "cross-entropy", "class_weights": WEIGHTS}, "weight": 1.0}
    loss, (output, target) = mixed(ce=weighted, adversarial=1.0), answers(Multiclass())
    given = {"output": output, "discriminator_logits": torch.ones(12, 1)}
    batch: dict[str, Any] = {"index": torch.arange(12), "target": target}
    whole = compute(loss, given, target, batch)
    own = numbers(divisor_of(loss, batch))
    shared = compute(loss, given, target, batch | {SHARE: Share(own, {**own, "ce": 4 * own["ce"]}, 2.0)})
    assert float(shared["ce"]) == pytest.approx(float(whole["ce"]) / 2)
    assert float(shared["adversarial"]) == pytest.approx(float(whole["adversarial"]))
