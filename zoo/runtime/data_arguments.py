"""Data as the verbs take them, and their value in a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.compose.instantiate import make
from zoo.compose.parts import recorded
from zoo.data.resolve import DataLike, resolve
from zoo.data.section import DataSection, file_suffixes, section_of
from zoo.hub.sets.bring import bring, pinned
from zoo.hub.sets.choose import CONFIG
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.spec.data_options import PATH
from zoo.spec.reference import ComponentRef, HubDataRef, HubRef, PathRef, without_prefix

_ADDRESS = "://"
"""Sign of an address, which is no path."""


def as_dataset(
    data: DataLike | None,
    *,
    task: Task | None = None,
    classes: int | None = None,
    part: bool = False,
    skip_unreadable: bool = False,
) -> Dataset:
    """The data as a task needs them; see `zoo.data.resolve.resolve`."""
    return resolve(data, _made, task=task, classes=classes, part=part, skip_unreadable=skip_unreadable)


def _made(what: ComponentRef | DataSection) -> Any:
    """The data set of a component; of one on the Hub the section of its folder here."""
    if isinstance(what, ComponentRef):
        return make("dataset", what)
    assert isinstance(what.source, HubDataRef)  # noqa: S101 - no other section is brought
    own = {**what.own}
    config = own.pop(CONFIG, None)
    folder = bring(what.source, tables=file_suffixes(), config=config)
    return section_of({PATH: str(folder), **own})


def classes_of(model: Model) -> int | None:
    """Number of classes of a model; None without a task, or where its outputs are no classes."""
    return model.task.classes(model.outputs) if model.task is not None and model.task.named else None


def data_value(data: DataLike | None, *, whole: bool = False) -> str | dict[str, Any] | None:
    """The data's value in a recipe: a component, or a path, with the options beside; None for an object.

    A bare name is recorded with its namespace: where the recipe is read again, a folder may have it; data of
    the Hub with the commit that was read.

    Args:
        data: as the caller gave it.
        whole: whether a path is recorded from the root, so that another working folder changes nothing;
            else its last part alone, since recipes are shared, and where somebody's images lie is not.
    """
    section = section_of(data)
    if section.ref is None:
        return None
    if isinstance(section.ref, PathRef):
        path = str(PathRef(_place(section.ref.path, whole)))
        return {PATH: path, **section.beside} if section.beside else path
    if isinstance(section.ref, HubRef | HubDataRef):
        place = str(pinned(section.ref) if isinstance(section.ref, HubDataRef) else section.ref)
        return {PATH: place, **section.beside} if section.beside else place
    value = recorded("dataset", section.ref)
    if isinstance(value, dict) and isinstance(value.get(PATH), str):
        value = {**value, PATH: _place(value[PATH], whole)}
    if not section.beside:
        return value
    return {**(value if isinstance(value, dict) else {"name": value}), **section.beside}


def _place(path: str, whole: bool) -> str:
    if _ADDRESS in path:
        return path if whole else path.rpartition("/")[2]
    found = Path(without_prefix(path)).expanduser().resolve()
    return str(found) if whole else found.name
