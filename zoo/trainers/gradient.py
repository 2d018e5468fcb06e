"""Trainers with one optimizer and one loss: all but what the loss of a batch is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.frozen_prefix import rows
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss, total
from zoo.interfaces.loss_division import SHARE
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.spec.errors import TrainingError
from zoo.trainers.logs import Parts, add_up, losses_by_name
from zoo.trainers.optimizer import Optimizer
from zoo.trainers.optimizing import OptimizingTrainer
from zoo.trainers.score import Score

LOSS_PART = "loss"
"""What a rate table calls the parameters that a loss owns."""

LOOSE_PART = "model"
"""What it calls those that belong to none of the model's networks."""


class GradientTrainer(OptimizingTrainer):
    """Minimises a loss with one optimizer; a subclass says in `losses` what that is, and how to evaluate.

    Only parameters with gradients go into the optimizer; a frozen one is never moved by it. A subclass with
    another step, of two passes say, has its own `step`, and calls `add_gradients` and `self.optimizer.step`.

    Args:
        **options: of `zoo.spec.trainers.options.GradientOptions`, or of the subclass' `config`.

    Attributes:
        model: to train.
        task: of the model.
        loss: to minimise.
        network: what is called in training, through which several processes share gradients.
        optimizer: of model and loss.
        score: the task's first metric over the present epoch.
    """

    model: Model
    task: Task
    loss: Loss
    network: nn.Module
    optimizer: Optimizer
    score: Score

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes the model and the loss, and makes the optimizer.

        Raises:
            TrainingError: the model has no task, there is no loss, or nothing to train.
            OptionError: the rate table names a part that the model has not, or lacks one that it trains; or
                batches are cut, and the loss looks at a batch as a whole.
        """
        if model.task is None:
            got, hint = "a feature extractor", "build it with head="
            raise TrainingError("fit", expected="a model with a head", got=got, hint=hint)
        if loss is None:
            problem = f"task {model.task.name} has no loss of its own"
            raise TrainingError(problem, expected="loss=", got="none")
        self.model, self.task, self.loss, self.execution = model, model.task, loss, execution
        self.check_loss(loss, model.task, model.outputs)
        self.score = Score(
            model.task, model.outputs, None, first_only=True, metrics=self.metrics, labels=model.labels
        )
        # Before the optimizer is made, whose plateau reads it
        self.higher_is_better = self.score.higher_is_better(self.monitor)
        self.optimizer = self.add_optimizer(self.options.optimizer.name, _parts(model, loss))
        self.network = execution.wrap(self.trained_network(model))

    def trained_network(self, model: Model) -> nn.Module:
        """The module that training calls as `self.network`; the model itself where nothing else is needed."""
        return model

    @abstractmethod
    def losses(self, batch: Batch) -> tuple[Tensor, Parts]:
        """The model's output for a batch, and what is minimised: a scalar, or scalars by name."""

    def loss_target(self, batch: Batch) -> Any:
        """The target as the task prepares it."""
        return self.task.target(batch["target"], self.model.outputs)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the optimizer; returns the loss and its parts."""
        self.execution.begin(rows(batch))
        logged = self.add_gradients(batch)
        self.optimizer.step()
        return logged

    def add_gradients(self, batch: Batch, *, scored: bool = True) -> dict[str, Tensor]:
        """Adds the gradients of a batch, part by part; returns the loss and its parts.

        Args:
            batch: of a step that has begun.
            scored: whether the outputs count in the epoch's metric.
        """
        logged: dict[str, Tensor] = {}
        for part, share in self.passes(batch, self.network):
            with self.execution.precision():
                output, parts = self.losses(part)
                # Where a subclass calls its loss by itself
                if (own := part.get(SHARE)) is not None and not own.applied:  # type: ignore[attr-defined]
                    parts = own.apply(parts)  # type: ignore[attr-defined]
                loss = total(parts)
            # Outside of autocast, as torch recommends
            self.execution.backward(loss, rows(part))
            if scored:
                self.score.add(*self.execution.gather(output.detach(), part))
            add_up(logged, losses_by_name(loss, parts), share)
        return logged

    def collect(self) -> dict[str, float]:
        """The task's first metric over the epoch's training images, as the model was at each step."""
        return self.score.values()

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Puts model and loss into inference mode and the precision of the run, without gradients."""
        training = self.model.training
        self.model.eval()
        try:
            with kept_modes(self.loss), torch.no_grad(), self.execution.precision():
                self.loss.eval()
                yield
        finally:
            self.model.train(training)

    def state_dict(self) -> dict[str, Any]:
        """Optimizer, schedule, and what the present epoch has scored so far."""
        return {**super().state_dict(), "score": self.score.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        self.score.load_state_dict(state["score"])


def _parts(model: Model, loss: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Parameters by the names that a rate table takes.

    Raises:
        TrainingError: none of the model's has gradients.
    """
    parts = {name: list(network.parameters()) for name, network in model.networks.items()}
    # By identity: `in` would compare the values of tensors
    inside = {id(p) for owned in parts.values() for p in owned}
    if loose := [p for p in model.parameters() if id(p) not in inside]:
        parts[LOOSE_PART] = loose
    if not any(p.requires_grad for owned in parts.values() for p in owned):
        raise TrainingError(
            "nothing to train",
            expected="at least one trainable parameter",
            got="all frozen",
            hint='unfreeze some blocks with model.unfreeze("...")',
        )
    return {**parts, LOSS_PART: own} if (own := list(loss.parameters())) else parts
