"""Trainers with one optimizer and one loss: all but what the loss of a batch is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss, total
from zoo.interfaces.model import Model
from zoo.interfaces.prefix import cut, rows
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import TrainingError
from zoo.spec.schedule import Schedule, read_schedule
from zoo.trainers.optimizer import OPTIMIZERS, Rates, groups
from zoo.trainers.score import Score

LOSS_PART = "loss"
"""What a rate table calls the parameters that a loss owns."""

LOOSE_PART = "model"
"""What it calls those that belong to none of the model's networks."""


class GradientTrainer(Trainer):
    """Minimises a loss with one optimizer; a subclass says in `losses` what that is, and how to evaluate.

    Only parameters with gradients go into the optimizer; a frozen one is never moved by it.

    Args:
        epochs: passes over the training pictures.
        batch_size: pictures a step, over all processes.
        micro_batch_size: pictures at a time; the gradients of a batch's parts are added up, which saves
            memory and, batch norm apart, changes nothing else. None takes the whole batch at once.
        optimizer: `adam`, `adamw`, `sgd` or `rmsprop`.
        lr: one learning rate, or one by part of the model, e.g. `{"backbone": 1e-5, "head": 1e-3}`.
        schedule: name of a schedule, or a table with its options.
        clip_norm: gradients with a larger norm, all together, are scaled down to it; None leaves them.
        weight_decay: torch's own value where None.
        momentum: of sgd and rmsprop; 0 where None.
        monitor: value that says which epoch is best, such as `val_loss` or `val_accuracy`.
        early_stopping: stop after so many epochs without a better one; None never.

    Raises:
        OptionError: the schedule is unknown or does not fit.
    """

    schedule: Schedule

    def __init__(
        self,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        micro_batch_size: int | None = None,
        optimizer: str = "adam",
        lr: float | Mapping[str, float] = 1e-3,
        schedule: Schedule | str | Mapping[str, Any] = "constant",
        clip_norm: float | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        monitor: str = "val_loss",
        early_stopping: int | None = None,
    ) -> None:
        self.epochs, self.batch_size, self.micro_batch_size = epochs, batch_size, micro_batch_size
        self.optimizer, self.lr, self.schedule = optimizer, lr, read_schedule(schedule)
        self.clip_norm, self.monitor, self.early_stopping = clip_norm, monitor, early_stopping
        extra = {"weight_decay": weight_decay, "momentum": momentum}
        self._extra: dict[str, Any] = {name: value for name, value in extra.items() if value is not None}

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
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
        self._model, self._task, self._loss, self._execution = model, model.task, loss, execution
        self._score = Score(model.task, model.outputs, None, first_only=True)
        self.higher_is_better = self._score.higher_is_better(self.monitor)
        optimizer = OPTIMIZERS[self.optimizer](groups(_parts(model, loss), self.lr), **self._extra)
        self._rates = Rates(
            optimizer,
            self.schedule,
            epochs=self.epochs,
            steps=execution.steps,
            higher_is_better=self.higher_is_better,
        )
        self._optimizer = execution.wrap_optimizer(optimizer)
        self._parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._run = execution.wrap(self.network(model))

    def network(self, model: Model) -> nn.Module:
        """What is called in training, as `self._run`; the model itself where nothing else is needed."""
        return model

    @abstractmethod
    def losses(self, batch: Batch) -> tuple[Tensor, Tensor | dict[str, Tensor]]:
        """The model's output for a batch, and what is minimised: a scalar, or scalars by name."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the optimizer; returns the loss and its parts."""
        size = rows(batch)
        self._execution.begin(size)
        if self.micro_batch_size is None or size <= self.micro_batch_size:
            logged = self._pass(batch)
        else:
            logged = {}
            for part, last in cut(batch, self.micro_batch_size):
                with nullcontext() if last else self._execution.partial(self._run):
                    values = self._pass(part)
                for name, value in values.items():
                    logged[name] = logged.get(name, 0) + value * (rows(part) / size)
        self._execution.step(self._optimizer, self.clip_norm, self._parameters)
        self._rates.step()
        return logged

    def _pass(self, batch: Batch) -> dict[str, Tensor]:
        """Adds the gradients of some pictures."""
        with self._execution.precision():
            output, parts = self.losses(batch)
            loss = total(parts)
        self._execution.backward(loss, rows(batch))
        self._score.add(*self._execution.gather(output.detach(), batch))
        named = parts if isinstance(parts, dict) else {}
        return {"loss": loss.detach(), **{f"loss_{name}": value.detach() for name, value in named.items()}}

    def collect(self) -> dict[str, float]:
        """The task's first metric over the epoch's training pictures, as the model was at each step."""
        return self._score.values()

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Inside, the model is in inference mode and in the precision of the run, without gradients."""
        training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad(), self._execution.precision():
                yield
        finally:
            self._model.train(training)

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Lets the schedule see the watched value."""
        self._rates.end_epoch(values[self.monitor])

    @property
    def rates(self) -> dict[str, float]:
        """The present learning rate by part."""
        return self._rates.values

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The one optimizer."""
        return {self.optimizer: self._optimizer}

    def state_dict(self) -> dict[str, Any]:
        """Optimizer, schedule, and what the present epoch has scored so far."""
        return {**super().state_dict(), "rates": self._rates.state_dict(), "score": self._score.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        self._rates.load_state_dict(state["rates"])
        self._score.load_state_dict(state["score"])


def _parts(model: Model, loss: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Parameters by the names that a rate table takes.

    Raises:
        TrainingError: none of the model's has gradients.
    """
    parts = {name: list(network.parameters()) for name, network in model.networks.items()}
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
