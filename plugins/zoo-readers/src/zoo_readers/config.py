"""Options of the readers, free of torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from zoo import ColumnOptions, Options


class ArrowTableOptions(ColumnOptions):
    """Options of a table in Parquet, Feather or Arrow."""

    path: str = Field(description="the table, or a folder with metadata.parquet beside its images")


class ShardsOptions(Options):
    """Options of samples in tar files."""

    path: str = Field(
        description="tar files, such as train-{000..010}.tar; an address of fsspec, or a folder of them"
    )
    image: str | None = Field(None, description="suffix of the image, where a sample has several")
    target: tuple[str, ...] = Field(
        (), description="suffix or JSON field of what is to be learnt, or several; by default cls"
    )
    group: str | None = Field(None, description="suffix or field of what stays in one split: patients")
    split: str | None = Field(
        None, description="field of train, val and test; by default as shards are called"
    )
    order: str | None = Field(
        None, description="field of what comes first, such as a date: the last images are the test"
    )
    separator: str | None = Field(None, min_length=1, description="sign between several labels in a text")

    @field_validator("target", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class MeasuredOptions(Options):
    """Options of images whose values are measured in a unit."""

    path: str = Field(description="folder with a folder for each class")

    @model_validator(mode="before")
    @classmethod
    def _of_the_model(cls, values: Any) -> Any:
        if isinstance(values, dict) and (window := values.get("window")) is not None:
            # The text of a ValueError stands behind `expected`
            ends = f"({', '.join(map(str, window))})" if isinstance(window, list | tuple) else str(window)
            raise ValueError(f"no window: the model has it, so that it predicts by it, value_range={ends}")
        return values


class DicomOptions(MeasuredOptions):
    """Options of class folders of DICOM files."""


class NiftiOptions(MeasuredOptions):
    """Options of class folders of NIfTI volumes."""

    axis: Literal[0, 1, 2] = Field(
        2, description="across which slices lie: 0 left to right, 1 back to front, 2 foot to head"
    )
    every: Annotated[int, Field(ge=1)] = Field(1, description="take each so many slices one")
    empty: bool = Field(False, description="take slices of one value too, such as air around a head")
