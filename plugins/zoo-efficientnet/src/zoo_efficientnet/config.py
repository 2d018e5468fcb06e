"""Options of the EfficientNet family, free of torch: the paper's table and its scaling as data."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, create_model

from zoo import Options

Count = Annotated[int, Field(ge=1)]


class Row(NamedTuple):
    """One line of the paper's table: `repeats` inverted residuals, of which the first has the stride."""

    channels: Count
    repeats: Count
    stride: Literal[1, 2]
    expansion: Count
    kernel: Literal[3, 5]


TABLE = (
    Row(16, 1, 1, 1, 3),
    Row(24, 2, 2, 6, 3),
    Row(40, 2, 2, 6, 5),
    Row(80, 3, 2, 6, 3),
    Row(112, 3, 1, 6, 5),
    Row(192, 4, 2, 6, 5),
    Row(320, 1, 1, 6, 3),
)
"""Table 1 of the paper, without its first and last line."""


class Size(NamedTuple):
    """Scaling of a network, and the settings that it was published with."""

    width: float
    depth: float
    resolution: int
    dropout: float


SIZES = {
    "b0": Size(1.0, 1.0, 224, 0.2),
    "b1": Size(1.0, 1.1, 240, 0.2),
    "b2": Size(1.1, 1.2, 260, 0.3),
    "b3": Size(1.2, 1.4, 300, 0.3),
    "b4": Size(1.4, 1.8, 380, 0.4),
    "b5": Size(1.6, 2.2, 456, 0.4),
    "b6": Size(1.8, 2.6, 528, 0.5),
    "b7": Size(2.0, 3.1, 600, 0.5),
    "lite0": Size(1.0, 1.0, 224, 0.2),
    "lite1": Size(1.0, 1.1, 240, 0.2),
    "lite2": Size(1.1, 1.2, 260, 0.3),
    # As TensorFlow's authors have it; timm states 300 and 380 for its copies, see `plugin.LITES`
    "lite3": Size(1.2, 1.4, 280, 0.3),
    "lite4": Size(1.4, 1.8, 300, 0.3),
}

Width = Annotated[
    float, Field(gt=0, le=8, description="Multiplier of all channels, rounded to multiples of 8.")
]
Depth = Annotated[float, Field(gt=0, le=16, description="Multiplier of the rows' repeats, rounded up.")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="Dropout rate of the original head.")]

FixedEnds = Annotated[
    bool,
    Field(description="Do not scale the first and last convolution's width, the first and last row's depth."),
]
Squeeze = Annotated[
    float, Field(ge=0, le=1, description="Squeeze-and-excitation's share of a unit's input; 0 leaves it out.")
]
Activation = Annotated[Literal["silu", "relu6"], Field(description="After convolutions.")]


class EfficientNetOptions(Options):
    """Options of every EfficientNet; a subclass sets the defaults of one published network."""

    width: Width
    depth: Depth
    dropout: Dropout
    drop_path: float = Field(
        default=0.2, ge=0, lt=1, description="Stochastic depth; the rate rises linearly from 0 towards this."
    )
    rows: tuple[Row, ...] = Field(
        default=TABLE, min_length=1, description="Channels, repeats, stride, expansion, kernel."
    )
    stem: int = Field(default=32, ge=1, description="Channels of the first convolution.")
    last: int = Field(default=1280, ge=1, description="Channels of the last 1x1 convolution.")
    fixed_ends: FixedEnds = False
    squeeze: Squeeze = 0.25
    activation: Activation = "silu"
    padding: Literal["same", "symmetric"] = Field(
        default="same", description="TensorFlow's, which depends on the image's size, or PyTorch's."
    )
    bn_eps: float = Field(default=1e-3, gt=0, le=0.1, description="Batch norm's epsilon.")


class LiteOptions(EfficientNetOptions):
    """EfficientNet without what small devices are slow at."""

    fixed_ends: FixedEnds = True
    squeeze: Squeeze = 0.0
    activation: Activation = "relu6"


def resolution(width: float, depth: float, *, fixed_ends: bool) -> int:
    """Height and width of the images that a network of this size was published for; 224 for other sizes.

    Example:
        >>> resolution(2.0, 3.1, fixed_ends=False), resolution(1.2, 1.4, fixed_ends=True)
        (600, 280)
    """
    for name, size in SIZES.items():
        # Known by its scaling, since options hold no name
        if (size.width, size.depth, name.startswith("lite")) == (width, depth, fixed_ends):
            return size.resolution
    return 224


def _sized(name: str) -> type[EfficientNetOptions]:
    """The options class of a published network."""
    size, lite = SIZES[name], name.startswith("lite")
    return create_model(
        f"EfficientNet{name.capitalize()}",
        __base__=LiteOptions if lite else EfficientNetOptions,
        __module__=__name__,
        __doc__=f"The paper's network scaled to {name}.",
        # The fields' bounds again, since a field that is redefined takes none from the base class
        width=(Width, size.width),
        depth=(Depth, size.depth),
        dropout=(Dropout, size.dropout),
    )


# Module attributes, since declarations name options classes by import path
EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3 = map(_sized, ("b0", "b1", "b2", "b3"))
EfficientNetB4, EfficientNetB5, EfficientNetB6, EfficientNetB7 = map(_sized, ("b4", "b5", "b6", "b7"))
EfficientNetLite0, EfficientNetLite1, EfficientNetLite2 = map(_sized, ("lite0", "lite1", "lite2"))
EfficientNetLite3, EfficientNetLite4 = map(_sized, ("lite3", "lite4"))
