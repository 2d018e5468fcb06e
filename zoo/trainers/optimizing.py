"""Trainers that move parameters by optimizers of the kit: options, optimizers, parts of a batch, state."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

from torch import nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.frozen_prefix import cut, rows
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import cuts_of
from zoo.interfaces.tasks import Task
from zoo.interfaces.trainer import Trainer
from zoo.spec.options import validate
from zoo.spec.trainers.options import GradientOptions
from zoo.spec.trainers.schedule import Schedule
from zoo.trainers.loss_cuts import check_cuts, shared_out
from zoo.trainers.optimizer import Optimizer
from zoo.trainers.rates import from_rates


class OptimizingTrainer(Trainer):
    """A trainer whose constructor takes the options of `config`, keyword-only, with the defaults there.

    Args:
        **options: fields of `config`.

    Raises:
        OptionError: an option is unknown or has a value that does not fit.

    Attributes:
        config: options class of the component; a subclass names its own.
        options: what was given, and the defaults of the rest.
        metrics: further figures for `zoo.trainers.Score`; objects once `zoo.fit` has the trainer.
        execution: through which networks and losses are run; set it in `setup`, before `add_optimizer`.
    """

    config: ClassVar[type[GradientOptions]] = GradientOptions
    options: GradientOptions
    execution: Execution
    schedule: Schedule

    def __init__(self, **options: Any) -> None:
        own = validate(self.config, options, f"trainer {type(self).__name__}")
        self.options = own
        self.epochs, self.batch_size, self.micro_batch_size = own.epochs, own.batch_size, own.micro_batch_size
        self.schedule, self.early_stopping, self.monitor = own.schedule, own.early_stopping, own.monitor
        self.metrics: tuple[object, ...] = getattr(own, "metrics", ())
        self._optimizers: dict[str, Optimizer] = {}
        # Whether the loss has to see the batch of all processes; None until `check_loss` knows
        self._whole: bool | None = None

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        # For `help` and editors, which would see **options alone
        cls.__signature__ = _signature(cls)  # type: ignore[attr-defined]

    def add_optimizer(
        self,
        name: str,
        parts: Mapping[str, Iterable[nn.Parameter]],
        *,
        lr: float | Mapping[str, float] | None = None,
        epochs: int | None = None,
        steps: float | None = None,
    ) -> Optimizer:
        """Makes an optimizer by the trainer's options; its state is saved and its rates are told from now on.

        Args:
            name: under which its state is saved.
            parts: parameters by the names that a table of rates takes.
            lr: rates; those of the options where None.
            epochs: that its schedule is spread over; the run's where None.
            steps: of it an epoch, on average; the execution's where None.

        Raises:
            OptionError: the rates do not fit the parts.
            TrainingError: nothing is trained.
        """
        self._optimizers[name] = Optimizer(
            parts,
            lr=self.options.lr if lr is None else lr,
            spec=self.options.settled_optimizer,
            schedule=self.schedule,
            epochs=self.epochs if epochs is None else epochs,
            steps=steps,
            clip_norm=self.options.clip_norm,
            higher_is_better=self.higher_is_better,
            execution=self.execution,
        )
        return self._optimizers[name]

    def passes(self, batch: Batch, network: nn.Module) -> Iterator[tuple[Batch, float]]:
        """Parts of at most `micro_batch_size` images, and the share of the batch that each is.

        Several processes share gradients in the last pass alone.

        Args:
            batch: of a step that has begun.
            network: from `execution.wrap`, whose gradients are added up.
        """
        size = rows(batch)
        parts = [part for part, _ in cut(batch, self.micro_batch_size)]
        loss = getattr(self, "loss", None)
        if isinstance(loss, nn.Module):
            whole = self._whole
            if whole is None:
                whole = self.micro_batch_size is None and cuts_of(loss) is False
            parts = shared_out(loss, parts, self.loss_target, self.execution, whole=whole)
        for number, part in enumerate(parts, 1):
            with nullcontext() if number == len(parts) else self.execution.partial(network):
                yield part, rows(part) / size

    def loss_target(self, batch: Batch) -> Any:
        """The target of a batch as the trainer's loss takes it; a subclass that prepares another says so."""
        return batch.get("target", batch.get("image"))

    def check_loss(self, loss: nn.Module, task: Task | None, outputs: int) -> None:
        """Raises OptionError where batches are cut whose loss is not that of their parts; call it in `setup`.

        Args:
            loss: of the run.
            task: of the model.
            outputs: of the model.
        """
        self._whole = check_cuts(
            loss, task, outputs, micro=self.micro_batch_size, batch=self.batch_size,
            processes=self.execution.processes,
        )  # fmt: skip

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Lets the schedules see the watched value."""
        for optimizer in self._optimizers.values():
            optimizer.end_epoch(values[self.monitor])

    @property
    def rates(self) -> dict[str, float]:
        """The present learning rate by part."""
        return {part: rate for own in self._optimizers.values() for part, rate in own.values.items()}

    @property
    def optimizers(self) -> dict[str, Optimizer]:
        """Optimizers from `add_optimizer`, by name."""
        return self._optimizers

    def state_dict(self) -> dict[str, Any]:
        """Optimizers with their schedules."""
        return {"optimizers": super().state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        known = state.get("optimizers") or self._earlier(state)
        super().load_state_dict(known)

    def _earlier(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The optimizers' states as version 0.1 saved them: rates apart, of several by optimizer."""
        rates = state["rates"]
        return {name: from_rates(state[name], rates.get(name, rates)) for name in self._optimizers}


def _signature(trainer: type[OptimizingTrainer]) -> inspect.Signature:
    """The constructor's own arguments, then the options that it hands on."""
    own = [p for p in inspect.signature(trainer.__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
    names = {p.name for p in own}
    rest = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.get_default(call_default_factory=True),
            annotation=field.annotation,
        )
        for name, field in trainer.config.model_fields.items()
        if name not in names
    ]  # fmt: skip
    return inspect.Signature([*own, *rest])
