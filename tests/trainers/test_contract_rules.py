"""The rules of a trainer's contract, each shown to find a planted breach."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from zoo import GradientOptions
from zoo.builtin.supervised import Supervised
from zoo.interfaces import rows
from zoo.interfaces.augmenter import Batch
from zoo.registry.loading import resolve_config, resolve_target
from zoo.registry.lookup import entries, find
from zoo.spec.errors import OptionError
from zoo.testing import Case
from zoo.testing.rules_trainer_steps import (
    rule_its_options_are_the_declared_ones,
    rule_steps_move_weights_by_their_optimizers_alone,
)

TRAINERS = [entry.qualified for entry in entries("trainer")]


def case() -> Case:
    return Case(find("core:supervised", "trainer"))


def step(self: Supervised, batch: Batch, *, back: bool) -> dict[str, Any]:
    """Of sharpness-aware minimisation, which moves the weights back or forgets to."""
    self.execution.begin(rows(batch))
    logged = self.add_gradients(batch)
    with torch.no_grad():
        moves = [0.05 * p.grad / p.grad.norm() for p in self.optimizer.parameters]
        torch._foreach_add_(self.optimizer.parameters, moves)
        self.optimizer.zero_grad()
        with torch.enable_grad():
            self.add_gradients(batch, scored=False)
        if back:
            torch._foreach_sub_(self.optimizer.parameters, moves)
    self.optimizer.step()
    return logged


def test_a_step_that_leaves_weights_perturbed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervised, "step", lambda self, batch: step(self, batch, back=True))
    rule_steps_move_weights_by_their_optimizers_alone(case())
    monkeypatch.setattr(Supervised, "step", lambda self, batch: step(self, batch, back=False))
    with pytest.raises(AssertionError, match="step with rates of 0 leaves weights moved by"):
        rule_steps_move_weights_by_their_optimizers_alone(case())


def test_an_evaluation_that_leaves_weights_perturbed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = Supervised.evaluate

    def careless(self: Supervised, batches: Any) -> dict[str, float]:
        torch._foreach_mul_([p.data for p in self.model.parameters()], 1.01)
        return evaluate(self, batches)

    monkeypatch.setattr(Supervised, "evaluate", careless)
    with pytest.raises(AssertionError, match="evaluate with rates of 0 leaves weights moved by"):
        rule_steps_move_weights_by_their_optimizers_alone(case())


def test_options_of_another_class_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rule_its_options_are_the_declared_ones(case())
    monkeypatch.setattr(Supervised, "config", GradientOptions)
    with pytest.raises(AssertionError, match=r"declared is zoo.builtin.config.SupervisedOptions"):
        rule_its_options_are_the_declared_ones(case())


@pytest.mark.parametrize("name", TRAINERS)
def test_a_constructors_signature_has_every_option_with_its_default(name: str) -> None:
    component = find(name, "trainer").component
    config = resolve_config(component)
    assert config is not None
    signature = inspect.signature(resolve_target(component)).parameters
    assert {option: p.default for option, p in signature.items()} == {
        option: field.get_default(call_default_factory=True) for option, field in config.model_fields.items()
    }


def test_a_constructor_checks_its_options() -> None:
    with pytest.raises(OptionError, match="trainer Supervised: bad lr: expected greater than 0, got -1"):
        Supervised(lr=-1)
    with pytest.raises(OptionError, match=r"has no option 'epoch'.*did you mean epochs"):
        Supervised(epoch=3)
