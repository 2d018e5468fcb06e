"""Options that every trainer has; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from zoo.spec.options import Options
from zoo.spec.schedule import AnySchedule, Schedule

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MOMENTUM = ("sgd", "rmsprop")
"""The optimizers that take a momentum."""

Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
Rate = Positive | dict[str, Positive]


class TrainerOptions(Options):
    """What the engine asks of every trainer."""

    epochs: PositiveInt = Field(10, description="passes over the training pictures")
    batch_size: PositiveInt = Field(32, description="pictures a step, over all processes")
    micro_batch_size: PositiveInt | None = Field(
        None, description="pictures at a time: a batch is cut and its gradients added up, which saves memory"
    )
    monitor: str = Field("val_loss", description="value that says which epoch is best")
    early_stopping: PositiveInt | None = Field(
        None, description="stop after so many epochs in which the watched value did not get better"
    )


class GradientOptions(TrainerOptions):
    """What a trainer with one optimizer has besides."""

    optimizer: Optimizer = Field("adam", description="torch's optimizer")
    lr: Rate = Field(
        1e-3, description="learning rate, or one for each part of the model: {backbone = 1e-5, head = 1e-3}"
    )
    schedule: AnySchedule = Field(
        Schedule(),
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
    momentum: float | None = Field(None, ge=0, lt=1, description="of sgd and rmsprop; 0 where not given")

    @model_validator(mode="after")
    def _momentum_applies(self) -> GradientOptions:
        if self.momentum is not None and self.optimizer not in MOMENTUM:
            raise ValueError(f"momentum belongs to {' and '.join(MOMENTUM)}, not to {self.optimizer}")
        return self
