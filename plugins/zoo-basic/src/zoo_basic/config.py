"""Options of the small backbones, free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo import Options

Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]


class MLPOptions(Options):
    """Options of the multilayer perceptron."""

    input_size: tuple[Count, Count] = Field(
        default=(28, 28), description="Height and width of the images; the only ones that it takes."
    )
    hidden: Counts = Field(default=(256, 128), description="Units of each hidden layer, one block each.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout rate after each hidden layer.")


class SmallCNNOptions(Options):
    """Options of the plain convolutional network."""

    channels: Counts = Field(
        default=(32, 64, 128, 128), description="Channels of each block; each block halves the map."
    )
    batch_norm: bool = Field(default=False, description="Batch norm between convolution and ReLU.")
    hidden: int = Field(default=512, ge=1, description="Units of the hidden layer of the original head.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout rate of the original head.")


class TinyResNetOptions(Options):
    """Options of the tiny residual network."""

    channels: Counts = Field(
        default=(16, 32, 64), description="Channels of each block; each block but the first halves the map."
    )
    units: int = Field(default=2, ge=1, le=64, description="Residual units in each block.")
