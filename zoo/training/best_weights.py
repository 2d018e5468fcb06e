"""Weights of the best epoch, kept until the run ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from zoo.interfaces.loss import Loss, fixed_left_out
from zoo.interfaces.model import Model


class BestWeights:
    """A copy of all that training can change in model and loss, of the best epoch so far.

    Args:
        model: that is trained.
        loss: whose parameters count too; None where there is none.
    """

    def __init__(self, model: Model, loss: Loss | None) -> None:
        self.modules = [model] if loss is None else [model, loss]
        fixed = {name for name, p in model.named_parameters() if not p.requires_grad}
        self.names = [[name for name in model.state_dict() if name not in fixed]]
        self.names += [] if loss is None else [[*fixed_left_out(loss)]]
        self.kept: list[dict[str, Tensor]] = []

    def widen(self) -> list[str]:
        """Takes in parameters that can be trained from now on; returns their names.

        They were fixed until now, so the best epoch had them as they are.
        """
        known = set(self.names[0])
        new = {n: p for n, p in self.modules[0].named_parameters() if p.requires_grad and n not in known}
        self.names[0] += new
        if self.kept:
            self.kept[0] |= {name: p.detach().clone() for name, p in new.items()}
        return [*new]

    def present(self) -> list[dict[str, Tensor]]:
        """The present values by name, of the model and then of the loss; no copies."""
        states = [module.state_dict() for module in self.modules]
        return [
            {name: state[name].detach() for name in names}
            for state, names in zip(states, self.names, strict=True)
        ]

    def keep(self) -> None:
        """Takes the present values for the best."""
        self.kept = [{name: value.clone() for name, value in values.items()} for values in self.present()]

    def is_present(self) -> bool:
        """Whether the best is what the model holds now, so that one copy tells both."""
        tables = zip(self.kept, self.present(), strict=False)
        pairs = [(kept[name], now[name]) for kept, now in tables for name in kept]
        # What a checkpoint held lies in memory, the model perhaps on an accelerator.
        return bool(pairs) and all(a.device == b.device and torch.equal(a, b) for a, b in pairs)

    def take_up(
        self,
        present: Sequence[Mapping[str, Tensor]],
        best: Sequence[Mapping[str, Tensor]] | None,
    ) -> None:
        """Goes on from a checkpoint.

        Args:
            present: the values that training goes on from, as `present` gives them.
            best: those of the best epoch; the present ones where None.
        """
        self.names[0] = [*dict.fromkeys([*self.names[0], *present[0]])]
        self.kept = [dict(values) for values in (present if best is None else best)]
        self.put(present)

    def restore(self) -> None:
        """Gives model and loss their best values; where none were kept they stay as they are."""
        self.put(self.kept or self.present())

    def put(self, values: Sequence[Mapping[str, Tensor]]) -> None:
        """Writes values, as `present` gives them, into model and loss."""
        with torch.no_grad():
            for module, wanted in zip(self.modules, values, strict=True):
                state = module.state_dict()
                for name, value in wanted.items():
                    state[name].copy_(value)
