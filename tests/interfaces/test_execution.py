"""Steps, losses and metrics: what the contracts do by themselves, without a plugin."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchmetrics import MeanSquaredError
from torchmetrics.classification import BinaryRecall, MulticlassAccuracy, MultilabelAccuracy

from zoo.interfaces import Execution, Loss, Task, TorchMetric
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.frozen_prefix import Prefix, cut, model_input
from zoo.interfaces.blocks.shape_run import trace_shapes
from zoo.interfaces.blocks.state_dicts import with_channels
from zoo.interfaces.loss import check_needs, fixed_left_out
from zoo.interfaces.metric import as_metrics
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import OptionError, ShapeError

IMAGES = torch.rand(5, 3, 4, 4)


def weight(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def test_gradients_of_the_parts_of_a_batch_add_up_to_those_of_its_mean():
    whole, parts, x = weight(1.0, 2.0), weight(1.0, 2.0), torch.rand(6, 2)
    ((x @ whole) ** 2).mean().backward()
    execution = Execution()
    execution.begin(6)
    for rows in x.split([4, 2]):
        execution.backward(((rows @ parts) ** 2).mean(), len(rows))
    assert torch.allclose(parts.grad, whole.grad)
    execution.begin(6)
    parts.grad = None
    execution.backward(((x @ parts) ** 2).mean(), 6)
    assert torch.equal(parts.grad, whole.grad)


def test_a_process_counts_as_much_as_its_images_among_those_of_all():
    """Gradients are averaged over processes, so each takes its share times their number."""
    execution = Execution()
    execution.processes = 2
    execution.begin(6)
    p = weight(1.0)
    execution.backward(p.sum(), 4)
    assert p.grad.item() == pytest.approx(4 * 2 / 6)


@pytest.mark.parametrize(("largest", "moved"), [(None, [3.0, 4.0]), (1.0, [0.6, 0.8]), (10.0, [3.0, 4.0])])
def test_a_step_moves_clips_where_asked_and_drops_the_gradients(largest, moved):
    p = weight(0.0, 0.0)
    p.grad = torch.tensor([-3.0, -4.0])
    Execution().step(torch.optim.SGD([p], lr=1.0), largest, iter([p]))
    assert p.tolist() == pytest.approx(moved, rel=1e-4)
    assert p.grad is None


def test_a_batch_is_cut_into_parts_of_which_the_last_is_told():
    batch = {"image": IMAGES, "index": torch.arange(5)}
    assert [(part["index"].tolist(), last) for part, last in cut(batch, 2)] == [
        ([0, 1], False), ([2, 3], False), ([4], True),
    ]  # fmt: skip
    assert [(part["index"].tolist(), last) for part, last in cut(batch, 5)] == [([0, 1, 2, 3, 4], True)]
    assert [(len(part["image"]), last) for part, last in cut(batch, None)] == [(5, True)]


def test_a_model_is_called_with_the_images_or_with_what_stands_for_them():
    assert model_input({"image": IMAGES, "prefix.0": IMAGES[:1]}) is IMAGES
    found = model_input({"prefix.10": IMAGES[:1], "prefix.2": IMAGES[:2], "index": IMAGES})
    assert isinstance(found, Prefix)
    assert [len(tensor) for tensor in found] == [2, 1]
    with pytest.raises(ShapeError, match="expected image, got index"):
        model_input({"index": IMAGES})


def test_a_first_layer_for_other_channels_answers_a_grey_image_alike():
    own = torch.rand(2, 3, 1, 1)
    assert torch.allclose(with_channels(own, 1)[:, 0], own.sum(1))
    assert torch.equal(with_channels(own, 3), own)
    five = with_channels(own, 5)
    assert torch.allclose(five, own[:, [0, 1, 2, 0, 1]] * 3 / 5)
    assert torch.allclose(with_channels(own, 2), own[:, :2] * 3 / 2)


class Seen(nn.Module):
    """Keeps the shapes that it was shown, and refuses empty batches where asked."""

    def __init__(self, *, empty: bool) -> None:
        super().__init__()
        self.empty, self.shapes, self.dead = empty, [], nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if not self.empty and len(x) == 0:
            raise RuntimeError("empty")
        self.shapes.append((x.device.type, tuple(x.shape), tuple(y.shape), self.training, self.dead.training))
        return self.dead(x)


@pytest.mark.parametrize(
    ("empty", "seen"),
    [(True, ("cpu", (0, 3, 4, 4), (0, 2), False, False)),
     (False, ("meta", (1, 3, 4, 4), (1, 2), False, False))],
)  # fmt: skip
def test_shapes_are_told_by_a_run_of_no_image_or_on_no_device(empty, seen):
    module = Seen(empty=empty)
    module.dead.eval()
    trace_shapes(module, [(3, 4, 4), (2,)])
    assert module.shapes == [seen]
    assert (module.training, module.dead.training) == (True, False)
    assert module.dead.running_mean.tolist() == [0, 0, 0]


class Learns(Loss):
    """Has a parameter that is trained, one that is not, and a frozen network."""

    needs = ("discriminator_logits",)

    def __init__(self) -> None:
        super().__init__()
        self.own, self.fixed = weight(1.0), weight(2.0)
        self.fixed.requires_grad_(False)
        self.net = Block(norm=nn.BatchNorm2d(2))
        self.net.freeze()
        self.live = Block(norm=nn.BatchNorm2d(2))


def test_what_nothing_trains_is_left_out_of_the_state_of_a_loss():
    names = {"own", *(f"live.{name}" for name in Learns().live.state_dict())}
    assert {*fixed_left_out(Learns())} == names
    assert "live.norm.running_mean" in names


def test_a_loss_that_takes_what_a_trainer_has_not_is_refused():
    check_needs(Learns(), ("discriminator_logits",), "pair")
    check_needs(nn.MSELoss(), (), "supervised")
    with pytest.raises(
        OptionError, match=r"Learns needs discriminator_logits: expected what trainer x has: output, content"
    ):
        check_needs(Learns(), ("content",), "x")


class Plain(Trainer):
    """Trains nothing, with two optimizers."""

    config = None

    def __init__(self) -> None:
        self.made = {name: torch.optim.SGD([weight(1.0)], lr=lr) for name, lr in (("a", 0.5), ("b", 0.25))}

    @property
    def optimizers(self):
        return self.made

    setup = step = evaluate = collect = lambda self, *_: {}


Plain.__abstractmethods__ = frozenset()


def test_the_states_of_all_optimizers_come_back():
    one, other = Plain(), Plain()
    for optimizer in other.made.values():
        optimizer.param_groups[0]["lr"] = 0.0
    other.load_state_dict(one.state_dict())
    assert [o.param_groups[0]["lr"] for o in other.made.values()] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("metric", "task", "fits"),
    [
        (BinaryRecall(), "binary", True),
        (BinaryRecall(), "multiclass", False),
        (MulticlassAccuracy(3), "multiclass", True),
        (MulticlassAccuracy(3), "segmentation", True),
        (MultilabelAccuracy(3), "multiclass", False),
        (MeanSquaredError(), "binary", True),
    ],
)
def test_a_metric_object_is_taken_where_its_name_fits_the_answers(metric, task, fits):
    given = TorchMetric(metric)
    if fits:
        given.check(BY_NAME[task])
        return
    with pytest.raises(OptionError, match=f"got {task}, whose answers are"):
        given.check(BY_NAME[task])


def test_a_metric_object_is_copied_with_nothing_taken_in():
    own = BinaryRecall()
    own.update(torch.tensor([1.0]), torch.tensor([1]))
    copy = TorchMetric(own).measure(Task(), 1)
    assert copy is not own
    assert (int(copy.tp), int(own.tp)) == (0, 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("recall", "expected a list"),
        (3, "expected a list"),
        ([BinaryRecall], "expected an object, got the class BinaryRecall"),
        ([3], "a metric object of torchmetrics, got 3"),
        ([SimpleNamespace(compute=len)], "a metric object of torchmetrics, got namespace"),
        ([SimpleNamespace(higher_is_better=True)], "a metric object of torchmetrics, got namespace"),
        ([BinaryRecall(), BinaryRecall()], "each name once, got 'binary_recall' twice"),
        ([TorchMetric(BinaryRecall(), called="loss")], "names of their own"),
        ([TorchMetric(BinaryRecall(), called="a b")], "letters, digits and underscores"),
    ],
)
def test_what_cannot_be_measured_with_is_refused(values, words):
    with pytest.raises(OptionError, match=words):
        as_metrics(values)
    assert [m.name for m in as_metrics([BinaryRecall(), TorchMetric(BinaryRecall(), called="r")])] == [
        "binary_recall",
        "r",
    ]


class Moves(Loss):
    """Changes while it is minimised."""

    def advance(self, position: float, epochs: int) -> None:
        self.position = position


def test_a_loss_that_changes_with_time_depends_on_the_length_of_the_run():
    assert (Loss().stretches, Moves().stretches) == (False, True)
