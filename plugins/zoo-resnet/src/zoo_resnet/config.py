"""Options of the ResNet family, free of torch: sizes are data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo import Options

Count = Annotated[int, Field(ge=1, le=64)]
Layers = Annotated[
    tuple[Count, Count, Count, Count], Field(description="Residual units in block2 to block5.")
]
Unit = Annotated[
    Literal["basic", "bottleneck"],
    Field(description="Two 3x3 convolutions (basic), or 1x1, 3x3, 1x1 (bottleneck)."),
]


class ResNetOptions(Options):
    """Options of every ResNet; a subclass sets the defaults of one published network."""

    unit: Unit
    layers: Layers
    width: float = Field(
        default=1.0, gt=0, le=8, description="Multiplier of all channels, rounded to multiples of 8."
    )
    zero_init: bool = Field(
        default=False, description="Start each unit as the identity: the last batch norm's scale is zero."
    )


class ResNet18(ResNetOptions):
    """18 layers, from the paper's table 1."""

    unit: Unit = "basic"
    layers: Layers = (2, 2, 2, 2)


class ResNet34(ResNetOptions):
    """34 layers, from the paper's table 1."""

    unit: Unit = "basic"
    layers: Layers = (3, 4, 6, 3)


class ResNet50(ResNetOptions):
    """50 layers, from the paper's table 1."""

    unit: Unit = "bottleneck"
    layers: Layers = (3, 4, 6, 3)


class ResNet101(ResNetOptions):
    """101 layers, from the paper's table 1."""

    unit: Unit = "bottleneck"
    layers: Layers = (3, 4, 23, 3)


class ResNet152(ResNetOptions):
    """152 layers, from the paper's table 1."""

    unit: Unit = "bottleneck"
    layers: Layers = (3, 8, 36, 3)
