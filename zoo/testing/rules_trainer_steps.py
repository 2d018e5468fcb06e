"""The contract of a trainer's steps: what they leave behind, and where its defaults stand."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.registry.loading import resolve_config, resolve_target
from zoo.testing.case import Case
from zoo.testing.rules_trainer import batch_for, model_for, trainer_for

_ROUNDING = 1e-5
"""Share of the weights' norm by which they may differ after they were moved and moved back."""


def rule_steps_move_weights_by_their_optimizers_alone(case: Case) -> None:
    """With rates of 0 a step, and an evaluation after it, leave weights where they were, but for rounding.

    A step that moves weights to look elsewhere, as sharpness-aware minimisation does, has to move them back.
    """
    model = model_for(case)
    trainer = trainer_for(case, model)
    model.train()
    # A rate of 0 turns off weight decay as well, which torch multiplies with it
    for optimizer in trainer.optimizers.values():
        for group in getattr(optimizer, "param_groups", ()):
            group["lr"] = 0.0
    before = _weights(model)
    for what in ("step", "evaluate"):
        batch = batch_for(model, trainer)
        trainer.step(batch) if what == "step" else trainer.evaluate([batch])
        moved, norm = float((_weights(model) - before).norm()), float(before.norm())
        assert moved <= _ROUNDING * norm, f"{what} with rates of 0 leaves weights moved by {moved:.3g}"


def rule_its_options_are_the_declared_ones(case: Case) -> None:
    """A trainer of the kit that takes its options from a class takes them from the one it declares."""
    component = case.entry.component
    own = getattr(resolve_target(component), "config", None)
    assert own in {None, resolve_config(component)}, f"its config is {own}, declared is {component.config}"


def _weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().double() for p in model.parameters()])
