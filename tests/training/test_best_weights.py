"""The weights of the best epoch, kept beside the model that goes on training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.training.best_weights import BestWeights

Make = Callable[..., Model]
pytestmark = pytest.mark.filterwarnings("ignore:frozen blocks:zoo.ZooWarning")


class Scaled(Loss):
    """A loss with a parameter that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output.flatten() * self.scale).mean()


def moved(module: nn.Module, by: float) -> None:
    with torch.no_grad():
        for value in module.state_dict().values():
            value.add_(by)


def test_what_is_kept_is_all_that_training_can_change(make_model: Make) -> None:
    model, loss = make_model(freeze="block1"), Scaled()
    parts = BestWeights(model, loss).present()
    fixed = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed
    assert [*parts[0]] == [name for name in model.state_dict() if name not in fixed]
    assert [*parts[1]] == ["scale", "seen"]
    assert len(BestWeights(model, None).present()) == 1


def test_the_best_values_come_back_to_model_and_loss_and_nothing_else_does(make_model: Make) -> None:
    model, loss = make_model(freeze="block1"), Scaled()
    best = BestWeights(model, loss)
    fixed = {name for name, p in model.named_parameters() if not p.requires_grad}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    best.keep()
    tensors = {name: value.data_ptr() for name, value in model.state_dict().items()}
    moved(model, 1)
    moved(loss, 1)
    best.restore()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name] + (1 if name in fixed else 0)), name
        assert value.data_ptr() == tensors[name]
    assert (loss.scale.item(), loss.seen.item()) == (1, 0)


def test_where_none_were_kept_everything_stays(make_model: Make) -> None:
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    BestWeights(model, None).restore()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_best_is_present_until_anything_moves(make_model: Make) -> None:
    model, loss = make_model(), Scaled()
    best = BestWeights(model, loss)
    assert not best.is_present()  # nothing was kept
    best.keep()
    assert best.is_present()
    moved(loss, 1)
    assert not best.is_present()
    best.keep()
    moved(model, 1)
    assert not best.is_present()
    best.restore()
    assert best.is_present()


def test_what_was_unfrozen_later_is_kept_as_it_was_until_then(make_model: Make) -> None:
    model = make_model(freeze="block1")
    best = BestWeights(model, None)
    assert best.widen() == []
    best.keep()
    before = {name: p.detach().clone() for name, p in model.backbone.block1.named_parameters()}
    model.unfreeze("block1")
    new = best.widen()
    assert new == [f"backbone.block1.{name}" for name in before]
    assert best.widen() == []
    moved(model, 1)
    assert set(new) <= {*best.present()[0]}
    best.restore()
    assert all(torch.equal(p, before[name]) for name, p in model.backbone.block1.named_parameters())


def test_without_a_best_epoch_what_was_unfrozen_is_not_kept_yet(make_model: Make) -> None:
    model = make_model(freeze="block1")
    best = BestWeights(model, None)
    model.unfreeze("block1")
    assert best.widen()
    assert best.kept == []


@pytest.mark.parametrize("other", [True, False])
def test_a_run_goes_on_from_the_present_and_ends_with_the_best(make_model: Make, other: bool) -> None:
    model, loss = make_model(freeze="block1"), Scaled()
    best = BestWeights(model, loss)
    name = "head.last.bias"
    held = [{n: v + 2 for n, v in values.items()} for values in best.present()]
    kept = [{n: v + 5 for n, v in values.items()} for values in best.present()]
    start = model.state_dict()[name].clone()
    # Of a block that the run had unfrozen before
    held[0]["backbone.block1.extra"] = torch.zeros(1)
    model.backbone.block1.register_buffer("extra", torch.ones(1))
    best.take_up(held, kept if other else None)
    assert torch.equal(model.state_dict()[name], start + 2)
    assert (loss.scale.item(), loss.seen.item()) == (3, 2)
    assert model.backbone.block1.extra.item() == 0
    assert "backbone.block1.extra" in best.present()[0]
    assert best.is_present() is not other
    best.restore()
    assert torch.equal(model.state_dict()[name], start + (5 if other else 2))
    assert loss.scale.item() == (6 if other else 3)
