"""Means over an epoch: of images, not of steps."""

from __future__ import annotations

import pytest
import torch

from zoo.spec.errors import TrainingError
from zoo.training.running_means import RunningMeans


def test_a_mean_weighs_each_step_by_its_images():
    means = RunningMeans(1, 3)
    for value, images in ((1.0, 6), (2.0, 6), (9.0, 1)):
        means.add({"loss": torch.tensor(value), "loss_part": torch.tensor(2 * value)}, images)
    assert means.values() == {"loss": 27 / 13, "loss_part": 54 / 13}


def test_a_value_that_some_steps_do_not_return_is_the_mean_of_the_others():
    means = RunningMeans(1, 2)
    means.add({"loss": torch.tensor(1.0), "penalty": torch.tensor(3.0)}, 4)
    means.add({"loss": torch.tensor(2.0)}, 2)
    assert means.values() == {"loss": pytest.approx(8 / 6), "penalty": 3.0}


def test_several_processes_add_up_images_as_well_as_values():
    """The other process had 2 images of value 5."""
    means = RunningMeans(1, 1)
    means.add({"loss": torch.tensor(1.0)}, 6)
    other = torch.tensor([10.0, 2.0], dtype=torch.float64)
    assert means.values(lambda mine: mine + other) == {"loss": 2.0}


def test_means_go_on_from_where_they_were():
    whole, first = RunningMeans(1, 2), RunningMeans(1, 2)
    for means in (whole, first):
        means.add({"loss": torch.tensor(1.0)}, 6)
    second = RunningMeans(1, 2, state=first.state_dict())
    for means in (whole, second):
        means.add({"loss": torch.tensor(4.0)}, 1)
    assert second.values() == whole.values() == {"loss": 10 / 7}


@pytest.mark.parametrize("every", [1, 20])
def test_a_loss_that_is_no_number_is_found_before_the_mean(every: int):
    means = RunningMeans(3, 2, every=every)
    with pytest.raises(TrainingError, match="in epoch 3, step 2 of 2"):
        for value in (1.0, float("nan")):
            means.add({"loss": torch.tensor(value)}, 1)
        means.values()


def test_a_resumed_epoch_names_the_step_counted_from_its_beginning():
    first = RunningMeans(2, 5)
    for value in (1.0, 2.0):
        first.add({"loss": torch.tensor(value)}, 1)
    second = RunningMeans(2, 5, state=first.state_dict())
    second.add({"loss": torch.tensor(3.0)}, 1)
    with pytest.raises(TrainingError, match="in epoch 2, step 4 of 5"):
        second.add({"loss": torch.tensor(float("inf"))}, 1)


def test_means_of_an_earlier_version_go_on_too():
    """Version 0.1 counted the images by another word."""
    counted = {"loss": [3, 1]}
    state = {"seen": {"loss": torch.tensor([1.0, 3.0])}, "pictures": counted}
    means = RunningMeans(1, 3, state=state)
    means.add({"loss": torch.tensor(5.0)}, 4)
    assert means.values() == {"loss": 26 / 8}
    assert (state["seen"]["loss"].tolist(), counted) == ([1, 3], {"loss": [3, 1]})


def test_the_loss_is_looked_at_once_in_so_many_steps():
    means = RunningMeans(1, 9, every=3)
    means.add({"loss": torch.tensor(float("nan"))}, 1)
    means.add({"loss": torch.tensor(1.0)}, 1)
    with pytest.raises(TrainingError, match="step 1 of 9"):
        means.add({"loss": torch.tensor(1.0)}, 1)


@pytest.mark.parametrize("ask", [RunningMeans.values, RunningMeans.state_dict])
def test_a_loss_that_waits_is_looked_at_before_anything_is_given_away(ask):
    means = RunningMeans(1, 9, every=20)
    means.add({"loss": torch.tensor(1.0)}, 1)
    ask(means)
    means.add({"loss": torch.tensor(float("nan"))}, 1)
    with pytest.raises(TrainingError, match="step 2 of 9"):
        ask(means)


def test_a_trainer_that_returns_nothing_has_no_means():
    means = RunningMeans(1, 1)
    means.add({}, 4)
    assert means.values() == {}
    assert RunningMeans(1, 1, state=means.state_dict()).values() == {}
