import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import Tensor, nn

from zoo.builtin.config import SupervisedOptions
from zoo.builtin.losses import MSE, CrossEntropy
from zoo.builtin.supervised import Supervised
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Binary, Multiclass, Ordinal, Regression
from zoo.spec.errors import OptionError, TrainingError
from zoo.spec.inputs import InputSpec
from zoo.spec.options import validate
from zoo.trainers.score import Score


class Net(Model):
    def __init__(self) -> None:
        super().__init__(task=Multiclass(), input_spec=InputSpec(size=(4, 4)))
        self.backbone = Block(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4))
        self.head = nn.Linear(16, 3)

    @property
    def outputs(self) -> int:
        return 3

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).flatten(1))


class Anchored(Loss):
    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(3))

    def forward(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        return {
            "class": nn.functional.cross_entropy(output, target),
            "pull": (output - self.anchor).square().mean(),
        }


BATCH = {"image": torch.rand(6, 3, 4, 4), "target": torch.arange(6) % 3, "index": torch.arange(6)}


def net() -> Net:
    torch.manual_seed(0)
    return Net()


def test_a_step_is_torchs_own() -> None:
    model, twin = net(), net()
    trainer = Supervised(optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=0.01)
    trainer.setup(model, CrossEntropy(), Execution(fused=False))
    plain = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        trainer.step(BATCH)
        plain.zero_grad()
        nn.functional.cross_entropy(twin(BATCH["image"]), BATCH["target"]).backward()
        plain.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_a_rate_per_part_reaches_its_parameters() -> None:
    model = net()
    trainer = Supervised(lr={"backbone": 1e-5, "head": 1e-3})
    trainer.setup(model, CrossEntropy(), Execution())
    rates = {id(p): g["lr"] for g in trainer.optimizers["adam"].param_groups for p in g["params"]}
    assert {rates[id(p)] for p in model.backbone.parameters()} == {1e-5}
    assert {rates[id(p)] for p in model.head.parameters()} == {1e-3}


def test_frozen_parameters_are_in_no_optimizer() -> None:
    model = net()
    model.backbone.freeze()
    trainer = Supervised()
    trainer.setup(model, CrossEntropy(), Execution())
    held = {id(p) for g in trainer.optimizers["adam"].param_groups for p in g["params"]}
    assert held == {id(p) for p in model.head.parameters()}


def test_a_losss_own_parameters_are_trained_and_its_parts_logged() -> None:
    loss, trainer = Anchored(), Supervised(lr=0.1)
    trainer.setup(net(), loss, Execution())
    logs = trainer.step(BATCH)
    assert float(logs["loss"]) == pytest.approx(float(logs["loss_class"] + logs["loss_pull"]))
    assert bool(loss.anchor.any())


def test_nothing_to_train_is_said_before_any_work() -> None:
    model = net()
    for p in model.parameters():
        p.requires_grad_(False)
    with pytest.raises(TrainingError, match=r"nothing to train.*all frozen.*unfreeze"):
        Supervised().setup(model, CrossEntropy(), Execution())


def test_a_rate_for_an_unknown_part_names_the_parts() -> None:
    with pytest.raises(
        OptionError, match=r"unknown part: expected backbone, head, got 'haed'; did you mean head"
    ):
        Supervised(lr={"backbone": 1e-5, "haed": 1e-3}).setup(net(), CrossEntropy(), Execution())


def test_a_part_without_a_rate_is_named() -> None:
    with pytest.raises(OptionError, match="a rate for head"):
        Supervised(lr={"backbone": 1e-5}).setup(net(), CrossEntropy(), Execution())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"lr": -1}, "lr"),
        ({"momentum": 0.9}, "momentum of rmsprop, sgd and muon, not of adam"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"epoch": 3}, "did you mean epochs"),
    ],
)
def test_bad_options_are_one_line(options: dict[str, object], words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        validate(SupervisedOptions, options, "trainer supervised")
    assert "\n" not in str(caught.value)


def test_binary_metrics_are_scikit_learns() -> None:
    g = torch.Generator().manual_seed(1)
    logits, target = torch.randn(40, 1, generator=g), torch.randint(0, 2, (40,), generator=g)
    score = Score(Binary(), 1, None)
    for part in range(0, 40, 16):
        score.add(logits[part : part + 16], {"target": target[part : part + 16]})
    found, answers = score.values(), (logits.ravel() > 0).int()
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(target, answers))
    assert found["f1"] == pytest.approx(metrics.f1_score(target, answers))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(target, logits.ravel()))


def test_class_metrics_are_scikit_learns() -> None:
    g = torch.Generator().manual_seed(2)
    logits, target = torch.randn(60, 4, generator=g), torch.randint(0, 4, (60,), generator=g)
    score = Score(Multiclass(), 4, CrossEntropy())
    for part in range(0, 60, 25):
        score.add(logits[part : part + 25], {"target": target[part : part + 25]})
    found, answers = score.values(), logits.argmax(1)
    assert found["loss"] == pytest.approx(metrics.log_loss(target, logits.double().softmax(1)), rel=1e-5)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(target, answers))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(target, answers))
    assert found["f1"] == pytest.approx(metrics.f1_score(target, answers, average="macro"))


def test_ordered_and_real_valued_metrics_are_scikit_learns() -> None:
    g = torch.Generator().manual_seed(3)
    logits, target = torch.randn(50, 3, generator=g), torch.randint(0, 4, (50,), generator=g)
    score = Score(Ordinal(), 3, None)
    score.add(logits, {"target": target})
    probabilities = Ordinal().probabilities(logits)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(50))
    expected = metrics.cohen_kappa_score(target, probabilities.argmax(1), weights="quadratic")
    assert score.values()["quadratic_kappa"] == pytest.approx(expected, abs=1e-5)
    score = Score(Regression(), 1, MSE())
    values = np.linspace(0, 1, 50, dtype=np.float32)
    score.add(logits[:, :1], {"target": torch.from_numpy(values)})
    assert score.values()["mae"] == pytest.approx(metrics.mean_absolute_error(values, logits[:, 0]), rel=1e-5)


class Judged(CrossEntropy):
    """A loss for another trainer."""

    needs = ("discriminator_logits",)


def test_a_loss_that_needs_what_there_is_not_is_refused_before_any_work() -> None:
    with pytest.raises(OptionError, match="what trainer supervised has: output"):
        Supervised().setup(net(), Judged(), Execution())
