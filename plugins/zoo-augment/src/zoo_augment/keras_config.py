"""Options of Keras' ImageDataGenerator; free of torch."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from zoo import Options
from zoo_augment.config import FACTOR, FillMode, NotNegative, Positive, Shift

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
    brightness_range: tuple[NotNegative, NotNegative] | None = Field(None, description=FACTOR)
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
