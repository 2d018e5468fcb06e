import math
import warnings

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    StepLR,
)

from zoo.spec.errors import OptionError
from zoo.spec.options import validate
from zoo.spec.trainers.options import GradientOptions
from zoo.spec.trainers.schedule import read_schedule

EPOCHS = 10


def torchs(make: object) -> list[float]:
    """The rate that a scheduler of torch's gives before each of the epochs."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler: LRScheduler = make(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(EPOCHS):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        ({"name": "cosine", "end": 0.1}, lambda o: CosineAnnealingLR(o, EPOCHS, eta_min=0.1)),
        ("linear", lambda o: LinearLR(o, 1.0, 0.0, EPOCHS)),
        ({"name": "step", "every": 3, "by": 0.5}, lambda o: StepLR(o, 3, 0.5)),
        ({"name": "exponential", "by": 0.8}, lambda o: ExponentialLR(o, 0.8)),
    ],
)
def test_a_schedule_is_torchs_own(value, reference):
    schedule = read_schedule(value)
    assert [schedule.factor(done, EPOCHS) for done in range(EPOCHS)] == pytest.approx(torchs(reference))


def test_one_cycle_is_torchs_own():
    """Torch counts to the last step, whose rate is the end's: one step fewer in the whole."""
    rates = torchs(lambda o: OneCycleLR(o, 1.0, total_steps=EPOCHS, cycle_momentum=False, pct_start=1 / 3))
    schedule = read_schedule({"name": "one-cycle", "peak": (EPOCHS / 3 - 1) / (EPOCHS - 1)})
    ours = [schedule.factor(done * EPOCHS / (EPOCHS - 1), EPOCHS) for done in range(EPOCHS)]
    assert ours == pytest.approx(rates)


def test_warm_up_rises_linearly_and_the_rest_is_spread_over_what_is_left():
    schedule = read_schedule({"name": "cosine", "warmup": 2})
    assert schedule.factor(0.5, 6) == 0.25
    assert schedule.factor(2, 6) == 1
    assert schedule.factor(4, 6) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)
    assert read_schedule({"name": "constant", "warmup": 1}).factor(3, 6) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cosin", "bad schedule: expected constant, .*got 'cosin'; did you mean cosine"),
        ({"name": "step"}, "lacks 'schedule.step.every'"),
        ({"name": "cosine", "end": 3}, "schedule.cosine.end: expected less than or equal to 1, got 3"),
        ({"name": "plateau", "warmup": 2}, "schedule.plateau.warmup: expected 0, got 2"),
        ({"warmup": 2}, "expected a name, or a table with a name"),
    ],
)
def test_a_mistake_is_named(value, message):
    with pytest.raises(OptionError, match=message):
        validate(GradientOptions, {"schedule": value}, "trainer")
