"""The contract of a trainer."""

from __future__ import annotations

import copy

import numpy as np
import torch

from zoo.compose.instantiate import make
from zoo.compose.parts import default
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.execution import Execution
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.registry.lookup import entries
from zoo.testing.case import Case
from zoo.testing.tiny_models import CrossEntropy, Net, built


def model_for(case: Case) -> Model:
    """A tiny model of the trainer's task from its own distribution; a small classifier without a task."""
    torch.manual_seed(0)
    task, home = case.entry.component.task, case.entry.plugin.distribution
    if task is None:
        return Net()
    found = [e for e in entries("model") if (e.component.task, e.plugin.distribution) == (task, home)]
    assert found, f"no model for task {task} in {home}"
    return built(found[0])


def trainer_for(case: Case, model: Model) -> Trainer:
    """The tiny trainer, set up for the model with the loss of its task."""
    trainer = make("trainer", case.reference)
    assert isinstance(trainer, Trainer)
    torch.manual_seed(0)  # a loss may have weights of its own
    loss = CrossEntropy() if isinstance(model, Net) else make("loss", default("loss", model))
    trainer.setup(model, loss, Execution())
    return trainer


def batch_for(model: Model) -> Batch:
    """Six examples of random images with targets and empty masks, as the model's steps take them."""
    spec = model.input_spec
    image = torch.rand(6, spec.channels, *spec.size, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(6, *spec.size, dtype=torch.int64)
    batch = {"image": image, "mask": mask, "target": torch.arange(6) % 3, "index": torch.arange(6)}
    return model.examples(batch)


def rule_a_step_trains_what_is_trainable(case: Case) -> None:
    """A step logs finite scalars, moves trainable tensors and nothing of a frozen block."""
    model = model_for(case)
    before = copy.deepcopy(model.state_dict())
    trainer = trainer_for(case, model)
    model.train()
    logs = trainer.step(batch_for(model))
    assert logs
    assert all(bool(torch.isfinite(v)) and not v.requires_grad for v in logs.values())
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved
    blocks = ((path, m) for path, m in model.named_modules() if isinstance(m, Block) and m.frozen)
    assert not moved & {f"{path}.{name}" for path, block in blocks for name in block.state_dict()}


def rule_its_state_goes_on_where_it_was(case: Case) -> None:
    """Model and trainer state restored into a new pair, the next step gives the same tensors."""
    model = model_for(case)
    trainer = trainer_for(case, model)
    trainer.step(batch_for(model))
    twin = copy.deepcopy(model)
    other = trainer_for(case, twin)
    other.load_state_dict(copy.deepcopy(trainer.state_dict()))
    for each in (trainer, other):
        torch.manual_seed(1)
        each.step(batch_for(model))
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True)
    )


def rule_evaluating_changes_nothing(case: Case) -> None:
    """Evaluation gives finite numbers and leaves every tensor alone."""
    model = model_for(case)
    trainer = trainer_for(case, model)
    before = copy.deepcopy(model.state_dict())
    values = trainer.evaluate([batch_for(model)])
    assert values
    assert all(np.isfinite(v) for v in values.values())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
