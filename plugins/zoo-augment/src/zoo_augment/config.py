"""Options of the augmenters; free of torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from zoo import Options

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Degrees = NotNegative | tuple[Finite, Finite]
"""A number stands for from minus to plus that number, as in torchvision."""
Shift = Annotated[int, Field(ge=0)] | NotNegative | tuple[Finite, ...]
FillMode = Literal["nearest", "constant", "reflect", "wrap"]

FACTOR = "least and largest factor; 1 leaves the image as it is"


class ChanceOptions(Options):
    """Shared by all that may leave an image as it is."""

    p: Share = Field(1.0, description="probability that an image is changed")

    @field_validator("*")
    @classmethod
    def _in_order(cls, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and value[0] > value[1]:
            raise ValueError("the smaller number first")
        return value


class FillOptions(ChanceOptions):
    """Shared by the geometric augmenters."""

    fill_mode: FillMode = Field(
        "nearest", description="what stands outside: the nearest pixel, one value, the mirror image, a copy"
    )
    fill_value: Share = Field(0.0, description="of fill_mode constant: 0 is black, 1 is white")
    mask_fill: Annotated[int, Field(ge=0)] = Field(
        0, description="of fill_mode constant: the class that stands outside in a mask"
    )

    @model_validator(mode="after")
    def _values_apply(self) -> FillOptions:
        if self.fill_mode != "constant" and (self.fill_value or self.mask_fill):
            raise ValueError("fill_value and mask_fill belong to fill_mode constant")
        return self


class RotateOptions(FillOptions):
    """Options of rotations."""

    degrees: Degrees = Field(
        15.0, description="counter-clockwise angle: from minus to plus a number, or a pair"
    )


class ShiftOptions(FillOptions):
    """Options of shifts."""

    x: Annotated[float, Field(ge=0, le=1)] = Field(0.1, description="largest share of the width, either way")
    y: Annotated[float, Field(ge=0, le=1)] = Field(0.1, description="largest share of the height, either way")


class ShearOptions(FillOptions):
    """Options of shears."""

    x: Degrees = Field(
        10.0, description="angle by which columns lean: from minus to plus a number, or a pair"
    )
    y: Degrees = Field(0.0, description="angle by which rows lean: from minus to plus a number, or a pair")

    @model_validator(mode="after")
    def _below_a_right_angle(self) -> ShearOptions:
        for value in (self.x, self.y):
            if max(map(abs, value if isinstance(value, tuple) else (value,))) >= 90:
                raise ValueError("angles below 90 degrees")
        return self


class ZoomOptions(FillOptions):
    """Options of zooms."""

    scale: tuple[Positive, Positive] = Field(
        (0.8, 1.2), description="least and largest factor; above 1 the content grows"
    )


class ScalingOptions(FillOptions):
    """Options of the scaling of width and height."""

    x: tuple[Positive, Positive] = Field(
        (0.8, 1.2), description="least and largest factor of the width; above 1 the content grows"
    )
    y: tuple[Positive, Positive] = Field((0.8, 1.2), description="least and largest factor of the height")


class PadOptions(FillOptions):
    """Options of padding."""

    padding: NotNegative | tuple[NotNegative, NotNegative] = Field(
        (0.0, 0.25), description="share of the side added at either end of it: a number or a range"
    )


class FlipOptions(ChanceOptions):
    """Options of flips."""

    horizontal: bool = Field(True, description="swap left and right")
    vertical: bool = Field(False, description="swap top and bottom")
    p: Share = Field(0.5, description="probability of each direction by itself")


class CropOptions(FillOptions):
    """Options of the crop of a padded image."""

    padding: Annotated[int, Field(ge=0)] | Share = Field(
        0.125, description="added on each side before a crop of the old size: pixels, or a share of the side"
    )


class ResizedCropOptions(ChanceOptions):
    """Options of the crop that is resized to the old size."""

    scale: tuple[Positive, Positive] = Field(
        (0.08, 1.0), description="least and largest share of the image's area"
    )
    ratio: tuple[Positive, Positive] = Field(
        (3 / 4, 4 / 3), description="least and largest width divided by height"
    )

    @model_validator(mode="after")
    def _within(self) -> ResizedCropOptions:
        if self.scale[1] > 1:
            raise ValueError("a scale of at most 1")
        return self


class BrightnessOptions(ChanceOptions):
    """Options of brightness."""

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{FACTOR}, 0 makes it black")


class ContrastOptions(ChanceOptions):
    """Options of contrast."""

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{FACTOR}, 0 makes it flat")


class SaturationOptions(ChanceOptions):
    """Options of saturation."""

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{FACTOR}, 0 makes it gray")


class HueOptions(ChanceOptions):
    """Options of hue."""

    shift: Annotated[float, Field(ge=0, le=0.5)] | tuple[Finite, Finite] = Field(
        0.05, description="share of the colour circle: from minus to plus a number, or a pair"
    )


class InvertOptions(ChanceOptions):
    """Options of inversion."""

    p: Share = Field(0.5, description="probability that an image is changed")


class GrayscaleOptions(ChanceOptions):
    """Options of the change to gray."""

    p: Share = Field(0.1, description="probability that an image is changed")


class NoiseOptions(ChanceOptions):
    """Options of Gaussian noise."""

    std: NotNegative | tuple[NotNegative, NotNegative] = Field(
        0.05, description="standard deviation, where an image's values go from 0 to 1: a number or a range"
    )


class BlurOptions(ChanceOptions):
    """Options of Gaussian blur."""

    sigma: Positive | tuple[Positive, Positive] = Field(
        (0.1, 2.0), description="standard deviation in pixels: a number or a range"
    )


class SharpenOptions(ChanceOptions):
    """Options of sharpening."""

    factor: tuple[NotNegative, NotNegative] = Field((1.0, 3.0), description=f"{FACTOR}, 0 smooths it")


class EdgesOptions(ChanceOptions):
    """Options of the enhancement of edges."""

    strength: NotNegative | tuple[NotNegative, NotNegative] = Field(
        (0.2, 1.0), description="share of the Laplacian that is added: a number or a range"
    )


class SalientEdgesOptions(ChanceOptions):
    """Options of the map of strong edges."""

    threshold: Share | tuple[Share, Share] = Field(
        (0.1, 0.3),
        description="share of the strongest edge below which an edge is black: a number or a range",
    )
    p: Share = Field(0.5, description="probability that an image is changed")


class DeTexturiseOptions(ChanceOptions):
    """Options of the smoothing of texture."""

    contrast: Positive | tuple[Positive, Positive] = Field(
        (0.05, 0.2),
        description="standard deviation below which a neighbourhood is smoothed, where values go "
        "from 0 to 1: a number or a range",
    )
    radius: Annotated[int, Field(ge=1, le=64)] = Field(3, description="of a neighbourhood, in pixels")


class FogOptions(ChanceOptions):
    """Options of fog."""

    density: Share | tuple[Share, Share] = Field(
        (0.1, 0.5), description="share of the light that comes from the air: a number or a range"
    )
    patchiness: Share = Field(0.5, description="0 is even haze, 1 has places without any")
    light: Share = Field(0.9, description="value of the air: 1 is white")


class ErasingOptions(ChanceOptions):
    """Options of random erasing."""

    scale: tuple[Positive, Positive] = Field(
        (0.02, 0.33), description="least and largest share of the image's area"
    )
    ratio: tuple[Positive, Positive] = Field(
        (0.3, 3.3), description="least and largest height divided by width"
    )
    value: Share | Literal["random"] = Field(
        0.0, description="of the rectangle: 0 is black, 1 is white; random draws each value"
    )
    p: Share = Field(0.5, description="probability that an image is changed")

    @model_validator(mode="after")
    def _within(self) -> ErasingOptions:
        if self.scale[1] > 1:
            raise ValueError("a scale of at most 1")
        return self


class PhotoOptions(Options):
    """Options of the chain for photographs."""

    strength: Annotated[float, Field(ge=0, le=3)] = Field(
        1.0, description="factor of all ranges but the flip: 0 changes nothing else, 2 doubles them"
    )
    flip: bool = Field(True, description="swap left and right in half of the images")
    colour: bool = Field(True, description="change brightness, contrast, saturation and hue")


class DocumentOptions(Options):
    """Options of the chain for documents."""

    strength: Annotated[float, Field(ge=0, le=3)] = Field(
        1.0, description="factor of all ranges: 0 changes nothing, 2 doubles them"
    )
    paper: Share = Field(1.0, description="value of the empty paper that is filled in: 1 is white")
