"""Options of the VGG family, free of torch: sizes are data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo import Options

Count = Annotated[int, Field(ge=1, le=16)]
Layers = Annotated[
    tuple[Count, Count, Count, Count, Count],
    Field(description="Convolutions in each of the five blocks."),
]
BatchNorm = Annotated[bool, Field(description="Batch norm between convolution and ReLU.")]


class VGGOptions(Options):
    """Options of every VGG; a subclass sets the defaults of one published network."""

    layers: Layers
    batch_norm: BatchNorm = False
    width: float = Field(
        default=1.0, gt=0, le=8, description="Multiplier of all channels, rounded to multiples of 8."
    )
    hidden: int = Field(
        default=4096, ge=1, description="Units of the two hidden layers of the original head."
    )
    dropout: float = Field(default=0.5, ge=0, lt=1, description="Dropout rate of the original head.")


class VGG11(VGGOptions):
    """Configuration A of the paper."""

    layers: Layers = (1, 1, 2, 2, 2)


class VGG13(VGGOptions):
    """Configuration B of the paper."""

    layers: Layers = (2, 2, 2, 2, 2)


class VGG16(VGGOptions):
    """Configuration D of the paper."""

    layers: Layers = (2, 2, 3, 3, 3)


class VGG19(VGGOptions):
    """Configuration E of the paper."""

    layers: Layers = (2, 2, 4, 4, 4)


class VGG11BN(VGG11):
    """Configuration A with batch norm."""

    batch_norm: BatchNorm = True


class VGG13BN(VGG13):
    """Configuration B with batch norm."""

    batch_norm: BatchNorm = True


class VGG16BN(VGG16):
    """Configuration D with batch norm."""

    batch_norm: BatchNorm = True


class VGG19BN(VGG19):
    """Configuration E with batch norm."""

    batch_norm: BatchNorm = True
