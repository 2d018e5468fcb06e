"""Data to be measured on, read as those that a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.data.section import DataSection, WithOptions, section_of
from zoo.data.several import Sources
from zoo.registry.lookup import find
from zoo.spec.data_options import PATH, SOURCES, name_of_place
from zoo.spec.errors import OptionError
from zoo.spec.options import RefValue
from zoo.spec.reference import HUB_PREFIX, ComponentRef, HubDataRef, PathRef

_SIDES = ("group", "near_duplicates", "split", "order")
"""Options that say which images are on which side; other data may have other columns."""

_OTHERS = ("name", PATH, "folder", "sampler")
"""Facts of the training data that say nothing of how others are read."""


def as_trained(data: Any, trained: RefValue | None, where: str) -> DataSection:
    """The data with the options of a model's training data, where nobody says others.

    Columns of a table and the meaning of masks belong to what was learnt. What decides the splits is taken
    over for data of the same name alone, so that the test split stays the one that was never seen.

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
        return _sources_as_trained(section, section.source, trained)
    if not isinstance(trained, Mapping) or not isinstance(trained.get(PATH), str):
        return section
    path = _path(section, trained)
    if path is None:
        return section
    same = name_of_place(path) == name_of_place(trained[PATH])
    known = {
        name: value
        for name, value in trained.items()
        if name not in _OTHERS and value not in (None, [], ()) and (same or name not in _SIDES)
    }
    given = {**section.source.options} if isinstance(section.source, ComponentRef) else {}
    given = {name: value for name, value in {**given, **section.beside}.items() if name != PATH}
    unsaid = {name: value for name, value in known.items() if given.get(name) in (None, [], ())}
    return section_of(WithOptions(section, unsaid)) if unsaid else section


def _sources_as_trained(section: DataSection, sources: Sources, trained: RefValue | None) -> DataSection:
    """Several sources with the classes and sides of those trained on, where they are called alike."""
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
        name: value for name, value in known.beside.items() if name in _SIDES and name not in found.beside
    }
    return section_of(WithOptions(found, unsaid)) if unsaid else found


def _path(section: DataSection, trained: Mapping[str, Any]) -> str | None:
    """The path of data of the same kind as those trained on; None for others."""
    if isinstance(section.source, PathRef | HubDataRef):
        place = section.source.path if isinstance(section.source, PathRef) else str(section.source)
        alike = place.startswith(HUB_PREFIX) == trained[PATH].startswith(HUB_PREFIX)
        return None if "name" in trained or not alike else place
    if not isinstance(section.source, ComponentRef) or "name" not in trained:
        return None
    path = section.source.options.get(PATH)
    alike = find(section.source, "dataset").qualified == trained["name"]
    return path if alike and isinstance(path, str) else None
