"""Learning-rate schedules by name, as functions of how far training has come; free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from zoo.spec.options import Options, validate

Share = Annotated[float, Field(ge=0, le=1)]


class Schedule(Options):
    """The factor of the learning rate over the epochs; this one is 1 throughout.

    Attributes:
        warmup: epochs, also a part of one, in which the rate first rises linearly from nothing.
    """

    name: Literal["constant"] = "constant"
    warmup: float = Field(0.0, ge=0, allow_inf_nan=False, description="epochs in which the rate first rises")

    def factor(self, done: float, epochs: int) -> float:
        """The factor of the rate at a time of the run.

        Args:
            done: epochs behind, as a real number.
            epochs: of the whole run.

        Example:
            >>> schedule = read_schedule({"name": "cosine", "warmup": 1})
            >>> [round(schedule.factor(done, 5), 3) for done in (0.5, 1, 3, 5)]
            [0.5, 1.0, 0.5, 0.0]
        """
        if done < self.warmup:
            return done / self.warmup
        # A run may be shorter than its warm-up
        return self.shape(done - self.warmup, max(epochs - self.warmup, 0.0))

    def shape(self, done: float, epochs: float) -> float:
        """The multiplier after the warm-up, of `done` epochs among `epochs`."""
        return 1.0

    @property
    def moves(self) -> bool:
        """Whether the multiplier ever changes with time alone."""
        return type(self) is not Schedule or self.warmup > 0

    @property
    def stretches(self) -> bool:
        """Whether the multiplier depends on how many epochs the run has.

        Example:
            >>> [read_schedule(name).stretches for name in ("cosine", "exponential")]
            [True, False]
        """
        return isinstance(self, Linear | Cosine | OneCycle)


class Linear(Schedule):
    """Falls linearly to `end` times the rate."""

    name: Literal["linear"]  # type: ignore[assignment]
    end: Share = Field(0.0, description="share of the rate that is left at the end")

    def shape(self, done: float, epochs: float) -> float:
        return self.end + (1 - self.end) * (1 - _share(done, epochs))


class Cosine(Schedule):
    """Falls along half a cosine to `end` times the rate (Loshchilov and Hutter, 2017, without restarts)."""

    name: Literal["cosine"]  # type: ignore[assignment]
    end: Share = Field(0.0, description="share of the rate that is left at the end")

    def shape(self, done: float, epochs: float) -> float:
        return _cosine(1.0, self.end, _share(done, epochs))


class OneCycle(Schedule):
    """Rises from `start` to the full rate and falls to nearly nothing (Smith, 2018), both along a cosine."""

    name: Literal["one-cycle"]  # type: ignore[assignment]
    # Torch's OneCycleLR: 1 / div_factor = 1 / 25, and that by final_div_factor = 10 000 at the end
    start: Share = Field(0.04, description="share of the rate to begin with")
    end: Share = Field(4e-6, description="share of the rate that is left at the end")
    peak: float = Field(0.3, gt=0, lt=1, description="where in the run the full rate is reached")

    def shape(self, done: float, epochs: float) -> float:
        at = _share(done, epochs)
        if at < self.peak:
            return _cosine(self.start, 1.0, at / self.peak)
        return _cosine(1.0, self.end, (at - self.peak) / (1 - self.peak))


class Step(Schedule):
    """Multiplies by `by` every so many epochs."""

    name: Literal["step"]  # type: ignore[assignment]
    every: PositiveInt = Field(description="epochs between two steps")
    by: float = Field(0.1, gt=0, le=1, description="multiplier at each step")

    def shape(self, done: float, epochs: float) -> float:
        # `done` is a quotient less the warm-up, and may come out just below the epoch that it is
        return float(self.by ** (math.floor(done + 1e-9) // self.every))


class Exponential(Schedule):
    """Multiplies by `by` every epoch, smoothly."""

    name: Literal["exponential"]  # type: ignore[assignment]
    by: float = Field(0.9, gt=0, le=1, description="multiplier an epoch")

    def shape(self, done: float, epochs: float) -> float:
        return float(self.by**done)


class Plateau(Schedule):
    """Multiplies by `by` where the watched value has not got better for `patience` epochs."""

    name: Literal["plateau"]  # type: ignore[assignment]
    warmup: Literal[0] = Field(0, description="none: only the watched value moves the rate")
    by: float = Field(0.1, gt=0, lt=1, description="multiplier each time")
    patience: int = Field(3, ge=0, description="epochs without a better value to wait")
    min_delta: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="what a value has to be better by to count; by default a ten-thousandth of the best",
    )
    cooldown: int = Field(0, ge=0, description="epochs after each time in which nothing is waited for")
    min_lr: float = Field(0.0, ge=0, allow_inf_nan=False, description="rate to stop at")

    @model_validator(mode="before")
    @classmethod
    def _earlier_name(cls, value: Any) -> Any:
        """Version 0.1 called `min_lr` `least`."""
        if not isinstance(value, Mapping) or "least" not in value or "min_lr" in value:
            return value
        return {("min_lr" if name == "least" else name): item for name, item in value.items()}

    @property
    def moves(self) -> bool:
        return False


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


AnySchedule = Annotated[
    Annotated[
        Schedule | Linear | Cosine | OneCycle | Step | Exponential | Plateau, Field(discriminator="name")
    ],
    BeforeValidator(_named),
]
"""A schedule by name, or a table of name and options."""


class _Holder(Options):
    schedule: AnySchedule


def read_schedule(value: Any) -> Schedule:
    """A schedule from its name, a table, or itself.

    Raises:
        OptionError: there is none of that name, or an option does not fit.
    """
    return (
        value if isinstance(value, Schedule) else validate(_Holder, {"schedule": value}, "trainer").schedule
    )


def _share(done: float, epochs: float) -> float:
    # Without epochs, where the warm-up takes the whole run, it is at its end
    return min(done / epochs, 1.0) if epochs > 0 else 1.0


def _cosine(start: float, end: float, at: float) -> float:
    # Half a cosine, from `start` where `at` is 0 to `end` where it is 1
    return end + (start - end) * (1 + math.cos(math.pi * at)) / 2
