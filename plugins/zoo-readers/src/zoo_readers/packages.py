"""Packages that extras of this distribution bring."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zoo.errors import MissingPackageError

EXTRAS = {
    "pyarrow": "tables", "fsspec": "shards", "pydicom": "medical", "nibabel": "medical", "tifffile": "deep",
}  # fmt: skip
"""The extra of each package."""


def package(name: str, where: str) -> Any:
    """The package of that name.

    Args:
        name: as it is imported.
        where: what needs it.

    Raises:
        MissingPackageError: it is not installed; the error names the extra.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        extra = f"zoo-readers[{EXTRAS[name]}]"
        hint = f"pip install '{extra}', in the checkout './plugins/{extra}'"
        expected = f"the package {name}"
        raise MissingPackageError(where, expected=expected, got="none", hint=hint) from None
