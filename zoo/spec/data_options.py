"""Options of data: those that any data take, and those of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from zoo.spec.errors import RecipeError, quote
from zoo.spec.names import column_name
from zoo.spec.options import Options, RefValue
from zoo.spec.reference import (
    HUB_PREFIX,
    ComponentRef,
    HubDataRef,
    HubRef,
    PathRef,
    parse_reference,
    without_prefix,
)

PATH = "path"
"""Option that says which file or folder is read; a recipe keeps its last part alone."""

MEMORY = "memory"
"""Key of data that no file holds: the type of what was given, with the options beside it."""

SOURCES, CLASSES = "sources", "classes"
"""Key of several data sets that are read as one, and of what the classes of one are called in all."""

SOURCE = "source"
"""Value of `group` by which each of several sources is a group."""

OF_ALL = ("near_duplicates", "sampler", "fold")
"""Options that say something of all images together, and so of no part or source by itself."""

_FEWEST_FOLDS = 2


class DataOptions(Options):
    """Options that any data take, beside those of their own."""

    group: str | None = Field(
        None,
        description="regular expression of what, in the names of images, belongs together and stays in one "
        "split, such as 'patient\\d+'; of two parts in parentheses both count; of several sources, source "
        "keeps each in one",
    )

    near_duplicates: Literal["together"] | None = Field(
        None,
        description="together keeps images that look alike, such as resized or re-encoded copies, in one "
        "split; each image is read once for it",
    )

    sampler: Literal["balanced"] | None = Field(
        None,
        description="balanced draws as many training images of each class in an epoch, those of a rare class "
        "several times",
    )

    fold: str | None = Field(
        None,
        description="one fold of cross-validation, such as '2/5': its images are the test, the others are "
        "trained on and validated with",
    )

    steps_per_epoch: Annotated[int, Field(ge=1)] | None = Field(
        None, description="batches an epoch, of a set without a length"
    )

    @field_validator("fold")
    @classmethod
    def _is_fold(cls, value: str | None) -> str | None:
        if value is not None:
            fold_pair(value)
        return value

    @field_validator("group")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            # The text of a ValueError stands behind `expected`
            raise ValueError(f"a regular expression ({error})") from None
        return value


def fold_pair(value: str) -> tuple[int, int]:
    """Number and count of a fold.

    Args:
        value: such as `2/5`.

    Raises:
        ValueError: it is none.

    Example:
        >>> fold_pair("2/5")
        (2, 5)
    """
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", value)
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count or count < _FEWEST_FOLDS:
        raise ValueError("a fold such as 2/5, the second of five")
    return number, count


_Value = Annotated[int, Field(ge=0, le=255, strict=True)]
Color = str | _Value | tuple[_Value, _Value, _Value] | list[_Value]
"""A colour: `#804080`, a gray value, or red, green and blue; where values are numbers a value or a name."""


class MaskValues(Options):
    """Options of what the values of masks mean; what is left out is found where it is certain."""

    colors: str | dict[str, Any] | list[Any] | None = Field(
        None,
        description="colours of the classes, by which masks are then read: {road = '#804080', ...}, a list "
        "in the order of the classes, or a file of either",
    )
    ignore: Color | list[Color] | None = Field(
        None, description="value, colour or class that does not count, or several; 255 where nothing is said"
    )
    threshold: Annotated[int, Field(ge=0, lt=255, strict=True)] | None = Field(
        None, description="gray values above it are the object, all others background"
    )


class MaskOptions(MaskValues):
    """Options of images with masks; what is left out is found where it is certain."""

    images: str | None = Field(None, description="folder of the images, such as JPEGImages")
    masks: str | None = Field(None, description="folder of the masks, such as SegmentationClass")
    image_suffix: str | None = Field(None, description="end of an image's name that its mask's lacks")
    mask_suffix: str | None = Field(None, description="end of a mask's name that its image's lacks: _mask")
    skip_unpaired: bool = Field(
        False, description="leave out images without a mask and masks without an image"
    )


class FolderOptions(MaskOptions):
    """Options of a folder of images; those of masks where it has some."""


class ColumnOptions(MaskValues):
    """Options of data that are columns: what each of them holds."""

    image: str | None = Field(None, description="column of the images; by default found by its name or cells")
    target: tuple[str, ...] = Field(
        (), description="column of what is to be learnt, or several; by default found by its name"
    )
    mask: str | None = Field(
        None, description="column of the masks, for models that give a class to each pixel; found by its name"
    )
    group: str | None = Field(None, description="column of what stays in one split, such as patients")
    split: str | None = Field(
        None,
        description="column of train, val and test, by default found by its name; or of the numbers of folds",
    )
    order: str | None = Field(
        None, description="column of what comes first, such as a date: the last images are the test"
    )
    separator: str | None = Field(None, min_length=1, description="sign between several labels in a cell")
    folder: str | None = Field(
        None, description="where image paths are read from; by default the table's folder"
    )

    @field_validator("target", mode="before")
    @classmethod
    def _one_column(cls, value: Any) -> Any:
        several = [*value] if isinstance(value, list | tuple) else [value]
        return value if value is None else tuple(map(column_name, several))

    @field_validator("image", "group", "split", "order", mode="before")
    @classmethod
    def _column(cls, value: Any) -> Any:
        return column_name(value)


def data_reference(value: Any) -> Any:
    """The value of a recipe's data section, checked: a reference, a table with a name or a path, or sources.

    Data that were in memory are a table with their type, `{memory = "DataFrame", target = ["age"]}`.

    Args:
        value: as it was given.

    Raises:
        BadReferenceError: it follows no form of a reference.
        RecipeError: a table has a path that is no text.

    Example:
        >>> data_reference({"path": "./photos", "group": "patient[0-9]+"})
        {'path': './photos', 'group': 'patient[0-9]+'}
    """
    if value is None:
        return None
    if isinstance(value, list | tuple):
        value = {SOURCES: value}
    if isinstance(value, Mapping) and isinstance(value.get(SOURCES), list | tuple):
        return {**value, SOURCES: [_source(item) for item in value[SOURCES]]}
    if isinstance(value, Mapping) and isinstance(value.get(MEMORY), str):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Mapping) and PATH in value and "name" not in value:
        if not isinstance(value[PATH], str) or not value[PATH].strip():
            raise RecipeError("data.path", expected="a file or folder", got=quote(value[PATH]))
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Mapping) and isinstance(name := value.get("name"), str) and len(value) > 1:
        # `--data ./photos --set data.group=...`
        place = parse_reference(name)
        if isinstance(place, PathRef | HubDataRef):
            path = place.path if isinstance(place, PathRef) else str(place)
            return {PATH: path, **{str(key): item for key, item in value.items() if key != "name"}}
    ref = parse_reference(value)
    return ref.to_value() if isinstance(ref, ComponentRef) else str(ref)


def _source(value: Any) -> Any:
    """One of several sources, checked; its table of classes is no reference."""
    if not isinstance(value, Mapping) or not isinstance(value.get(CLASSES), Mapping):
        return data_reference(value)
    found = data_reference({key: item for key, item in value.items() if key != CLASSES})
    return {**with_options(found), CLASSES: dict(value[CLASSES])}


def with_options(value: RefValue) -> dict[str, Any]:
    """The value of data as a table, in which options may stand.

    Example:
        >>> with_options("digits"), with_options("file:cats"), with_options({"path": "./cats"})
        ({'name': 'digits'}, {'path': 'file:cats'}, {'path': './cats'})
    """
    if not isinstance(value, str):
        return dict(value)
    return {PATH if isinstance(parse_reference(value), PathRef) else "name": value}


def in_memory(value: RefValue | None) -> bool:
    """Whether data of a recipe, or some of their sources, were in memory, so that no file holds them.

    Example:
        >>> in_memory({"memory": "DataFrame", "target": ["age"]}), in_memory("datasets:digits")
        (True, False)
    """
    if not isinstance(value, Mapping):
        return False
    return MEMORY in value or any(map(in_memory, value.get(SOURCES, ())))


def nameless(value: Any) -> bool:
    """Whether a part of a run has a value that makes it no second time: an object is in no file."""
    return value is None or in_memory(value)


def called(value: RefValue) -> tuple[str, bool]:
    """Name of data for people, and whether it is that of a file or folder.

    Args:
        value: as in a recipe.

    Example:
        >>> called("datasets:digits"), called({"path": "file:/images/cats", "group": "p"})
        (('digits', False), ('cats', True))
    """
    if isinstance(value, Mapping) and SOURCES in value:
        return " + ".join(called(item)[0] for item in value[SOURCES]), True
    if isinstance(value, Mapping) and MEMORY in value:
        return str(value[MEMORY]), False
    # A file says more than what reads it
    if isinstance(value, Mapping) and isinstance(path := value.get(PATH), str):
        return name_of_place(path), not path.startswith(HUB_PREFIX)
    ref = parse_reference(value)
    if isinstance(ref, HubDataRef):
        return name_of_place(str(ref)), False
    return (Path(ref.path).name, True) if isinstance(ref, PathRef) else (str(ref).rpartition(":")[2], False)


def name_of_place(path: str) -> str:
    """Name of a file or folder, or of a data set of the Hub whatever its revision.

    Example:
        >>> name_of_place("file:/images/cats"), name_of_place("hf://datasets/me/cats@v1")
        ('cats', 'me/cats')
    """
    ref = parse_reference(path) if path.startswith(HUB_PREFIX) else None
    return ref.repo if isinstance(ref, HubDataRef | HubRef) else Path(without_prefix(path)).name


def option_names() -> frozenset[str]:
    """The options that data of a path may have."""
    return frozenset(
        name for kind in (ColumnOptions, DataOptions, FolderOptions) for name in kind.model_fields
    )
