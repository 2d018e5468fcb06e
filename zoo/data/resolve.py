"""Forms of `data`: a folder, a data set by name, a torch data set, a data set of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from zoo.data.objects.forms import data_of, parts_of
from zoo.data.objects.masked import with_masks
from zoo.data.objects.named_fields import Fielded, check_columns
from zoo.data.objects.parts import Parts
from zoo.data.objects.several import Several
from zoo.data.reading import check_there, readable
from zoo.data.section import DataSection, InMemory, WithOptions, section_of
from zoo.data.several import Sources
from zoo.data.sources.class_folders import ClassFolders, ImageFiles
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import scan
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.mask_layout import check_no_pair
from zoo.data.sources.mask_options import check_none
from zoo.data.streams.forms import Streamed, with_stream
from zoo.data.unnamed import warn_unnamed
from zoo.data.view import with_options
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.table_file import TableFile
from zoo.interfaces.tasks import Task
from zoo.spec.data_options import OF_ALL, SOURCE
from zoo.spec.errors import DataError, OptionError, UnknownComponentError, quote
from zoo.spec.hints.spoken import data_option, spoken
from zoo.spec.inputs import InputSpec
from zoo.spec.reference import ComponentRef, HubDataRef, HubRef, PathLike, PathRef, Reference


class IndexedData(Protocol):
    """A data set of the map style, as torch and Hugging Face have them."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """A sample by number."""
        ...


DataLike = (
    Dataset
    | IndexedData
    | Mapping[str, Any]
    | Sequence[Any]
    | PathLike
    | Reference
    | DataSection
    | WithOptions
)
"""A data set as `data` takes it: an object, a file or folder, a name, or a table of either with options."""

Named = Callable[[ComponentRef | DataSection], Any]
"""Makes the data set of a component reference, or brings a section of the Hub here, as that of a folder;
handed in, so that this room composes and fetches nothing."""


def folder_of(data: DataLike | None) -> Path | None:
    """The folder that is meant, if one is.

    Args:
        data: as `resolve` takes it.
    """
    ref = section_of(data).ref
    return Path(ref.path).expanduser() if isinstance(ref, PathRef) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Whoever asks for data, as `resolve` takes it."""

    named: Named
    task: Task | None
    classes: int | None
    part: bool
    skip_unreadable: bool
    fields: Mapping[str, InputSpec | Task]


def resolve(
    data: DataLike | None,
    named: Named,
    *,
    task: Task | None = None,
    classes: int | None = None,
    part: bool = False,
    skip_unreadable: bool = False,
    fields: Mapping[str, InputSpec | Task] | None = None,
) -> Dataset:
    """The data set that is meant.

    Args:
        data: a folder (a path, `file:...` or `pathlib.Path`), a file of a kind that some component reads, a
            name, a table with a name or a path and options, a torch data set of the map style, or a data set
            of ours. A bare name that no data set has is a folder.
        named: makes a data set by name.
        task: says how a folder is read (as class folders, as images with masks, or as class folders where
            it is so laid out, else as images) and how the targets of a torch data set are.
        classes: of the model, where they are known: they say what the numbers in masks without names are.
        part: whether class folders may be a part of those of a model; see `ClassFolders`.
        skip_unreadable: leaves out the files that cannot be read; see `ClassFolders`.
        fields: further images and targets that each sample must have; see `zoo.interfaces.Fields`.

    Raises:
        DataError: it is none of these, cannot be read, or has no such fields.
        OptionError: there are no files to be skipped, or an option does not fit.
        UnknownComponentError: no plugin has a data set of that name.
    """
    asked = _Asked(
        named=named,
        task=task,
        classes=classes,
        part=part,
        skip_unreadable=skip_unreadable,
        fields=fields or {},
    )
    return _grouped(section_of(data), asked)


def _grouped(section: DataSection, asked: _Asked) -> Dataset:
    found = _found(section, asked)
    pattern = section.options.group if "group" in section.unsure else None
    if pattern is not None and not _makes_groups(pattern, found):
        section = replace(section, options=section.options.model_copy(update={"group": None}))
    if section.options.steps_per_epoch is not None and not isinstance(found, Streamed):
        hint = "leave it out: an epoch is once through the images"
        where = f"data {section.called}: steps_per_epoch"
        raise OptionError(where, expected="a set without a length", got=f"{len(found)} samples", hint=hint)
    # Parts are grouped each by itself: in a table by a column, in a folder by names
    told = isinstance(found, Parts) or (isinstance(found, Several) and found.by_source)
    return with_options(
        found, section.options.model_copy(update={"group": None}) if told else section.options
    )


