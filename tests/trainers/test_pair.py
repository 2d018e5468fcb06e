"""Two networks against each other: whose parameters go where, and what looking at one leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from zoo import GradientOptions
from zoo.interfaces import Execution, Loss
from zoo.spec.errors import TrainingError
from zoo.trainers import PairTrainer
from zoo.trainers.logs import add_up
from zoo.trainers.optimizer import _Plateau
from zoo.trainers.pair import Opponent, resting, untouched


class Says(Loss):
    """Pulls the discriminator apart; has a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.ones(1))

    def oppose(self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return discriminator(fake).mean() - discriminator(real).mean()


class Pair(PairTrainer):
    """Of two networks that are handed in."""

    config = GradientOptions
    setup = step = evaluate = collect = lambda self, *_: {}

    @property
    def optimizers(self) -> Any:
        return self._optimizers


Pair.__abstractmethods__ = frozenset()


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 1))


def made(rate: Any = 0.5, **more: Any) -> Pair:
    trainer = Pair(optimizer="sgd", lr=rate)
    trainer.take(net(), net(), Says(), Execution(), **more)
    return trainer


def test_the_parameters_of_a_loss_go_with_the_generators() -> None:
    trainer = made({"generator": 0.5, "discriminator": 0.25, "loss": 0.125})
    mine, other = trainer.generator_optimizer, trainer.discriminator_optimizer
    assert {id(p) for p in other.parameters} == {id(p) for p in trainer.opponent.discriminator.parameters()}
    wanted = [*trainer.trained.parameters(), *trainer.loss.parameters()]
    assert {id(p) for p in mine.parameters} == {id(p) for p in wanted}
    rates = {id(p): group["lr"] for group in mine.torch.param_groups for p in group["params"]}
    assert rates[id(trainer.loss.own)] == 0.125
    assert {rates[id(p)] for p in trainer.trained.parameters()} == {0.5}
    assert {group["lr"] for group in other.torch.param_groups} == {0.25}


@pytest.mark.parametrize("which", [0, 1])
def test_a_network_with_nothing_to_train_is_named(which: int) -> None:
    networks = [net(), net()]
    networks[which].requires_grad_(False)
    name = ("generator", "discriminator")[which]
    with pytest.raises(TrainingError, match=f"{name}: expected something to train, got all frozen"):
        Pair(optimizer="sgd").take(*networks, Says(), Execution())


def test_the_discriminators_step_leaves_the_generator_as_it_is() -> None:
    trainer, real = made(), torch.rand(3, 1, 2, 2)
    trainer.execution.begin(3)
    before = {name: value.clone() for name, value in trainer.trained.state_dict().items()}

    def make() -> torch.Tensor:
        trainer.trained(real)
        return real * 2

    found = trainer.oppose(real, make)
    after = trainer.trained.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(p.grad is None for p in trainer.trained.parameters())
    assert all(p.grad is not None for p in trainer.opponent.discriminator[3:].parameters())
    assert float(found.losses["loss_discriminator"].detach()) == pytest.approx(
        float(found.fake_logits.mean() - found.real_logits.mean())
    )
    assert torch.equal(found.fake, real * 2)
    weight = trainer.opponent.discriminator[3].weight.clone()
    trainer.step_discriminator()
    assert not torch.equal(trainer.opponent.discriminator[3].weight, weight)


def test_the_average_follows_the_generator() -> None:
    trainer = made(ema=0.5)
    held = trainer.average.trained
    for p in held.parameters():
        p.grad = torch.ones_like(p)
    trainer.step_generator()
    state = trainer.state_dict()
    other = made(ema=0.5)
    other.load_state_dict(state)
    same = zip(other.trained.parameters(), trainer.trained.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_an_opponent_tells_what_was_said_of_each_side() -> None:
    discriminator, real, fake = net().eval(), torch.rand(2, 1, 2, 2), torch.rand(2, 1, 2, 2)
    parts, of_real, of_fake = Opponent(discriminator, Says())(real, fake)
    assert torch.equal(of_real, discriminator(real))
    assert torch.equal(of_fake, discriminator(fake))
    assert not of_real.requires_grad
    assert parts.requires_grad
    assert {*Opponent(discriminator, Says()).state_dict()} == {
        f"discriminator.{n}" for n in net().state_dict()
    }


def test_a_pass_through_an_untouched_network_reaches_the_input_alone() -> None:
    network, x = net().train(), torch.rand(2, 1, 2, 2, requires_grad=True)
    network[0].bias.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with untouched(network):
        network(x)[0].sum().backward()
    assert x.grad is not None
    assert all(p.grad is None for p in network.parameters())
    assert [name for name, p in network.named_parameters() if not p.requires_grad] == ["0.bias"]
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_a_network_at_rest_wakes_with_every_module_in_its_mode() -> None:
    network = net().train()
    network[1].eval()
    with resting(network):
        assert not any(module.training for module in network.modules())
        assert not network(torch.rand(2, 1, 2, 2)).requires_grad
    assert [m.training for m in network] == [True, False, True, True]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("best", [-2.0, 0.0, 2.0, float("inf")])
def test_a_plateau_asks_for_a_share_of_the_best_on_either_side_of_nothing(mode: str, best: float) -> None:
    """Below 0, torch's own would call a worse value better."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    ours = _Plateau(optimizer, mode, threshold=0.25)
    sign = -1 if mode == "min" else 1
    if best >= 0:
        theirs = ReduceLROnPlateau(optimizer, mode, threshold=0.25)
        for value in (best - 0.5, best, best + 0.5, best + 0.6, best - 0.6):
            assert ours._is_better(value, best) == theirs._is_better(value, best)
        return
    assert not ours._is_better(best, best)
    assert not ours._is_better(best + 0.5 * sign, best)
    assert ours._is_better(best + 0.51 * sign, best)
    assert not ours._is_better(best - 1.0 * sign, best)


def test_values_of_parts_add_up_by_their_share() -> None:
    logged: dict[str, torch.Tensor] = {}
    add_up(logged, {"loss": torch.tensor(4.0, requires_grad=True)}, 0.25)
    add_up(logged, {"loss": torch.tensor(8.0), "other": torch.tensor(2.0)}, 0.75)
    add_up(logged, {"other": torch.tensor(3.0)})
    assert {name: float(value) for name, value in logged.items()} == {"loss": 7, "other": 4.5}
    assert not logged["loss"].requires_grad


def test_several_processes_are_told_of_a_game_that_looks_at_a_batch_as_a_whole() -> None:
    class Relative(Says):
        cuts = False

    class Two(Execution):
        processes = 2

    with pytest.warns(UserWarning, match="for the discriminator each of 2 processes sees its own"):
        Pair(optimizer="sgd", lr=0.5).take(net(), net(), Relative(), Two())
    Pair(optimizer="sgd", lr=0.5).take(net(), net(), Says(), Two())
    Pair(optimizer="sgd", lr=0.5).take(net(), None, Relative(), Two())
