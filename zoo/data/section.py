"""The data section: which data are meant, and the options beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.data.objects.frames import has_columns
from zoo.data.several import Sources, sources_given, sources_of_items
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.table_file import table_files
from zoo.registry.loading import resolve_config
from zoo.registry.lookup import entries, find
from zoo.registry.references import component_or_path
from zoo.spec.arguments import misplaced
from zoo.spec.data_options import MEMORY, PATH, ColumnOptions, DataOptions, FolderOptions
from zoo.spec.errors import AmbiguousNameError, DataError, OptionError, did_you_mean, listing, quote
from zoo.spec.names import closest
from zoo.spec.options import Options, validate
from zoo.spec.reference import (
    HUB_PREFIX,
    ComponentRef,
    HubDataRef,
    PathRef,
    Reference,
    local_path,
    parse_reference,
)


@dataclass(frozen=True, slots=True)
class InMemory:
    """Data of a recipe that were in memory, in whose place others have to be given.

    Args:
        name: of their type, such as `DataFrame`.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSection:
    """Data and their options, read from what the caller gave.

    Args:
        source: a reference, or an object.
        options: that any data take.
        folder: of a folder of images.
        own: of an object, which its kind checks.
        bare: whether it was called by a bare name, which may be a folder's as well.
        unsure: names of the options that are left aside where the data have nothing of them.
    """

    source: Any
    options: DataOptions = field(default_factory=DataOptions)
    folder: FolderOptions = field(default_factory=FolderOptions)
    own: Mapping[str, Any] = field(default_factory=dict)
    bare: bool = False
    unsure: frozenset[str] = frozenset()

    @property
    def ref(self) -> Reference | None:
        """The reference; None for an object."""
        return self.source if isinstance(self.source, Reference) else None

    @property
    def called(self) -> str:
        """Name for messages: a path where one is read, else a component or the type of an object."""
        if isinstance(self.source, ComponentRef):
            return str(self.source.options.get(PATH, self.source))
        if isinstance(self.source, InMemory):
            return self.source.name
        named = self.ref is not None or isinstance(self.source, Sources)
        return str(self.source) if named else type(self.source).__name__

    @property
    def beside(self) -> dict[str, Any]:
        """The options that were given, as plain data, without those of the component."""
        given = {**self.options.model_dump(mode="json", exclude_unset=True)}
        return {**self.folder.model_dump(mode="json", exclude_unset=True), **self.own, **given}


@dataclass(frozen=True, slots=True)
class WithOptions:
    """Data, and options that were given apart from them.

    Args:
        data: as `section_of` takes them.
        options: by name.
    """

    data: Any
    options: Mapping[str, Any]


def section_of(data: Any) -> DataSection:  # noqa: PLR0911 - one return a form
    """The data section of what a caller gave.

    A file is read by the component that its plugin tags with the file's suffix, such as `.csv`.

    Args:
        data: a path, a name, a table with a name or a path and options, a list of sources, or an object.

    Raises:
        AmbiguousNameError: a data set and a folder have the name, or two components read such a file.
        DataError: there is a file that nothing reads.
        OptionError: an option is unknown or does not fit.
    """
    if isinstance(data, DataSection):
        return data
    if isinstance(data, WithOptions):
        return _with(section_of(data.data), data.options)
    if (several := sources_given(data)) is not None:
        return _of_sources(sources_of_items(several[0], section_of), several[1])
    if isinstance(data, os.PathLike):
        return _of_path(os.fspath(data), {})
    # A column may be called so as well
    if isinstance(data, Mapping) and isinstance(data.get(MEMORY), str):
        rest = {key: value for key, value in data.items() if key != MEMORY}
        return _with(DataSection(source=InMemory(data[MEMORY])), rest)
    if isinstance(data, Mapping) and isinstance(data.get(PATH), str | os.PathLike) and "name" not in data:
        return _of_path(str(data[PATH]), {key: value for key, value in data.items() if key != PATH})
    if not isinstance(data, str | Reference) and not _is_table(data):
        return DataSection(source=data)
    rest = dict(data) if isinstance(data, Mapping) else {}
    # What options are beside is a component or a path as well as what stands alone
    ref = component_or_path(rest.pop("name") if rest else data, "dataset")
    if isinstance(ref, PathRef | HubDataRef):
        return _of_path(ref.path if isinstance(ref, PathRef) else str(ref), rest)
    if rest and isinstance(ref, ComponentRef):
        return _of_component(ComponentRef(ref.name, ref.namespace, rest))
    if not isinstance(ref, ComponentRef):
        return DataSection(source=ref)
    return replace(_of_component(ref), bare=isinstance(data, str) and not ref.namespace)


def data_options() -> frozenset[str]:
    """Names of the options that data may be given beside them: those of any data, folder or file."""
    readers = (entry.component for entry in entries("dataset") if any(map(_is_suffix, entry.component.tags)))
    configs: list[type[Options]] = [DataOptions, FolderOptions, *filter(None, map(resolve_config, readers))]
    return frozenset(name for config in configs for name in config.model_fields) - {PATH}


def file_suffixes() -> list[str]:
    """Suffixes of the files that components read, such as `.csv`."""
    return sorted({tag for entry in entries("dataset") for tag in entry.component.tags if _is_suffix(tag)})


