"""Options of the core's own components; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from zoo.spec.options import Options
from zoo.spec.training import GradientOptions, Positive


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


class SupervisedOptions(GradientOptions):
    """Options of the supervised trainer."""


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


class GlyphsOptions(Options):
    """Options of the glyphs."""

    per_class: Annotated[int, Field(ge=3, le=10_000)] = Field(200, description="pictures of each letter")
    size: Annotated[int, Field(ge=8, le=256)] = Field(32, description="height and width in pixels")


class PhotosOptions(Options):
    """Options of the photographs."""

    size: Annotated[int, Field(ge=8, le=300)] = Field(
        96, description="height and width of a crop in pixels; photographs smaller than that are left out"
    )
    per_photo: PositiveInt | None = Field(
        None, description="keep only so many crops of each photograph, spread over it"
    )
