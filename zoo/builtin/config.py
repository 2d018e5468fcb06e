"""Options of the core's own components; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from zoo.spec.options import Options

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MOMENTUM = ("sgd", "rmsprop")
"""The optimizers that take a momentum."""


class PooledOptions(Options):
    """Options of the pooling heads."""

    pool: Literal["avg", "max", "avgmax", "flatten"] = Field(
        "avg", description="how a map becomes a vector; avgmax puts both side by side"
    )
    hidden: tuple[PositiveInt, ...] = Field(
        (), description="widths of the hidden layers, each followed by ReLU and dropout"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the values dropped in front of the last layer"
    )
    taps: tuple[str, ...] = Field(
        (), description="blocks or taps to take, pooled and put side by side; nothing means the last map"
    )


class EmbeddingOptions(PooledOptions):
    """Options of the embedding head."""

    dim: PositiveInt = Field(128, description="length of the vector")
    normalise: bool = Field(True, description="scale each vector to length one")


class BCEOptions(Options):
    """Options of the binary cross-entropy."""

    positive_weight: Positive = Field(1.0, description="weight of the second class against the first")


class CrossEntropyOptions(Options):
    """Options of the cross-entropy."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    class_weights: tuple[Positive, ...] | None = Field(None, description="one weight a class, in their order")


class SupervisedOptions(Options):
    """Options of the supervised trainer."""

    epochs: PositiveInt = Field(10, description="passes over the training pictures")
    batch_size: PositiveInt = Field(32, description="pictures a step")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field("adam", description="torch's optimizer")
    lr: Positive | dict[str, Positive] = Field(
        1e-3, description="learning rate, or one for each part of the model: {backbone = 1e-5, head = 1e-3}"
    )
    weight_decay: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="L2 penalty, in adamw decoupled; by default torch's own value",
    )
    momentum: float | None = Field(None, ge=0, lt=1, description="of sgd and rmsprop; 0 where not given")

    @model_validator(mode="after")
    def _momentum_applies(self) -> SupervisedOptions:
        if self.momentum is not None and self.optimizer not in MOMENTUM:
            raise ValueError(f"momentum belongs to {' and '.join(MOMENTUM)}, not to {self.optimizer}")
        return self


class DigitsOptions(Options):
    """Options of the digits."""

    per_class: PositiveInt | None = Field(
        None, description="keep so many pictures of each digit, the first ones"
    )


class FacesOptions(Options):
    """Options of the faces."""

    per_class: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="keep only so many pictures of each class, the first ones"
    )
