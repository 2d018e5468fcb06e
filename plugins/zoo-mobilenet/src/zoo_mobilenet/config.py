"""Options of the MobileNet family, free of torch: the papers' tables as data."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from zoo import Options

Activation = Literal["relu", "relu6", "hardswish"]
Count = Annotated[int, Field(ge=1)]


class Row(NamedTuple):
    """One line of a paper's table: `repeats` units, of which the first has the stride."""

    channels: Count
    repeats: Count
    stride: Literal[1, 2]
    expansion: Annotated[float, Field(ge=1)] = 1.0
    kernel: Literal[3, 5] = 3
    squeeze: bool = False
    activation: Activation = "relu6"

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of each unit."""
        return (self.stride, *[1] * (self.repeats - 1))


Unit = Annotated[
    Literal["separable", "bottleneck"],
    Field(description="Depthwise separable convolution (V1), or inverted residual (V2, V3)."),
]
Rows = Annotated[
    tuple[Row, ...],
    Field(min_length=1, description="Channels, repeats, stride, expansion, kernel, squeeze, activation."),
]
Stem = Annotated[int, Field(ge=1, description="Channels of the first convolution.")]
Last = Annotated[int, Field(ge=0, description="Channels of the last 1x1 convolution; 0 leaves it out.")]
Hidden = Annotated[
    int, Field(ge=0, description="Units of the original head's hidden layer; 0 leaves it out.")
]
Act = Annotated[
    Activation, Field(description="After the first and last convolution and in the original head.")
]
Dropout = Annotated[float, Field(ge=0, lt=1, description="Dropout rate of the original head.")]


class MobileNetOptions(Options):
    """Options of every MobileNet; a subclass sets the defaults of one published network."""

    unit: Unit
    rows: Rows
    stem: Stem
    last: Last = 0
    hidden: Hidden = 0
    activation: Act
    width: float = Field(
        default=1.0, gt=0, le=8, description="Multiplier of all channels, rounded to multiples of 8."
    )
    bn_eps: float = Field(
        default=1e-5,
        gt=0,
        le=0.1,
        description="Batch norm's epsilon; torchvision's V3 weights bring their 0.001.",
    )
    dropout: Dropout = 0.2


class MobileNetV1(MobileNetOptions):
    """Table 1 of the V1 paper."""

    unit: Unit = "separable"
    rows: Rows = (
        Row(64, 1, 1),
        Row(128, 2, 2),
        Row(256, 2, 2),
        Row(512, 6, 2),
        Row(1024, 2, 2),
    )
    stem: Stem = 32
    # The paper says ReLU; TensorFlow's code and the published weights have ReLU6
    activation: Act = "relu6"
    # As in TensorFlow's code, which keeps 0.999
    dropout: Dropout = 0.001


class MobileNetV2(MobileNetOptions):
    """Table 2 of the V2 paper."""

    unit: Unit = "bottleneck"
    rows: Rows = (
        Row(16, 1, 1, 1),
        Row(24, 2, 2, 6),
        Row(32, 3, 2, 6),
        Row(64, 4, 2, 6),
        Row(96, 3, 1, 6),
        Row(160, 3, 2, 6),
        Row(320, 1, 1, 6),
    )
    stem: Stem = 32
    last: Last = 1280
    activation: Act = "relu6"


class MobileNetV3Small(MobileNetOptions):
    """Table 2 of the V3 paper."""

    unit: Unit = "bottleneck"
    rows: Rows = (
        Row(16, 1, 2, 1, 3, True, "relu"),
        # The table gives widened channels, here 72 of 16; a ratio of them scales with the width
        Row(24, 1, 2, 72 / 16, 3, False, "relu"),
        Row(24, 1, 1, 88 / 24, 3, False, "relu"),
        Row(40, 1, 2, 4, 5, True, "hardswish"),
        Row(40, 2, 1, 6, 5, True, "hardswish"),
        Row(48, 2, 1, 3, 5, True, "hardswish"),
        Row(96, 3, 2, 6, 5, True, "hardswish"),
    )
    stem: Stem = 16
    last: Last = 576
    hidden: Hidden = 1024
    activation: Act = "hardswish"


class MobileNetV3Large(MobileNetOptions):
    """Table 1 of the V3 paper."""

    unit: Unit = "bottleneck"
    rows: Rows = (
        Row(16, 1, 1, 1, 3, False, "relu"),
        Row(24, 1, 2, 4, 3, False, "relu"),
        Row(24, 1, 1, 3, 3, False, "relu"),
        Row(40, 3, 2, 3, 5, True, "relu"),
        Row(80, 1, 2, 6, 3, False, "hardswish"),
        Row(80, 1, 1, 200 / 80, 3, False, "hardswish"),
        Row(80, 2, 1, 184 / 80, 3, False, "hardswish"),
        Row(112, 2, 1, 6, 3, True, "hardswish"),
        Row(160, 3, 2, 6, 5, True, "hardswish"),
    )
    stem: Stem = 16
    last: Last = 960
    hidden: Hidden = 1280
    activation: Act = "hardswish"
