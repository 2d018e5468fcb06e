"""The first trainer: one optimizer, one loss, pictures with targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.loss import Loss, total
from zoo.interfaces.model import Model
from zoo.interfaces.scoring import Score
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import OptionError, TrainingError, listing, near, quote

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}

LOSS_PART = "loss"
"""What a rate table calls the parameters that a loss owns."""


class Supervised(Trainer):
    """Minimises the task's loss over pictures with targets.

    Only parameters with gradients go into the optimizer; a frozen one is never moved by it.

    Args:
        epochs: passes over the training pictures.
        batch_size: pictures a step.
        optimizer: `adam`, `adamw`, `sgd` or `rmsprop`.
        lr: one learning rate, or one by part of the model, e.g. `{"backbone": 1e-5, "head": 1e-3}`.
        weight_decay: torch's own value where None.
        momentum: of sgd and rmsprop; 0 where None.
    """

    def __init__(
        self,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: str = "adam",
        lr: float | Mapping[str, float] = 1e-3,
        weight_decay: float | None = None,
        momentum: float | None = None,
    ) -> None:
        self.epochs, self.batch_size = epochs, batch_size
        self.optimizer, self.lr = optimizer, lr
        extra = {"weight_decay": weight_decay, "momentum": momentum}
        self._extra: dict[str, Any] = {name: value for name, value in extra.items() if value is not None}

    def setup(self, model: Model, loss: Loss | None) -> None:
        """Takes the model and the loss, and makes the optimizer.

        Raises:
            TrainingError: the model has no task, there is no loss, or nothing to train.
            OptionError: the rate table names a part that the model has not, or lacks one that it trains.
        """
        if model.task is None:
            got, hint = "a feature extractor", "build it with head="
            raise TrainingError("fit", expected="a model with a head", got=got, hint=hint)
        if loss is None:
            problem = f"task {model.task.name} has no loss of its own"
            raise TrainingError(problem, expected="loss=", got="none")
        self._model, self._task, self._loss = model, model.task, loss
        self._score = Score(model.task, model.outputs, None, first_only=True)
        self._optimizer = OPTIMIZERS[self.optimizer](self._groups(model, loss), **self._extra)

    def _groups(self, model: Model, loss: nn.Module) -> list[dict[str, Any]]:
        """One parameter group a part, with its rate."""
        parts = {**model.networks, **({LOSS_PART: loss} if any(True for _ in loss.parameters()) else {})}
        owned = {name: [p for p in part.parameters() if p.requires_grad] for name, part in parts.items()}
        inside = {id(p) for part in parts.values() for p in part.parameters()}
        loose = [p for p in model.parameters() if p.requires_grad and id(p) not in inside]
        if not any(owned[name] for name in model.networks) and not loose:
            raise TrainingError(
                "nothing to train",
                expected="at least one trainable parameter",
                got="all frozen",
                hint='unfreeze some blocks with model.unfreeze("...")',
            )
        groups = [
            {"name": name, "params": p, "lr": self._rate(name, parts)} for name, p in owned.items() if p
        ]
        if loose:
            groups.append({"name": "model", "params": loose, "lr": self._rate("model", [*parts, "model"])})
        self._check_table([*parts, *(["model"] if loose else [])])
        return groups

    def _rate(self, part: str, parts: Iterable[str]) -> float:
        if not isinstance(self.lr, Mapping):
            return self.lr
        if part not in self.lr:
            self._check_table(list(parts))
            got, hint = listing(self.lr), f"add {part} to the table, or freeze it"
            raise OptionError("lr", expected=f"a rate for {part}", got=got, hint=hint)
        return self.lr[part]

    def _check_table(self, parts: list[str]) -> None:
        for name in self.lr if isinstance(self.lr, Mapping) else ():
            if name not in parts:
                hint = near(name, parts)
                raise OptionError("lr: unknown part", expected=listing(parts), got=quote(name), hint=hint)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the optimizer; returns the loss and its parts."""
        output = self._model(batch["image"])
        parts = self._loss(output, self._task.target(batch["target"], self._model.outputs))
        loss = total(parts)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._score.add(output, batch)
        named = parts if isinstance(parts, dict) else {}
        return {"loss": loss.detach(), **{f"loss_{name}": value.detach() for name, value in named.items()}}

    def collect(self) -> dict[str, float]:
        """The task's first metric over the epoch's training pictures, as the model was at each step."""
        return self._score.values()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and the task's metrics, with the model in inference mode for the time being."""
        score = Score(self._task, self._model.outputs, self._loss)
        training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad():
                for batch in batches:
                    score.add(self._model(batch["image"]), batch)
        finally:
            self._model.train(training)
        return score.values()

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The one optimizer."""
        return {self.optimizer: self._optimizer}
