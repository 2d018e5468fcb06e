"""The contract of a trainer."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.compose.instantiate import make
from zoo.compose.parts import default
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.execution import Execution
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.registry.lookup import entries
from zoo.spec.errors import listing
from zoo.testing.case import Case
from zoo.testing.tiny_models import CrossEntropy, Net, built, random_fields


def model_for(case: Case, *, modes: bool = False) -> Model:
    """A tiny model of the trainer's task from its own distribution; a small classifier without a task.

    Args:
        case: of the trainer.
        modes: whether the classifier has layers that do something else in training.
    """
    torch.manual_seed(0)
    task, home = case.entry.component.task, case.entry.plugin.distribution
    if task is None:
        return Net(modes=modes)
    found = [e for e in entries("model") if (e.component.task, e.plugin.distribution) == (task, home)]
    step = f"declare a model with task={task!r} in this distribution, or the trainer without a task"
    assert found, f"no model for task {task} in {home}, to try the trainer on; {step}"
    return built(found[0])


def trainer_for(case: Case, model: Model) -> Trainer:
    """The tiny trainer, set up for the model with the loss of its task."""
    trainer = make("trainer", case.reference)
    expected = f"{case.entry.component.target}: expected a subclass of zoo.interfaces.Trainer"
    assert isinstance(trainer, Trainer), f"{expected}, got {type(trainer).__name__}; derive it from that"
    torch.manual_seed(0)  # a loss may have weights of its own
    loss = CrossEntropy() if isinstance(model, Net) else make("loss", default("loss", model))
    trainer.setup(model, loss, Execution())
    return trainer


def batch_for(model: Model, trainer: Trainer) -> Batch:
    """Six examples of random images with targets, empty masks and fields, as the model's steps take them."""
    spec = model.input_spec
    image = torch.rand(6, spec.channels, *spec.size, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(6, *spec.size, dtype=torch.int64)
    batch = {"image": image, "mask": mask, "target": torch.arange(6) % 3, "index": torch.arange(6)}
    return model.examples({**batch, **random_fields(model, trainer.fields, 6)})


def rule_a_step_trains_what_is_trainable(case: Case) -> None:
    """A step logs finite scalars, moves trainable tensors and nothing of a frozen block."""
    model = model_for(case)
    before = copy.deepcopy(model.state_dict())
    trainer = trainer_for(case, model)
    model.train()
    logs = trainer.step(batch_for(model, trainer))
    assert isinstance(logs, Mapping), f"step: expected scalars by name, got {logs!r}; return {{'loss': ...}}"
    assert logs, "step: expected scalars to log by name, got none; return at least the loss"
    for name, value in logs.items():
        assert isinstance(value, Tensor), (
            f"step: expected a tensor as {name!r}, got {type(value).__name__}; return loss.detach()"
        )
        assert value.numel() == 1, (
            f"step: expected a scalar as {name!r}, got {[*value.shape]}; return its mean or its sum"
        )
        assert bool(torch.isfinite(value)), (
            f"step: expected a finite {name!r}, got {float(value)}; look at the loss and the learning rate"
        )
        assert not value.requires_grad, (
            f"step: expected {name!r} without gradients, got one that keeps its graph; return it detached"
        )
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved, "step: expected trainable tensors to move, got none moved; call the optimizer's step"
    blocks = ((path, m) for path, m in model.named_modules() if isinstance(m, Block) and m.frozen)
    wrong = sorted(moved & {f"{path}.{name}" for path, block in blocks for name in block.state_dict()})
    assert wrong == [], f"step: expected frozen blocks to stay, got {listing(wrong, 3)} moved; {_FROZEN}"


_FROZEN = "give the optimizer trainable parameters alone, and set no modes or running statistics by hand"


def rule_its_state_goes_on_where_it_was(case: Case) -> None:
    """Model and trainer state restored into a new pair, the next step gives the same tensors."""
    model = model_for(case)
    trainer = trainer_for(case, model)
    trainer.step(batch_for(model, trainer))
    twin = copy.deepcopy(model)
    other = trainer_for(case, twin)
    state = copy.deepcopy(trainer.state_dict())
    try:
        other.load_state_dict(state)
    except (KeyError, AttributeError, TypeError) as error:
        got = f"{type(error).__name__}: {error}"
        step = "let both speak of the same names, and call super() in both"
        text = f"load_state_dict: expected to take what state_dict gave ({listing([*state])}), got {got}"
        raise AssertionError(f"{text}; {step}") from error
    for each in (trainer, other):
        # Dropout and the like draw from here
        torch.manual_seed(1)
        each.step(batch_for(model, trainer))
    tensors, same = model.state_dict(), twin.state_dict()
    apart = [name for name in tensors if not torch.equal(tensors[name], same[name])]
    step = "put all that a step depends on into state_dict and load_state_dict"
    assert apart == [], f"after restoring: expected the same step, got another {listing(apart, 3)}; {step}"


def rule_evaluating_changes_nothing(case: Case) -> None:
    """Evaluation runs in inference mode, gives finite numbers and leaves every tensor alone."""
    model = model_for(case, modes=True)
    trainer = trainer_for(case, model)
    model.train()
    before = copy.deepcopy(model.state_dict())
    with _calls(model) as (training, graphs):
        values = trainer.evaluate([batch_for(model, trainer)])
    assert training == [], f"evaluate runs in training mode ({listing(training, 3)}); {_INFERENCE}"
    assert graphs == [], f"evaluate keeps gradients ({listing(graphs, 3)}); {_INFERENCE}"
    assert values, "evaluate: expected numbers by name, got none; return the loss or a metric"
    wrong = [f"{name}={value}" for name, value in values.items() if not np.isfinite(value)]
    assert wrong == [], f"evaluate: expected finite numbers, got {listing(wrong)}; look what it divides by"
    moved = [k for k, v in model.state_dict().items() if not torch.equal(v, before[k])]
    assert moved == [], (
        f"evaluate: expected every tensor to stay, got {listing(moved, 3)} moved; {_INFERENCE}"
    )


_INFERENCE = "use `with self.inference()`, or model.eval() and torch.no_grad()"


@contextmanager
def _calls(model: Model) -> Iterator[tuple[list[str], list[str]]]:
    """Names of the parts of a model that are called in training mode, and of those whose graph is kept."""
    training: list[str] = []
    graphs: list[str] = []

    def note(name: str, module: nn.Module, output: Any) -> None:
        if module.training and name not in training:
            training.append(name)
        if isinstance(output, Tensor) and output.requires_grad and name not in graphs:
            graphs.append(name)

    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
        for name, module in model.named_modules()
        if name
    ]
    try:
        yield training, graphs
    finally:
        for hook in hooks:
            hook.remove()


def rule_its_draws_follow_the_run(case: Case) -> None:
    """A step goes on with the generators of torch, NumPy and Python as they are, and seeds none of them."""
    model = model_for(case)
    trainer = trainer_for(case, model)
    model.train()
    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()
    after = []
    try:
        for seed in (1, 2):
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            trainer.step(batch_for(model, trainer))
            after.append((torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()))
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])
        random.setstate(kept[2])
    names = ("torch", "numpy", "random")
    same = [name for name, one, two in zip(names, *after, strict=True) if one == two]
    step = "seed nothing there, zoo.fit(seed=...) does; draws of its own come from a torch.Generator"
    assert same == [], f"step: expected draws that go on, got a global seed set ({listing(same)}); {step}"
