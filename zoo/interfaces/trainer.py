"""The trainer contract: what one step is. The loop around it is the engine's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.records.fields import Fields
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.spec.trainers.early_stopping import EarlyStopping
from zoo.spec.trainers.schedule import Schedule


class Stateful(Protocol):
    """An object that is saved by its state, as torch's optimizers are."""

    def state_dict(self) -> dict[str, Any]:
        """Plain data and tensors."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """The reverse of `state_dict`."""
        ...


class Trainer(ABC):
    """A training step: which parameters are optimised by what, and what one batch does.

    A subclass' constructor takes the options of its config class, keyword-only. The engine calls `setup`,
    then for each epoch `step` for every training batch (on the device, augmented), `collect`, `evaluate`, and
    `end_epoch` with all values of the epoch: means of what `step` returned, what `collect` returned, and
    what `evaluate` returned with `val_` in front. Between any two steps it may ask for `state_dict`.

    Attributes:
        epochs: how many to run.
        batch_size: images a step, over all processes.
        monitor: the value of an epoch that says which was best, e.g. `val_loss`; `epoch`, with
            `higher_is_better`, means the last.
        higher_is_better: how to read it.
        early_stopping: epochs without a better one after which the engine stops, alone or with what counts
            as better; None goes on to the end.
        schedule: how the learning rates change; None where that is not said, and then a run cannot be
            resumed for more epochs than it was begun with.
        charts: for the curves of a run, titles and the values of an epoch that each draws; where empty, loss
            and first metric.
        takes_prefix: whether batches may hold what a model's frozen prefix returned in the place of `image`;
            see `zoo.interfaces.blocks.frozen_prefix.model_input`.
        takes_augment: whether training images may be augmented; not where a model learns to make images like
            them, and would make augmented ones.
        fields: further images and targets that a step takes from each batch, beside those of the model; see
            `zoo.interfaces.Fields`.
    """

    epochs: int
    batch_size: int
    monitor: str = "val_loss"
    higher_is_better: bool = False
    early_stopping: int | EarlyStopping | None = None
    schedule: Schedule | None = None
    charts: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    takes_prefix: bool = False
    takes_augment: bool = True
    fields: Fields = MappingProxyType({})

    @abstractmethod
    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes the model, on its device, and makes the optimizers.

        Args:
            model: to train.
            loss: to minimise; None where there is none.
            execution: through which networks, losses and optimizers are run.

        Raises:
            TrainingError: nothing is trainable, or the model's task does not fit.
        """

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Trains on one batch; returns detached scalars to log."""

    @abstractmethod
    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and metrics over batches in inference mode, by name; leaves the model as it was."""

    def collect(self) -> dict[str, float]:
        """Figures of the epoch's steps that no mean of steps gives, such as a metric; starts anew."""
        return {}

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:  # noqa: B027 - most need nothing
        """Takes note of an epoch's end, with all its values; schedules go on here."""

    def draw(self) -> dict[str, ImageGrid]:
        """Images to be looked at, after an epoch: sheets by name, e.g. samples; none by default."""
        return {}

    def finish(self) -> None:  # noqa: B027 - most need nothing
        """Finishes, after the last epoch, when the model has the weights of the best one."""

    def check_longer(self, before: int) -> None:  # noqa: B027 - for most there is nothing to refuse
        """Refuses other `epochs` for a resumed run where need be; called before `setup`.

        Args:
            before: epochs that it was begun with.

        Raises:
            TrainingError: to go on for more of them has no clear meaning.
        """

    @property
    def rates(self) -> dict[str, float]:
        """The present learning rate by part; empty where there is none to tell."""
        return {}

    @property
    @abstractmethod
    def optimizers(self) -> Mapping[str, Stateful]:
        """Optimizers of the kit or of torch by name; their states are saved."""

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs besides the model."""
        return {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state[name])


TrainerLike = Trainer | str | Mapping[str, Any]
"""A trainer by name, as a table of name and options, or an object."""
