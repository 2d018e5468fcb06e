"""What a step moves, what it logs, and what goes on where it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.classification import BinaryRecall

from zoo import GradientOptions
from zoo.builtin.supervised import Supervised
from zoo.interfaces import Execution, Loss
from zoo.interfaces.tasks import Binary, Reconstruction
from zoo.spec.errors import OptionError, ShapeError, TrainingError
from zoo.trainers import Average, Optimizer, PairTrainer, Score, rates_by_part, trainable
from zoo.trainers import score as score_module
from zoo.trainers.fused import FusedSteps
from zoo.trainers.logs import add_up, losses_by_name
from zoo.trainers.rates import from_rates, parts_of_equal_rate

# -- two networks ----------------------------------------------------------------------------------------


class Pair(PairTrainer):
    """Of two networks that are handed in."""

    config = GradientOptions
    setup = step = evaluate = collect = lambda self, *_: {}


Pair.__abstractmethods__ = frozenset()


def pair(seed: int = 0, discriminator: bool = True, **more: Any) -> Pair:
    torch.manual_seed(seed)
    trainer = Pair(optimizer={"name": "sgd", "momentum": 0.5}, lr=0.5, epochs=4, schedule="linear")
    networks: Any = nn.Linear(2, 1), nn.Linear(2, 1) if discriminator else None
    trainer.take(*networks, Loss(), Execution(steps=2), **more)
    return trainer


def give_gradients(network: nn.Module) -> None:
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)


def test_a_generators_step_moves_it_by_its_rate_and_then_the_average() -> None:
    trainer = pair(ema=0.5)
    before = trainer.trained.weight.detach().clone()
    held = trainer.average.held.weight.detach().clone()
    other = trainer.opponent.discriminator.weight.detach().clone()
    give_gradients(trainer.trained)
    trainer.step_generator()
    assert torch.allclose(trainer.trained.weight, before - 0.5)
    # At the first step the average keeps a tenth.
    assert torch.allclose(trainer.average.held.weight, 0.1 * held + 0.9 * (before - 0.5))
    assert torch.equal(trainer.opponent.discriminator.weight, other)


def test_without_an_average_the_generator_itself_is_trained() -> None:
    trainer = pair()
    assert trainer.trained is trainer.average.held
    assert trainer.average.state_dict() == {}
    trainer.average.move()
    trainer.load_state_dict(trainer.state_dict())


def test_a_generator_alone_has_one_optimizer() -> None:
    trainer = pair(discriminator=False)
    assert [*trainer.optimizers] == ["generator"]
    assert not hasattr(trainer, "opponent")


def test_a_pair_goes_on_with_momenta_and_averages_that_it_had() -> None:
    one, two = pair(ema=0.5), pair(seed=1, ema=0.5)
    for network in (one.trained, one.opponent.discriminator):
        give_gradients(network)
    one.step_generator()
    one.step_discriminator()
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    assert two.rates == one.rates == {"generator": 0.4375, "discriminator": 0.4375}
    assert torch.equal(two.trained.weight, one.trained.weight)
    state = two.generator_optimizer.torch.state[two.trained.weight]
    assert torch.equal(state["momentum_buffer"], torch.ones(1, 2))
    two.average.held.load_state_dict(one.average.held.state_dict())
    for trainer in (one, two):
        give_gradients(trainer.trained)
        trainer.step_generator()
    assert torch.equal(two.average.held.weight, one.average.held.weight)


def test_schedules_of_the_two_may_be_spread_over_other_epochs_and_steps() -> None:
    trainer = pair(discriminator_epochs=2, generator_steps=4)
    for network in (trainer.trained, trainer.opponent.discriminator):
        give_gradients(network)
    trainer.step_generator()
    trainer.step_discriminator()
    # One step of 4 x 4, and one of 2 x 2.
    assert trainer.rates == {"generator": 0.5 * (1 - 1 / 16), "discriminator": 0.5 * (1 - 1 / 4)}


# -- averages ------------------------------------------------------------------------------------------


def test_an_average_takes_in_running_statistics_and_copies_counts() -> None:
    held = nn.BatchNorm1d(2)
    average = Average(held, 0.75)
    trained = average.trained
    trained.running_mean.fill_(1)
    trained.num_batches_tracked.fill_(7)
    decays = [min(0.75, (1 + i) / (10 + i)) for i in range(40)]
    expected = 0.0
    for decay in decays:
        average.move()
        expected = decay * expected + (1 - decay)
        assert held.running_mean[0].item() == pytest.approx(expected, rel=1e-5)
        if decay == decays[0]:
            expected = held.running_mean[0].item()
    assert decays[-1] == 0.75
    assert held.num_batches_tracked.item() == 7
    again = Average(nn.BatchNorm1d(2), 0.75)
    again.load_state_dict(average.state_dict())
    assert again.state_dict()["moves"] == 40
    assert torch.equal(again.trained.running_mean, trained.running_mean)


# -- one network -----------------------------------------------------------------------------------------


def batch(count: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    index = torch.arange(count)
    return {"image": torch.rand(count, 1, 16, 16, generator=generator), "target": index % 2, "index": index}


def supervised(make_model: Callable[..., Any], **options: Any) -> Supervised:
    trainer = Supervised(**{"optimizer": {"name": "sgd", "momentum": 0.9}, "lr": 0.1, **options})
    trainer.setup(make_model(), nn.BCEWithLogitsLoss(), Execution(steps=2))
    return trainer


def test_a_trainer_goes_on_with_its_momenta_and_its_schedule(make_model: Callable[..., Any]) -> None:
    one = supervised(make_model, schedule="linear", epochs=2)
    one.step(batch(4))
    two = supervised(make_model, schedule="linear", epochs=2)
    two.model.load_state_dict(one.model.state_dict())
    two.load_state_dict(one.state_dict())
    assert two.rates == one.rates == dict.fromkeys(one.rates, pytest.approx(0.075))
    ours = [*one.optimizer.torch.state.values()]
    theirs = [*two.optimizer.torch.state.values()]
    assert len(theirs) == len(ours) > 0
    assert all(
        torch.equal(a["momentum_buffer"], b["momentum_buffer"]) for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(
    ("most", "parts"), [(None, [(7, 1.0)]), (7, [(7, 1.0)]), (8, [(7, 1.0)]), (6, [(6, 6 / 7), (1, 1 / 7)])]
)
def test_a_batch_is_cut_where_it_has_more_images_than_fit(
    make_model: Callable[..., Any], most: int | None, parts: list[tuple[int, float]]
) -> None:
    trainer = supervised(make_model, micro_batch_size=most)
    trainer.execution.begin(7)
    found = [(len(part["image"]), share) for part, share in trainer.passes(batch(7), trainer.network)]
    assert found == parts


def test_rates_of_parts_that_a_loss_and_the_model_own_are_told(make_model: Callable[..., Any]) -> None:
    class Weighed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Parameter(torch.ones(()))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            return (output * self.own).mean()

    model = make_model()
    model.loose = nn.Parameter(torch.ones(1))
    trainer = Supervised(lr={"backbone": 0.1, "head": 0.2, "model": 0.3, "loss": 0.4})
    trainer.setup(model, Weighed(), Execution())
    assert trainer.rates == {"backbone": 0.1, "head": 0.2, "model": 0.3, "loss": 0.4}
    model.requires_grad_(False)
    with pytest.raises(TrainingError, match="nothing to train: expected at least one trainable parameter"):
        Supervised().setup(model, Weighed(), Execution())


# -- logs ------------------------------------------------------------------------------------------------


def test_values_of_a_batch_that_is_not_cut_are_taken_as_they_are() -> None:
    logged: dict[str, Tensor] = {}
    loss = torch.tensor(3.0)
    add_up(logged, {"loss": loss})
    assert logged["loss"].data_ptr() == loss.data_ptr()
    add_up(logged, {"loss": torch.tensor(1.0)})
    assert (logged["loss"].item(), loss.item()) == (4, 3)


def test_a_loss_is_logged_with_its_parts_under_the_name_asked_for() -> None:
    loss, part = torch.tensor(3.0), torch.tensor(1.0)
    assert losses_by_name(loss, loss) == {"loss": loss}
    assert losses_by_name(loss, {"kl": part}, "loss_d") == {"loss_d": loss, "loss_kl": part}


# -- rates -----------------------------------------------------------------------------------------------


def parameter() -> nn.Parameter:
    return nn.Parameter(torch.ones(2, 2))


def test_a_table_of_rates_has_every_part_that_is_trained_and_no_other() -> None:
    parts = {"a": [parameter()], "b": [], "c": [parameter()]}
    assert rates_by_part(parts, 0.5) == {"a": 0.5, "c": 0.5}
    assert rates_by_part(parts, {"c": 2, "a": 1, "b": 3}) == {"a": 1, "c": 2}
    with pytest.raises(OptionError, match="lr: unknown part: expected a, b, c, got 'd'"):
        rates_by_part(parts, {"a": 1, "c": 1, "d": 1})
    with pytest.raises(OptionError, match="lr: expected a rate for c, got a, b; add c to the table"):
        rates_by_part(parts, {"a": 1, "b": 1})


def test_parts_of_one_rate_stand_together_in_their_order() -> None:
    assert parts_of_equal_rate({"a": 1, "b": 2, "c": 1}) == [("a", "c"), ("b",)]


def test_rates_of_version_0_1_are_the_groups_own_or_those_of_its_scheduler() -> None:
    still = {"param_groups": [{"lr": 0.5}, {"lr": 0.25, "initial_lr": 1.0}]}
    assert from_rates(still, {}) == {"optimizer": still, "full": [0.5, 1.0], "steps": 0, "plateau": None}
    moving = {"moving": {"base_lrs": [2.0], "last_epoch": 3}, "plateau": {"best": 1}}
    assert from_rates(still, moving) == {
        "optimizer": still, "full": [2.0], "steps": 3, "plateau": {"best": 1},
    }  # fmt: skip


def test_a_part_that_is_added_late_begins_where_the_schedule_is() -> None:
    first, second = parameter(), parameter()
    optimizer = Optimizer({"a": [first]}, lr=1.0, spec="sgd", schedule="linear", epochs=2, steps=2)
    first.grad = torch.ones_like(first)
    optimizer.step()
    assert optimizer.values == {"a": 0.75}
    optimizer.add("b", [second], lr=0.5)
    assert optimizer.values == {"a": 0.75, "b": 0.375}
    optimizer.zero_grad()
    second.grad = torch.ones_like(second)
    optimizer.step()
    assert torch.equal(second, torch.full((2, 2), 1 - 0.375))
    assert second.grad is None


def test_dropped_gradients_move_nothing() -> None:
    one = parameter()
    optimizer = Optimizer({"a": [one]}, lr=1.0, spec="sgd")
    one.grad = torch.ones_like(one)
    optimizer.zero_grad()
    assert one.grad is None
    optimizer.step()
    assert torch.equal(one, torch.ones(2, 2))


def test_parameters_that_networks_share_are_trained_once() -> None:
    shared, alone = nn.Linear(2, 2, bias=False), nn.Linear(2, 2)
    alone.bias.requires_grad_(False)
    found = trainable([nn.Sequential(shared), nn.Sequential(shared, alone)])
    assert [id(p) for p in found] == [id(shared.weight), id(alone.weight)]


# -- fused steps -----------------------------------------------------------------------------------------


def adam(*parameters: nn.Parameter) -> torch.optim.Adam:
    return torch.optim.Adam([*parameters], lr=0.01, fused=True)


def moved(
    steps: Callable[[torch.optim.Adam], Any], change: Callable[[torch.optim.Adam], None]
) -> list[Tensor]:
    """Parameters after two steps, a change, and two more."""
    made = [parameter(), nn.Parameter(torch.zeros(3))]
    optimizer = adam(made[0])
    taken = steps(optimizer)
    for i in range(4):
        if i == 2:
            change(optimizer)
            optimizer.param_groups[0]["params"] += made[1:] if change is grown else []
        for j, one in enumerate(made):
            one.grad = torch.full_like(one, 1.0 + i + j)
        taken.step()
    return [one.detach() for one in made]


def grown(optimizer: torch.optim.Adam) -> None:
    """A group gets a further parameter, as some trainers do it."""


def first_beta(optimizer: torch.optim.Adam) -> None:
    optimizer.param_groups[0]["betas"] = (torch.tensor(0.5), 0.999)


def second_beta(optimizer: torch.optim.Adam) -> None:
    optimizer.param_groups[0]["betas"] = (0.9, torch.tensor(0.5))


@pytest.mark.parametrize("change", [grown, first_beta, second_beta])
def test_what_changes_between_steps_is_seen(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torchs = moved(lambda optimizer: optimizer, change)
    ours = moved(FusedSteps, change)
    assert all(torch.equal(a, b) for a, b in zip(ours, torchs, strict=True))
    assert bool(ours[1].any()) is (change is grown)


@pytest.mark.parametrize("change", [first_beta, second_beta])
def test_a_decay_that_is_a_tensor_is_left_to_torch(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: calls.append(1) or step(self))
    moved(FusedSteps, change)
    assert len(calls) == 3  # the first, which makes the state, and those after the change


# -- scores ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_loss_is_the_mean_of_all_images(count: int) -> None:
    score = Score(Reconstruction(), 1, nn.L1Loss())
    for i in range(1, count + 1):
        score.add(torch.full((1, 1, 2, 2), float(i)), {"target": torch.zeros(1, 1, 2, 2)})
    assert score.values()["loss"] == pytest.approx((count + 1) / 2)
    assert score.values() == {}


def test_parts_of_a_loss_are_scored_by_name_and_each_image_counts_alike() -> None:
    class Parts(nn.Module):
        def forward(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
            return {"a": output.mean(), "b": 2 * output.mean()}

    score = Score(Reconstruction(), 1, Parts())
    score.add(torch.ones(3, 1, 2, 2), {"target": torch.ones(3, 1, 2, 2)})
    score.add(torch.full((1, 1, 2, 2), 5.0), {"target": torch.ones(1, 1, 2, 2)})
    found = score.values()
    assert {k: v for k, v in found.items() if k.startswith("loss")} == {"loss": 6, "loss_a": 2, "loss_b": 4}


@pytest.mark.parametrize(("images", "held"), [(1, 1), (2, 2), (3, 0), (4, 1)])
def test_values_are_held_back_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, images: int, held: int) -> None:
    monkeypatch.setattr(score_module, "_MOST_HELD", 8)
    score = Score(Reconstruction(), 1, None)
    for _ in range(images):
        score.add(torch.rand(1, 1, 2, 2), {"target": torch.rand(1, 1, 2, 2)})
    kept = score.state_dict()["held"]
    assert (len(kept[0]) if kept else 0) == held
    assert score.count == images


def test_images_of_another_size_are_handed_on_apart() -> None:
    score = Score(Reconstruction(), 1, nn.L1Loss())
    for side in (2, 2, 3):
        score.add(torch.ones(1, 1, side, side), {"target": torch.zeros(1, 1, side, side)})
    assert [len(column) for column in score.state_dict()["held"]] == [1, 1]
    assert score.values()["loss"] == 1


def test_a_batch_without_targets_is_no_batch_to_score() -> None:
    with pytest.raises(ShapeError, match="batch: expected a target, got none"):
        Score(Binary(), 1, None).add(torch.ones(1, 1), {})


def test_the_direction_of_each_figure_is_known_by_its_name() -> None:
    score = Score(Binary(), 1, None, metrics=[BinaryRecall()])
    assert [score.higher_is_better(name) for name in ("val_loss", "loss", "val_loss_kl")] == [False] * 3
    assert score.higher_is_better("val_accuracy") is True
    assert score.higher_is_better("val_binary_recall") is True
    with pytest.raises(OptionError, match=r"monitor: expected val_loss, .*got 'val_acuracy'; did"):
        score.higher_is_better("val_acuracy")


def test_a_loss_that_acts_in_training_alone_is_measured_at_rest() -> None:
    class Noisy(nn.Module):
        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            return output.sum() * 0 + float(self.training)

    trainer: Any = Supervised.__new__(Supervised)
    trainer.model, trainer.loss = nn.Dropout(), Noisy()
    trainer.execution = SimpleNamespace(precision=nullcontext)
    with trainer.inference():
        assert float(trainer.loss(torch.zeros(1), torch.zeros(1))) == 0
        assert not torch.is_grad_enabled()
    assert trainer.loss.training
    assert trainer.model.training
