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

_FACTOR = "least and largest factor; 1 leaves the image as it is"
_BYTES = 1 / 255

_KERAS_ELSEWHERE = {
    "featurewise_center": "models normalise inside, by the input spec of their weights",
    "featurewise_std_normalization": "models normalise inside, by the input spec of their weights",
    "samplewise_center": "models normalise inside, by the input spec of their weights",
    "samplewise_std_normalization": "models normalise inside, by the input spec of their weights",
    "zca_whitening": "there is no whitening",
    "zca_epsilon": "there is no whitening",
    "preprocessing_function": "a recipe holds no code: write an augmenter of your own",
    "validation_split": "zoo.fit splits the data itself",
    "data_format": "batches are always channels first",
    "interpolation_order": "it is always 1, bilinear",
    "dtype": "images are float32",
}


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

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{_FACTOR}, 0 makes it black")


class ContrastOptions(ChanceOptions):
    """Options of contrast."""

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{_FACTOR}, 0 makes it flat")


class SaturationOptions(ChanceOptions):
    """Options of saturation."""

    factor: tuple[NotNegative, NotNegative] = Field((0.8, 1.2), description=f"{_FACTOR}, 0 makes it gray")


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


class ImageDataGeneratorOptions(Options):
    """Keras' own names. Values of pixels count in the units before `rescale`, as in Keras."""

    rotation_range: NotNegative = Field(0.0, description="largest angle in degrees, either way")
    width_shift_range: Shift = Field(
        0.0, description="a float below 1: share of the width; 1 or more, or an int: pixels; a list: these"
    )
    height_shift_range: Shift = Field(
        0.0, description="a float below 1: share of the height; 1 or more, or an int: pixels; a list: these"
    )
    shear_range: NotNegative = Field(0.0, description="largest angle in degrees, either way")
    zoom_range: NotNegative | tuple[Positive, Positive] = Field(
        0.0, description="z for 1 - z .. 1 + z, or a pair; each direction by itself; below 1 content grows"
    )
    channel_shift_range: NotNegative = Field(0.0, description="largest value added to all channels")
    brightness_range: tuple[NotNegative, NotNegative] | None = Field(None, description=_FACTOR)
    horizontal_flip: bool = Field(False, description="swap left and right in half of the images")
    vertical_flip: bool = Field(False, description="swap top and bottom in half of the images")
    fill_mode: FillMode = Field("nearest", description="what stands outside of an image")
    cval: NotNegative = Field(0.0, description="of fill_mode constant: the value outside")
    rescale: float | None = Field(
        None,
        description="images are in [0, 1] already: 1/255 says that channel_shift_range and cval count in "
        "0..255, nothing that they count in 0..1",
    )

    @model_validator(mode="before")
    @classmethod
    def _done_elsewhere(cls, values: Any) -> Any:
        for name, reason in _KERAS_ELSEWHERE.items():
            if isinstance(values, dict) and name in values:
                raise ValueError(f"no {name}: {reason}")
        return values

    @field_validator("rescale", mode="before")
    @classmethod
    def _one_of_two(cls, value: Any) -> Any:
        if value == "1/255":  # TOML and the command line have no fractions
            return _BYTES
        if value is None or (isinstance(value, float | int) and abs(value - _BYTES) < 1e-5):
            return value
        raise ValueError("1/255 or nothing, since images are in [0, 1]")

    @model_validator(mode="after")
    def _units(self) -> ImageDataGeneratorOptions:
        largest = 255 if self.rescale else 1
        for name in ("channel_shift_range", "cval"):
            if getattr(self, name) > largest:
                more = "" if self.rescale else "; with rescale=1/255 it counts in 0..255"
                raise ValueError(f"{name} of at most {largest}{more}")
        for pair in (self.zoom_range, self.brightness_range):
            if isinstance(pair, tuple) and pair[0] > pair[1]:
                raise ValueError("ranges with the smaller number first")
        if isinstance(self.zoom_range, float) and self.zoom_range >= 1:
            raise ValueError("a zoom_range below 1, or a pair")
        return self
