"""Forms of `data`: a folder, a data set by name, a torch data set, a data set of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import scan
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.registry.references import component_or_path
from zoo.spec.errors import DataError, OptionError, UnknownComponentError, quote
from zoo.spec.reference import ComponentRef, HubRef, PathLike, PathRef, Reference


class IndexedData(Protocol):
    """A data set of the map style, as torch and Hugging Face have them."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """A sample by number."""
        ...


DataLike = Dataset | IndexedData | Mapping[str, Any] | PathLike | Reference
"""A data set as `data` takes it: an object, a folder, a name, or a table of name and options."""

Named = Callable[[ComponentRef], Any]
"""Makes the data set of a component reference; handed in, so that this room composes nothing."""


def folder_of(data: DataLike | None) -> Path | None:
    """The folder that is meant, if one is.

    Args:
        data: as `resolve` takes it.
    """
    if isinstance(data, os.PathLike):
        return Path(data)
    ref = reference_of(data)
    return Path(ref.path).expanduser() if isinstance(ref, PathRef) else None


def reference_of(data: DataLike | None) -> Reference | None:
    """The reference of the data; None for an object.

    Args:
        data: as `resolve` takes it.

    Raises:
        AmbiguousNameError: a data set and a folder have the name.
    """
    if isinstance(data, os.PathLike):
        return PathRef(os.fspath(data))
    said = isinstance(data, str | Mapping | ComponentRef | HubRef | PathRef)
    return component_or_path(data, "dataset") if said else None


def resolve(
    data: DataLike | None,
    named: Named,
    *,
    task: Task | None = None,
    classes: int | None = None,
    part: bool = False,
    skip_unreadable: bool = False,
) -> Dataset:
    """The data set that is meant.

    Args:
        data: a folder (a path, `file:...` or `pathlib.Path`), a name, a table with name and options, a torch
            data set of the map style, or a data set of ours. A bare name that no data set has is a folder.
        named: makes a data set by name.
        task: says how a folder is read (as class folders, as images with masks, or as class folders where
            it is so laid out, else as images) and how the targets of a torch data set are.
        classes: of the model, where they are known: they say what the numbers in masks without names are.
        part: whether class folders may be a part of those of a model; see `ClassFolders`.
        skip_unreadable: leaves out the files of a folder that cannot be read; see `ClassFolders`.

    Raises:
        DataError: it is none of these, or cannot be read.
        OptionError: there are no files to be skipped.
        UnknownComponentError: no plugin has a data set of that name.
    """
    folder = folder_of(data)
    if folder is not None:
        needs = task.needs if task else "target"
        if needs == "mask":
            return MaskFolders(folder, classes=classes, skip_unreadable=skip_unreadable)
        # What needs no classes takes them where the folder has some: a split is then stratified by them
        if needs == "image" and scan(folder).problems:
            return ImageFolder(folder, skip_unreadable=skip_unreadable)
        return ClassFolders(folder, part=part, skip_unreadable=skip_unreadable)
    if skip_unreadable:
        expected = "a folder of images beside it"
        raise OptionError("skip_unreadable", expected=expected, got=quote(_called(data)), hint="leave it out")
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | Mapping | ComponentRef | HubRef):
        # Torch's data sets need no base class; a list of images has no targets
        if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list | tuple):
            return TorchData(data, task)
        expected = "a folder, the name of a data set, or a torch data set with len() and []"
        raise DataError("data", expected=expected, got=quote(type(data).__name__))
    ref = reference_of(data)
    if isinstance(ref, HubRef):
        expected = "a folder or the name of a data set"
        raise DataError("data", expected=expected, got=str(ref), hint="download it first")
    assert isinstance(ref, ComponentRef)  # noqa: S101 - a path is a folder
    try:
        found = named(ref)
    except UnknownComponentError as error:
        # A bare name may be a folder's as well; one with a namespace or options is none
        if not isinstance(data, str) or ref.namespace:
            raise
        text = f"{error.problem}, and there is no folder {quote(f'./{ref.name}')}"
        raise UnknownComponentError(text, expected=error.expected, got=error.got, hint=error.hint) from None
    if not isinstance(found, Dataset):
        raise DataError(f"data {ref}", expected="a zoo Dataset", got=type(found).__name__)
    return found


def _called(data: DataLike | None) -> str:
    return str(data) if isinstance(data, str | ComponentRef | HubRef) else type(data).__name__
