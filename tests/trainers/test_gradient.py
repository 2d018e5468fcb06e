"""One optimizer and one loss: what a step measures, and what looking at the model leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from zoo.builtin.supervised import Supervised
from zoo.interfaces import Execution
from zoo.spec.errors import TrainingError


def made(make_model: Any, **options: Any) -> Supervised:
    trainer = Supervised(optimizer="sgd", lr=0.1, **options)
    trainer.setup(make_model(), nn.BCEWithLogitsLoss(), Execution())
    return trainer


def batch(count: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    index = torch.arange(count)
    return {"image": torch.rand(count, 1, 16, 16), "target": index % 2, "index": index}


def test_an_epoch_is_scored_on_the_images_of_its_steps(make_model: Any) -> None:
    trainer = made(make_model)
    trainer.step(batch(4))
    state = trainer.state_dict()
    figures = trainer.collect()
    assert set(figures) == {"accuracy"}
    assert figures["accuracy"] in {0, 0.25, 0.5, 0.75, 1}
    other = made(make_model)
    other.load_state_dict(state)
    assert other.collect() == figures


def test_gradients_that_are_not_to_be_scored_are_not(make_model: Any) -> None:
    trainer = made(make_model)
    trainer.execution.begin(4)
    logged = trainer.add_gradients(batch(4), scored=False)
    assert trainer.score.state_dict() == made(make_model).score.state_dict()
    assert all(p.grad is not None for p in trainer.model.parameters())
    assert float(logged["loss"]) > 0


def test_a_batch_in_parts_gives_the_loss_of_the_whole(make_model: Any) -> None:
    losses = []
    for more in ({}, {"micro_batch_size": 3}):
        trainer = made(make_model, **more)
        trainer.model.eval()
        losses.append(float(trainer.step(batch(7))["loss"]))
    assert losses[0] == pytest.approx(losses[1])


def test_looking_at_the_model_leaves_its_mode(make_model: Any) -> None:
    trainer = made(make_model)
    for mode in (True, False):
        trainer.model.train(mode)
        with trainer.inference():
            assert not trainer.model.training
            assert not torch.is_grad_enabled()
        assert trainer.model.training is mode


def test_what_cannot_be_trained_is_said_before_any_work(make_model: Any) -> None:
    model = make_model()
    with pytest.raises(TrainingError, match="loss="):
        Supervised().setup(model, None, Execution())
    model.task = None
    with pytest.raises(TrainingError, match="a model with a head"):
        Supervised().setup(model, nn.BCEWithLogitsLoss(), Execution())