def read_by_suffix(path: Path) -> bool:
    """Whether a path is a file that a component reads."""
    return path.is_file() and _reader(path) is not None


def _is_table(data: Any) -> bool:
    # Columns may be called so as well
    named = isinstance(data, Mapping) and isinstance(data.get("name"), str | Reference)
    return named and not isinstance(data, Dataset)


def _with(section: DataSection, given: Mapping[str, Any]) -> DataSection:
    """A section with further options, which go before those that it has."""
    if isinstance(section.source, ComponentRef):
        ref = section.source
        merged = {**ref.options, **section.beside, **given}
        return _of_component(ComponentRef(ref.name, ref.namespace, merged))
    if isinstance(section.source, PathRef | HubDataRef):
        place = section.source.path if isinstance(section.source, PathRef) else str(section.source)
        return _of_path(place, {**section.beside, **given})
    if isinstance(section.source, Sources):
        return _of_sources(section.source, {**section.beside, **given})
    merged = {**section.beside, **given}
    general = DataOptions.model_fields.keys() - (
        ColumnOptions.model_fields.keys() if has_columns(section.source) else ()
    )
    rest = {key: value for key, value in merged.items() if key in general}
    own = {key: value for key, value in merged.items() if key not in rest}
    return replace(section, options=validate(DataOptions, rest, "data"), own=own)


def _of_sources(sources: Sources, given: Mapping[str, Any]) -> DataSection:
    where = f"data {sources}"
    if (unknown := next((name for name in given if name not in DataOptions.model_fields), None)) is not None:
        known = listing(sorted(DataOptions.model_fields))
        hint = misplaced(unknown, given[unknown], DataOptions.model_fields)
        hint = hint or "what is one source's own stands in its table"
        raise OptionError(where, expected=f"options among {known}", got=unknown, hint=hint)
    return DataSection(source=sources, options=validate(DataOptions, given, where))


def _of_path(path: str, given: Mapping[str, Any]) -> DataSection:
    if path.startswith(HUB_PREFIX):
        return _of_hub(parse_reference(path), given)
    place = local_path(path)
    tables = table_files(place, file_suffixes()) if place.is_dir() else [place]
    ref = _reader(tables[0]) if tables else None
    if ref is not None:
        return _of_component(ComponentRef(ref.name, ref.namespace, {PATH: path, **given}))
    if place.is_file():
        expected = f"a folder, or a file of {listing(file_suffixes())}"
        raise DataError(f"data {place}", expected=expected, got="a file")
    own = {key: value for key, value in given.items() if key not in DataOptions.model_fields}
    rest = {key: value for key, value in given.items() if key in DataOptions.model_fields}
    where = f"data {place}"
    _check_known(where, own, {*FolderOptions.model_fields, *DataOptions.model_fields})
    return DataSection(
        source=PathRef(path),
        options=validate(DataOptions, rest, where),
        folder=validate(FolderOptions, own, where),
    )


def _of_hub(ref: Reference, given: Mapping[str, Any]) -> DataSection:
    """What is said beside a repository; its files tell what of it fits them."""
    general = DataOptions.model_fields.keys() - ColumnOptions.model_fields.keys()
    rest = {key: value for key, value in given.items() if key in general}
    own = {key: value for key, value in given.items() if key not in rest}
    return DataSection(source=ref, options=validate(DataOptions, rest, f"data {ref}"), own=own)


def _of_component(ref: ComponentRef) -> DataSection:
    config = resolve_config(find(ref, "dataset").component) if ref.options else None
    # A word that the component has too is the component's: the group of a table is a column
    general = DataOptions.model_fields.keys() - (config.model_fields.keys() if config else ())
    rest = {key: value for key, value in ref.options.items() if key in general}
    own = {key: value for key, value in ref.options.items() if key not in rest}
    source = ComponentRef(ref.name, ref.namespace, own)
    return DataSection(source=source, options=validate(DataOptions, rest, f"data {ref}"))


def _reader(file: Path) -> ComponentRef | None:
    """The component that reads a file, by its suffix; the longest one counts."""
    name = file.name.lower()
    fits = [
        (len(tag), entry.qualified)
        for entry in entries("dataset")
        for tag in entry.component.tags
        if _is_suffix(tag) and name.endswith(tag)
    ]
    longest = max((length for length, _ in fits), default=0)
    found = sorted({qualified for length, qualified in fits if length == longest})
    if len(found) > 1:
        hint = f'say {{"name": {quote(found[0])}, "path": {quote(str(file))}}}'
        raise AmbiguousNameError(f"{quote(str(file))} is read by {listing(found)}", hint=hint)
    if not found:
        return None
    namespace, _, own = found[0].partition(":")
    return ComponentRef(own, namespace)


def _is_suffix(tag: str) -> bool:
    return tag.startswith(".")


def _check_known(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        close = closest(unknown[0], known)
        hint = misplaced(unknown[0], given[unknown[0]], known)
        hint = hint or (did_you_mean(unknown[0], close) if close else None)
        expected = f"options among {listing(sorted(known))}"
        raise OptionError(
            f"{where} has no option {quote(unknown[0])}", expected=expected, got=unknown[0], hint=hint
        )
