"""Options of data: those that any data take, and those of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from zoo.spec.errors import RecipeError, quote
from zoo.spec.options import Options, RefValue
from zoo.spec.reference import ComponentRef, PathRef, parse_reference, without_prefix

PATH = "path"
"""Option that says which file or folder is read; a recipe keeps its last part alone."""


class DataOptions(Options):
    """Options that any data take, beside those of their own."""

    group: str | None = Field(
        None,
        description="regular expression of what, in the names of images, belongs together and stays in one "
        "split, such as 'patient\\d+'; of two parts in parentheses both count",
    )

    @field_validator("group")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            # The text of a ValueError stands behind `expected`
            raise ValueError(f"a regular expression ({error})") from None
        return value


class FolderOptions(Options):
    """Options of a folder of images."""


def data_reference(value: Any) -> Any:
    """The value of a recipe's data section, checked: a reference, or a table with a name or a path.

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
    if isinstance(value, Mapping) and PATH in value and "name" not in value:
        if not isinstance(value[PATH], str) or not value[PATH].strip():
            raise RecipeError("data.path", expected="a file or folder", got=quote(value[PATH]))
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Mapping) and isinstance(name := value.get("name"), str) and len(value) > 1:
        # `--data ./photos --set data.group=...`
        place = parse_reference(name)
        if isinstance(place, PathRef):
            return {PATH: place.path, **{str(key): item for key, item in value.items() if key != "name"}}
    ref = parse_reference(value)
    return ref.to_value() if isinstance(ref, ComponentRef) else str(ref)


def called(value: RefValue) -> tuple[str, bool]:
    """Name of data for people, and whether it is that of a file or folder.

    Args:
        value: as in a recipe.

    Example:
        >>> called("datasets:digits"), called({"path": "file:/images/cats", "group": "p"})
        (('digits', False), ('cats', True))
    """
    # A file says more than what reads it
    if isinstance(value, Mapping) and isinstance(path := value.get(PATH), str):
        return Path(without_prefix(path)).name, True
    ref = parse_reference(value)
    return (Path(ref.path).name, True) if isinstance(ref, PathRef) else (str(ref).rpartition(":")[2], False)
