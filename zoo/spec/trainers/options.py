"""Options that every trainer has; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PositiveInt, WithJsonSchema, model_validator

from zoo.spec.options import Options, PartOf, RefValue
from zoo.spec.trainers.any_optimizer import AnyOptimizer, with_options
from zoo.spec.trainers.early_stopping import AnyEarlyStopping
from zoo.spec.trainers.optimizers import OptimizerOptions
from zoo.spec.trainers.schedule import AnySchedule, Schedule

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Type of an option: a number above 0."""

Rate = Positive | dict[str, Positive]
"""Type of an option: a learning rate, or one for each part of a model by its name."""


class TrainerOptions(Options):
    """Options of every trainer, which the engine reads."""

    epochs: PositiveInt = Field(10, description="passes over the training images")
    batch_size: PositiveInt = Field(32, description="images a step, over all processes")
    micro_batch_size: PositiveInt | None = Field(
        None, description="images at a time: a batch is cut and its gradients added up, which saves memory"
    )
    monitor: str = Field("val_loss", description="value that says which epoch is best")
    early_stopping: AnyEarlyStopping | None = Field(
        None,
        description="stop after so many epochs in which the watched value did not get better, or a table "
        "such as {patience = 3, min_delta = 0.001}",
    )


BESIDE = frozenset({"weight_decay", "momentum", "betas"})
"""Options of an optimizer that trainers have beside its table."""


class GradientOptions(TrainerOptions):
    """Options of a trainer with optimizers."""

    optimizer: AnyOptimizer = Field(
        "adam",
        validate_default=True,  # the name becomes the options of that optimizer
        description="torch's optimizer by name: adam, adamw, nadam, radam, adamax, adagrad, adadelta, "
        "adafactor, asgd, rprop, rmsprop, sgd, muon, or a table with its own options such as "
        "{name = 'rmsprop', alpha = 0.9, eps = 1e-7}",
    )
    lr: Rate = Field(
        1e-3, description="learning rate, or one for each part of the model: {backbone = 1e-5, head = 1e-3}"
    )
    schedule: AnySchedule = Field(
        Schedule(),  # options are frozen, so that one instance can be everybody's default
        description="how the rate changes: constant, linear, cosine, one-cycle, step, exponential, plateau, "
        "or a table such as {name = 'step', every = 10, by = 0.1, warmup = 1}",
    )
    clip_norm: Positive | None = Field(
        None, description="largest norm of the gradients, which are scaled to it"
    )
    weight_decay: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="L2 penalty, in adamw decoupled; by default torch's own value",
    )
    momentum: float | None = Field(
        None, ge=0, lt=1, description="of sgd and rmsprop, 0 where not given, and of muon"
    )

    @model_validator(mode="after")
    def _belongs_to_the_optimizer(self) -> GradientOptions:
        self.settled_optimizer  # noqa: B018 - raises
        return self

    @property
    def settled_optimizer(self) -> OptimizerOptions:
        """The optimizer with what stands beside its table.

        Example:
            >>> GradientOptions(weight_decay=0.1).settled_optimizer.values["weight_decay"]
            0.1
        """
        return with_options(self.optimizer, self.beside_optimizer)

    @classmethod
    def continued(cls, before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Recorded options with newly given ones: another optimizer leaves what belonged to the old one.

        Example:
            >>> before = {"optimizer": {"name": "sgd", "momentum": 0.9}, "lr": 0.1}
            >>> GradientOptions.continued(before, {"momentum": 0.5})
            {'optimizer': {'name': 'sgd'}, 'lr': 0.1, 'momentum': 0.5}
        """
        merged, table = {**before, **given}, before.get("optimizer")
        beside = cls.model_fields.keys() & BESIDE
        if "optimizer" in given:
            return {name: value for name, value in merged.items() if name in given or name not in beside}
        if isinstance(table, Mapping):
            merged["optimizer"] = {name: value for name, value in table.items() if name not in given}
        return merged

    def effective(self) -> Self:
        """The optimizer's table says all of it.

        Example:
            >>> options = GradientOptions(optimizer="sgd", momentum=0.9).effective()
            >>> options.optimizer.values["momentum"], options.momentum
            (0.9, None)
        """
        alone = dict.fromkeys(self.beside_optimizer)
        return self.model_copy(update={"optimizer": self.settled_optimizer, **alone})

    @property
    def beside_optimizer(self) -> Mapping[str, Any]:
        """Options of the optimizer that stand beside its table; None for those that are not given."""
        return {"weight_decay": self.weight_decay, "momentum": self.momentum}


def _metric(value: Any) -> Any:
    """A reference, or an object that can be measured with, which no file holds."""
    if isinstance(value, str | Mapping) or callable(
        getattr(value, "measure", getattr(value, "compute", None))
    ):
        return value
    raise ValueError("metrics by name, tables of a name and options, or metric objects")


class MeasuredOptions(GradientOptions):
    """Options of a trainer with optimizers that measures the task's figures on validation images."""

    metrics: Annotated[
        tuple[
            Annotated[
                RefValue | Any,
                BeforeValidator(_metric),
                WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
            ],
            ...,
        ],
        BeforeValidator(lambda value: (value,) if isinstance(value, str | Mapping) else value),
        PartOf("metric"),
    ] = Field((), description="figures beside those of the task, by name: ['precision', 'recall']")
