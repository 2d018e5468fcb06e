"""Options of the core's metrics, free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo import Options

Called = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class MetricOptions(Options):
    """Options of every metric."""

    called: Called | None = Field(None, description="name of the figure; by default that of the metric")


class AveragedOptions(MetricOptions):
    """Options of a figure that each class has."""

    average: Literal["macro", "micro", "weighted"] | None = Field(
        None,
        description="how the classes' figures become one: macro (the default) counts classes alike, weighted "
        "by their images, micro pools all answers; of two classes the figure is the second one's",
    )


class RankingOptions(MetricOptions):
    """Options of a figure of ranked answers."""

    average: Literal["macro", "weighted"] | None = Field(
        None, description="how the classes' figures become one: macro (the default) or weighted by images"
    )


class TopOptions(MetricOptions):
    """Options of the share of images whose class is among the first answers."""

    k: int = Field(5, ge=1, description="answers that are looked at")


class CalibrationOptions(MetricOptions):
    """Options of the calibration error."""

    bins: int = Field(15, ge=1, le=1000, description="intervals of confidence")
