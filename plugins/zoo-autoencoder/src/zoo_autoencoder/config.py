"""Options of the components, free of torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator

from zoo import MeasuredOptions, Options, PartOf, RefValue


class ConvEncoderOptions(Options):
    """Options of the convolutional encoder."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = Field(
        (32, 64), description="channels of each block; each block halves the map"
    )
    batch_norm: bool = Field(True, description="batch norm after each convolution")


class AutoencoderOptions(Options):
    """Options of the autoencoder."""

    encoder: Annotated[RefValue, PartOf("backbone")] = Field(
        "conv_encoder", description="any backbone; the decoder mirrors its widths and reductions"
    )
    latent: PositiveInt | Literal["map"] = Field(
        "map", description="length of the vector between encoder and decoder, 2 to plot it; map keeps the map"
    )
    variational: bool = Field(
        False, description="the encoder gives mean and variance, of which training draws; it can then sample"
    )
    input_size: tuple[PositiveInt, PositiveInt] | None = Field(
        None, description="height and width of the images; the encoder's where not given"
    )

    @field_validator("latent", mode="before")
    @classmethod
    def _latent(cls, value: Any) -> Any:
        if value != "map" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ValueError("a number from 1 on, or map")
        return value


class AutoencoderTrainerOptions(MeasuredOptions):
    """Options of the trainer."""

    noise: float = Field(
        0.0,
        ge=0,
        le=1,
        description="standard deviation of noise on the images, whose values are 0 to 1",
    )
    mask: float = Field(0.0, ge=0, lt=1, description="share of the pixels set to 0")
    beta: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="weight of a variational model's Kullback-Leibler divergence, per value of an image; 1 "
        "where not given",
    )
