import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from zoo.spec.schedule import read_schedule
from zoo.trainers.optimizer import Rates, groups


def sgd() -> torch.optim.SGD:
    parts = {"backbone": nn.Linear(2, 2).parameters(), "head": nn.Linear(2, 1).parameters()}
    return torch.optim.SGD(groups(parts, {"backbone": 0.1, "head": 1.0}))


def test_each_part_keeps_its_share_of_the_schedule():
    rates = Rates(sgd(), read_schedule("linear"), epochs=2, steps=5)
    for _ in range(5):
        rates.optimizer.step()
        rates.step()
    assert rates.values == pytest.approx({"backbone": 0.05, "head": 0.5})


def test_plateau_is_torchs_own_and_goes_on_where_it_was():
    losses = [1.0, 0.9, 0.95, 0.92, 0.91, 0.5, 0.6, 0.6, 0.6]
    torchs = ReduceLROnPlateau(sgd(), factor=0.5, patience=1)
    schedule = read_schedule({"name": "plateau", "by": 0.5, "patience": 1})
    rates = Rates(sgd(), schedule, epochs=9, steps=1)
    for i, loss in enumerate(losses):
        if i == 4:
            before, state = rates.optimizer.state_dict(), rates.state_dict()
            rates = Rates(sgd(), schedule, epochs=9, steps=1)
            rates.optimizer.load_state_dict(before)
            rates.load_state_dict(state)
        torchs.step(loss)
        rates.end_epoch(loss)
        assert rates.values["head"] == torchs.optimizer.param_groups[1]["lr"]
    assert rates.values["head"] < 1


def test_plateau_can_watch_what_should_grow():
    schedule = read_schedule({"name": "plateau", "by": 0.5, "patience": 0})
    rates = Rates(sgd(), schedule, epochs=9, steps=1, higher_is_better=True)
    for value in (0.5, 0.6, 0.7):
        rates.end_epoch(value)
    assert rates.values["head"] == 1
    rates.end_epoch(0.6)
    assert rates.values["head"] == 0.5
