"""Options of the components, free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo import Options, PartOf, RefValue

Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class UNetOptions(Options):
    """Options of the U-Net."""

    encoder: Annotated[RefValue, PartOf("backbone")] = Field(
        default="unet_encoder", description="Any backbone that makes maps of images of every size."
    )
    decoder_widths: tuple[Count, ...] | None = Field(
        default=None,
        description="Channels after each up-sampling, the coarsest first. By default those of the encoder's "
        "maps where it has one at full resolution, as in the paper; else 256, 128, 64, 32, 16.",
    )
    batch_norm: bool = Field(default=True, description="Batch norm after the decoder's 3x3 convolutions.")
    residual: bool = Field(
        default=False, description="A shortcut around each pair of the decoder's convolutions."
    )
    skips: bool = Field(
        default=True, description="Hand the encoder's finer maps to the decoder; without, an encoder-decoder."
    )
    dropout: Rate = Field(
        default=0.0, description="Share of the coarsest map dropped in front of the decoder."
    )


class UNetEncoderOptions(Options):
    """Options of the classic contracting path."""

    widths: Counts = Field(
        default=(64, 128, 256, 512, 1024),
        description="Channels of each block; each but the first halves the map.",
    )
    batch_norm: bool = Field(
        default=True, description="Batch norm after each convolution; the paper has none."
    )
    residual: bool = Field(default=False, description="A shortcut around each pair of convolutions.")


class SequentialCNNOptions(Options):
    """Options of the plain convolutions in a row."""

    channels: Counts = Field(default=(32, 32, 32, 32), description="Channels of each 3x3 convolution.")
    batch_norm: bool = Field(default=True, description="Batch norm after each 3x3 convolution.")
