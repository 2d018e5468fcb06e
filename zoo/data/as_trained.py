"""Data to be measured on, read as those that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from zoo.data.objects.frames import has_columns
from zoo.data.section import DataSection, WithOptions, section_of
from zoo.data.several import Sources
from zoo.interfaces.dataset import Dataset
from zoo.registry.loading import resolve_config
from zoo.registry.lookup import find
from zoo.spec.data_options import (
    MEMORY,
    PATH,
    SOURCES,
    ColumnOptions,
    DataOptions,
    MaskValues,
    in_memory,
    name_of_place,
)
from zoo.spec.errors import OptionError, UnknownComponentError
from zoo.spec.options import RefValue
from zoo.spec.reference import HUB_PREFIX, ComponentRef, HubDataRef, PathRef

_SIDES = ("group", "near_duplicates", "split", "order")
"""Options that say which images are on which side; other data may have other columns."""

_COLUMNS = ("group", "split", "order")
"""Those of them that name a column."""

_PLACE = ("name", PATH, MEMORY, "folder")
"""Facts of the place of the training data."""

_TRAINING = ("sampler", "steps_per_epoch")
"""Options that say nothing of how others are read."""


def as_trained(data: Any, trained: RefValue | None, where: str) -> DataSection:
    """The data with the options of a model's training data, where nobody says others.

    Columns and the meaning of masks belong to what was learnt, whether they stood in a file or in memory.
    What decides the splits is taken over too, so that the test split of the same images stays the one that
    was never seen: for data of the same name, and for tables that have such columns, whatever their name.

    Args:
        data: as the caller gave them.
        trained: the recipe's data section.
        where: who asks, for messages.

    Raises:
        OptionError: an option is of training alone, or does not fit.
    """
    section = section_of(data)
    if section.options.sampler is not None:
        hint = "it says in which order a run sees images: leave it out"
        raise OptionError(f"{where}: sampler", expected="no such option", got="one", hint=hint)
    if isinstance(section.source, Sources):
        return _sources_as_trained(section, section.source, trained, _SIDES)
    if not isinstance(trained, Mapping):
        return section
    known = _known(section, trained, (*_PLACE, *_TRAINING))
    path, before = _path(section), trained.get(PATH)
    # Nobody can tell whether data of another name, or of none, are those of the training
    apart = path is None or before is None or name_of_place(path) != name_of_place(before)
    if apart and path is not None and before is not None and not _is_columns(section.source):
        known = {name: value for name, value in known.items() if name not in _SIDES}
    found = _with_unsaid(section, known)
    return replace(found, unsure=frozenset(known) & {*_COLUMNS}) if apart and known else found


def in_place(data: Any, kept: RefValue | None) -> Any:
    """Data in memory, with the options of a recipe whose own were in memory too, where nobody says others.

    Args:
        data: as the caller gave them; those of a file or a name stay as they are.
        kept: the recipe's data section.

    Raises:
        OptionError: an option does not fit.
    """
    if not isinstance(kept, Mapping) or not in_memory(kept):
        return data
    section = section_of(data)
    if isinstance(section.source, Sources):
        return _sources_as_trained(section, section.source, kept, [*DataOptions.model_fields])
    return data if section.ref is not None else _with_unsaid(section, _known(section, kept, _PLACE))


def _with_unsaid(section: DataSection, known: Mapping[str, Any]) -> DataSection:
    given = {**section.source.options} if isinstance(section.source, ComponentRef) else {}
    given = {name: value for name, value in {**given, **section.beside}.items() if name != PATH}
    unsaid = {name: value for name, value in known.items() if given.get(name) in (None, [], ())}
    return section_of(WithOptions(section, unsaid)) if unsaid else section


def _known(section: DataSection, trained: Mapping[str, Any], aside: Iterable[str]) -> dict[str, Any]:
    """The options of the training data that data of such a kind have too."""
    names = {*_shared(section, trained)} - {*aside}
    return {name: value for name, value in trained.items() if name in names and value not in (None, [], ())}


def _shared(section: DataSection, trained: Mapping[str, Any]) -> Iterable[str]:
    """Names of the options that mean the same in the data and in those trained on."""
    source = section.source
    if isinstance(trained.get(PATH), str) and _alike(source, trained):
        return trained
    columns = _reads_columns(trained["name"]) if PATH in trained and "name" in trained else MEMORY in trained
    general = ("near_duplicates", "fold", *_TRAINING)
    if columns and _is_columns(source):
        return (*ColumnOptions.model_fields, *general)
    if MEMORY in trained and section.ref is None:
        return (*MaskValues.model_fields, "group", *general)
    return ()


def _is_columns(source: Any) -> bool:
    """Whether data are columns: a table in a file, an object with columns, or splits that are some."""
    if isinstance(source, ComponentRef):
        return PATH in source.options and _reads_columns(source)
    if isinstance(source, Mapping | tuple) and not isinstance(source, Dataset) and not has_columns(source):
        return any(map(has_columns, source.values() if isinstance(source, Mapping) else source))
    return has_columns(source)


def _reads_columns(name: str | ComponentRef) -> bool:
    try:
        config = resolve_config(find(name, "dataset").component)
    # A model is used without the plugin that read its training data
    except UnknownComponentError:
        return False
    return config is not None and issubclass(config, ColumnOptions)


def _sources_as_trained(
    section: DataSection, sources: Sources, trained: RefValue | None, options: Iterable[str]
) -> DataSection:
    """Several sources with the classes and options of those trained on, where they are called alike."""
    if not isinstance(trained, Mapping) or SOURCES not in trained:
        return section
    known = section_of(trained)
    if not isinstance(known.source, Sources):
        return section
    before = known.source.parts
    parts = {
        name: replace(one, classes=one.classes or before[name].classes) if name in before else one
        for name, one in sources.parts.items()
    }
    found = replace(section, source=Sources(parts))
    if [*before] != [*parts]:
        return found
    unsaid = {
        name: value for name, value in known.beside.items() if name in options and name not in found.beside
    }
    return section_of(WithOptions(found, unsaid)) if unsaid else found


def _alike(source: Any, trained: Mapping[str, Any]) -> bool:
    """Whether data lie in a file or folder, and are read as those were that were trained on."""
    if isinstance(source, PathRef | HubDataRef):
        place = source.path if isinstance(source, PathRef) else str(source)
        return "name" not in trained and place.startswith(HUB_PREFIX) == trained[PATH].startswith(HUB_PREFIX)
    if not isinstance(source, ComponentRef) or "name" not in trained:
        return False
    return PATH in source.options and find(source, "dataset").qualified == trained["name"]


def _path(section: DataSection) -> str | None:
    """The path of data; None for those that have none."""
    if isinstance(section.source, PathRef | HubDataRef):
        return section.source.path if isinstance(section.source, PathRef) else str(section.source)
    found = section.source.options.get(PATH) if isinstance(section.source, ComponentRef) else None
    return found if isinstance(found, str) else None
