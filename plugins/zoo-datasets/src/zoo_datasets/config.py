"""Options of the embedded data sets; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from zoo import Options


class DigitsOptions(Options):
    """Options of the digits."""

    per_class: PositiveInt | None = Field(
        None, description="keep so many images of each digit, the first ones"
    )
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="keep only these digits; all where not given"
    )


class FacesOptions(Options):
    """Options of the faces."""

    per_class: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="keep only so many images of each class, the first ones"
    )


class GlyphsOptions(Options):
    """Options of the glyphs."""

    per_class: Annotated[int, Field(ge=3, le=10_000)] = Field(200, description="images of each letter")
    size: Annotated[int, Field(ge=8, le=256)] = Field(32, description="height and width in pixels")
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="draw only these letters; all where not given"
    )


class ShapesOptions(Options):
    """Options of the drawn shapes."""

    size: Annotated[int, Field(ge=16, le=1024)] = Field(64, description="height and width in pixels")
    count: Annotated[int, Field(ge=3, le=1_000_000)] = Field(1000, description="number of images")


class PhotosOptions(Options):
    """Options of the photographs."""

    size: Annotated[int, Field(ge=8, le=300)] | Literal["whole"] = Field(
        96,
        description="height and width of a crop in pixels; photographs smaller than that are left out. "
        "'whole' for uncut photographs",
    )
    per_photo: PositiveInt | None = Field(
        None, description="keep only so many crops of each photograph, spread over it"
    )
    files: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="keep only these photographs, such as chelsea.png; all where not given"
    )


class MaterialsOptions(Options):
    """Options of the patches of surfaces."""

    size: Annotated[int, Field(ge=16, le=64)] = Field(48, description="height and width of a patch in pixels")
    per_class: Annotated[int, Field(ge=1, le=24)] | None = Field(
        None,
        description="keep so many training patches of each class, drawn at random; up to 24 where not given",
    )
    draw: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        0, description="which training patches are drawn; those to validate and test with stay the same"
    )
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = Field(
        None, description="keep only these surfaces; all where not given"
    )