def _found(section: DataSection, asked: _Asked) -> Dataset:
    source, task = section.source, asked.task
    if isinstance(source, PathRef):
        found = _folder(section, source, asked)
        if asked.fields:
            check_columns(found, asked.fields)
        return found
    if isinstance(source, ComponentRef):
        found = _component(source, asked.named, bare=section.bare)
    elif isinstance(source, Sources):
        # Each may hold a part of the classes
        of_one = replace(asked, part=True)
        return Several(
            {n: _grouped(_as_part(one.section, n), of_one) for n, one in source.parts.items()},
            {n: one.classes for n, one in source.parts.items()},
            by_source=section.options.group == SOURCE,
        )
    elif isinstance(source, HubDataRef):
        return _grouped(asked.named(section), asked)
    elif isinstance(source, HubRef):
        # `hf://datasets/NAME` is one without its owner
        owner, _, name = source.repo.partition("/")
        repo = f"owner/{name}" if owner == "datasets" else source.repo
        hint = f"a data set is called hf://datasets/{repo}"
        raise DataError("data", expected="a data set", got=f"{source}, a model", hint=hint)
    elif isinstance(source, InMemory):
        raise _not_given(source)
    elif (streamed := with_stream(section)) is not None:
        stream, beside = streamed
        found = _parts(beside, section.own, asked)
        return Streamed(found, stream, section.own, section.options.steps_per_epoch)
    elif (parts := parts_of(source, task)) is not None:
        group = section.options.group
        own = {**section.own, **({} if group is None else {"group": group})}
        return _parts(parts, own, asked, section.unsure)
    else:
        found = data_of(source, task, section.own)
    if section.unsure and isinstance(found, Records):
        found = _with_columns_there(found, section.unsure)
    return _complete(found, f"data {section.called}", asked)


def _complete(found: Dataset, where: str, asked: _Asked) -> Dataset:
    """The data as the task reads them, with masks and further fields where there are some."""
    if asked.fields:
        found = check_columns(found, asked.fields)
    columns, kept = found.for_task(asked.task), None
    if asked.skip_unreadable:
        if columns.files is None:
            expected, got = "a folder of images or a table of files", quote(type(columns).__name__)
            raise OptionError("skip_unreadable", expected=expected, got=got, hint="leave it out")
        kept = readable(columns.files)
    # Of those that a folder was looked through for it is known
    elif columns.files is not None and not isinstance(columns, ImageFiles):
        column = columns.roles.image if isinstance(columns, Records) else None
        check_there(dict(enumerate(columns.files)), where, column)
    if isinstance(columns, TableFile) and columns.files is not None:
        warn_unnamed(columns)
    found = with_masks(columns, asked.task, asked.classes, kept)
    return (
        Fielded(found, columns, asked.fields, kept)
        if isinstance(columns, Records) and asked.fields
        else found
    )


def _parts(
    parts: Mapping[str, Any], own: Mapping[str, Any], asked: _Asked, unsure: frozenset[str] = frozenset()
) -> Parts:
    """Data sets that are a split each, with the options that hold for all of them."""
    found = {name: _as_part(section_of(one), name) for name, one in parts.items()}
    sections = {name: section_of(WithOptions(one, own) if own else one) for name, one in found.items()}
    return Parts({name: _grouped(replace(one, unsure=unsure), asked) for name, one in sections.items()})


def _makes_groups(pattern: str, data: Dataset) -> bool:
    """Whether names of samples make groups of data that have none of their own."""
    names = [re.search(pattern, data.name(i)) for i in range(len(data))]
    parts = {match.group() for match in names if match}
    own = any(data.group_of(i) is not None for i in range(len(data)))
    return not own and len(parts) + (None in names) > 1 and bool(parts)


def _with_columns_there(data: Records, names: Iterable[str]) -> Records:
    """The data without those of the roles whose column is not there."""
    lacking: Any = {name: None for name in names if getattr(data.asked, name) not in data.columns}
    found = copy(data)
    found.asked = replace(data.asked, **lacking)
    return found


def _not_given(source: InMemory) -> DataError:
    """What is wrong where a recipe's data were in memory, and none are given now."""
    if spoken().way == "shell":
        hint = "train it in Python with data=..., or on a file: --data labels.csv"
    else:
        hint = "give them, or others, by data=..."
    expected = f"the {source.name} that was in memory, which no file holds"
    return DataError("data", expected=expected, got="none", hint=hint)


def _as_part(section: DataSection, name: str) -> DataSection:
    """The section of a part or source.

    Raises:
        OptionError: it has an option that says something of all images together.
    """
    for option in OF_ALL:
        if (value := getattr(section.options, option)) is not None:
            expected, got = "an option of all the data", f"one of {name} alone"
            hint = f"say {data_option(option, value)} beside the data"
            raise OptionError(f"data {name}: {option}", expected=expected, got=got, hint=hint)
    return section


def _folder(section: DataSection, source: PathRef, asked: _Asked) -> Dataset:
    folder = Path(source.path).expanduser()
    needs, skip = asked.task.needs if asked.task else "target", asked.skip_unreadable
    if needs == "mask":
        return MaskFolders(folder, classes=asked.classes, options=section.folder, skip_unreadable=skip)
    check_none(section.folder, f"data {folder}")
    # What needs no classes takes them where the folder has some: a split is then stratified by them
    if needs == "image" and scan(folder).problems:
        return ImageFolder(folder, skip_unreadable=skip)
    found = ClassFolders(folder, part=asked.part, skip_unreadable=skip)
    check_no_pair(found.labels, f"data {folder}")
    return found


def _component(ref: ComponentRef, named: Named, *, bare: bool) -> Dataset:
    try:
        found = named(ref)
    except UnknownComponentError as error:
        if not bare:
            raise
        text = f"{error.problem}, and there is no folder {quote(f'./{ref.name}')}"
        raise UnknownComponentError(text, expected=error.expected, got=error.got, hint=error.hint) from None
    if not isinstance(found, Dataset):
        raise DataError(f"data {ref}", expected="a zoo Dataset", got=type(found).__name__)
    return found
