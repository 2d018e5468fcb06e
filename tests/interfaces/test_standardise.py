"""Values in the unit of the data, and standardised ones for the loss."""

import numpy as np
import pytest
import torch

from zoo.interfaces.tasks.standardise import Standardise
from zoo.interfaces.tasks.values import Regression


def test_mean_and_deviation_are_those_of_numpy() -> None:
    rows = np.random.default_rng(0).normal((50, 3e6), (9, 1e5), (40, 2))
    scale = Standardise(2)
    scale.settle(rows.tolist())
    torch.testing.assert_close(scale.mean.double(), torch.tensor(rows.mean(0)), rtol=1e-6, atol=0)
    torch.testing.assert_close(scale.std.double(), torch.tensor(rows.std(0)), rtol=1e-6, atol=0)
    given = torch.tensor(rows, dtype=torch.float32)
    torch.testing.assert_close(scale(scale.standardised(given)), given, rtol=1e-6, atol=1)


def test_unknown_it_changes_nothing_and_known_it_stays() -> None:
    scale, x = Standardise(1), torch.tensor([[3.0]])
    assert scale(x).item() == scale.standardised(x).item() == 3.0
    scale.settle([1.0, 3.0])
    scale.settle([100.0, 300.0])
    assert (scale.mean.item(), scale.std.item()) == (2.0, 1.0)


def test_values_that_do_not_vary_are_only_moved() -> None:
    scale = Standardise(1)
    scale.settle([7.0, 7.0])
    assert scale(torch.zeros(1, 1)).item() == 7.0
    assert scale.standardised(torch.tensor([[8.0]])).item() == 1.0


def test_prices_do_not_leave_the_range_of_half_precision() -> None:
    scale = Standardise(1)
    scale.settle([1e6, 3e6])
    assert scale(torch.zeros(1, 1, dtype=torch.float16)).item() == 2e6


def test_a_loss_compares_standardised_values_where_the_scale_is_known() -> None:
    scale = Standardise(1)
    scale.settle([10.0, 30.0])
    task, output, target = Regression(scale), torch.tensor([[20.0]]), torch.tensor([[40.0]])
    compared = task.for_loss(output, target)
    assert [x.item() for x in compared] == [0.0, 2.0]
    plain = Regression().for_loss(output, target)
    assert [x.item() for x in plain] == [20.0, 40.0]


@pytest.mark.parametrize(
    ("targets", "rows"),
    [([1.0, 2.0, 6.0], [[3.0], [2.0]]), ([[1.0, 0.0], [3.0, 1.0]], [[2.0, 0.5], [2.0, 0.5]])],
)
def test_the_constant_answers_are_mean_and_median(targets: list[float], rows: list[list[float]]) -> None:
    assert Regression().constant(targets, len(rows[0])).tolist() == rows
