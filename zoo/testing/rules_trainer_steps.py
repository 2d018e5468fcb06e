"""The contract of a trainer's steps: what they leave behind, and where its defaults stand."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor

from zoo.registry.loading import resolve_config, resolve_target
from zoo.spec.options import part_kinds, validate
from zoo.testing.case import Case
from zoo.testing.rules_other import TrainerRules

_ROUNDING = 1e-5
"""Share of the weights' norm by which they may differ after they were moved and moved back."""


def rule_steps_move_weights_by_their_optimizers_alone(case: Case) -> None:
    """With rates of 0 a step, and an evaluation after it, leave weights where they were, but for rounding.

    A step that moves weights to look elsewhere, as sharpness-aware minimisation does, has to move them back.
    """
    model = TrainerRules._model(case)
    trainer = TrainerRules._trainer(case, model)
    model.train()
    for optimizer in trainer.optimizers.values():
        for group in getattr(optimizer, "param_groups", ()):
            group["lr"] = 0.0
    before = _weights(model)
    for what in ("step", "evaluate"):
        batch = TrainerRules._batch(model)
        trainer.step(batch) if what == "step" else trainer.evaluate([batch])
        moved, norm = float((_weights(model) - before).norm()), float(before.norm())
        assert moved <= _ROUNDING * norm, f"{what} with rates of 0 leaves weights moved by {moved:.3g}"


def rule_constructor_and_options_agree(case: Case) -> None:
    """The constructor takes every option of the options class, and where it has a default, it is the same."""
    component = case.entry.component
    config = resolve_config(component)
    if config is None:
        return
    taken = inspect.signature(resolve_target(component)).parameters
    rest = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    assert rest or not config.model_fields.keys() - taken.keys(), "options that the constructor does not take"
    usual, parts = validate(config, {}, component.name), part_kinds(config)
    for name, parameter in taken.items():
        if name not in config.model_fields or name in parts or parameter.default is parameter.empty:
            continue
        own = getattr(validate(config, {name: parameter.default}, component.name), name)
        assert own == getattr(usual, name), f"two defaults of {name}"


def _weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().double() for p in model.parameters()])
