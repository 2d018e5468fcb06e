"""Data as the verbs take them, and their value in a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from zoo.compose.instantiate import make
from zoo.compose.parts import recorded
from zoo.data.loader.ranged import ranged
from zoo.data.resolve import DataLike, resolve
from zoo.data.section import DataSection, InMemory, WithOptions, data_options, file_suffixes, section_of
from zoo.data.several import Sources
from zoo.data.sources.mask_colors import said_colors
from zoo.hub.sets.bring import bring, pinned
from zoo.hub.sets.choose import CONFIG
from zoo.images.ranges import How, scaled_by
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.records.fields import settled_fields
from zoo.interfaces.tasks import Task
from zoo.interfaces.trainer import TrainerLike
from zoo.runtime.arguments import as_trainer
from zoo.spec.data_options import CLASSES, MEMORY, PATH, SOURCES, ColumnOptions, in_memory, with_options
from zoo.spec.errors import OptionError, listing, near
from zoo.spec.inputs import InputSpec
from zoo.spec.options import validate
from zoo.spec.reference import ComponentRef, HubDataRef, HubRef, PathRef, local_path, without_prefix

_ADDRESS = "://"
"""Sign of an address, which is no path."""


def as_dataset(
    data: DataLike | None,
    *,
    task: Task | None = None,
    classes: int | None = None,
    part: bool = False,
    skip_unreadable: bool = False,
    fields: Mapping[str, InputSpec | Task] | None = None,
    values: How | None = None,
) -> Dataset:
    """The data as a task needs them, see `zoo.data.resolve.resolve`; `values` is the range of the model."""
    with scaled_by(values):
        found = resolve(
            data, _made, task=task, classes=classes, part=part, skip_unreadable=skip_unreadable, fields=fields
        )
    return ranged(found, values)


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


def declared_fields(
    model: Model, trainer: TrainerLike | None = None, options: dict[str, Any] | None = None
) -> dict[str, InputSpec | Task]:
    """The fields that samples must have for a model and, where one is named, its trainer.

    Args:
        model: perhaps without weights.
        trainer: by name, as a table, or an object; None for that of the model.
        options: of the trainer; None where nothing is trained.

    Raises:
        ZooError: a field cannot be had, or the trainer.
    """
    made = None if options is None else as_trainer(trainer, model, options)[0]
    return settled_fields(model.fields, made.fields if made else {}, model.input_spec)


def data_value(data: DataLike | None, *, whole: bool = False) -> str | dict[str, Any] | None:
    """The data's value in a recipe: a component, a path or the type of an object, with the options beside.

    A bare name is recorded with its namespace: where the recipe is read again, a folder may have it; data of
    the Hub with the commit that was read.

    Args:
        data: as the caller gave it.
        whole: whether a path is recorded from the root, so that another working folder changes nothing;
            else its last part alone, since recipes are shared, and where somebody's images lie is not.
    """
    section = section_of(data)
    if isinstance(section.source, Sources):
        return _sources_value(section.source, section.beside, whole=whole)
    if section.ref is None:
        return None if section.source is None else {MEMORY: section.called, **_plain(section)}
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


def with_said(data: DataLike, options: Mapping[str, Any], verb: Callable[..., Any]) -> DataLike:
    """The data with options of theirs that were given by name beside them.

    Args:
        data: as the caller gave it.
        options: by name, such as `target`.
        verb: that takes them beside its own arguments.

    Raises:
        OptionError: data have no such option.
    """
    names = data_options() if options else frozenset()
    if unknown := [name for name in options if name not in names]:
        hint = near(unknown[0], [*names, *signature(verb).parameters])
        expected = f"options of data: {listing(sorted(names))}"
        raise OptionError(f"{verb.__name__}: {unknown[0]}", expected=expected, got=unknown[0], hint=hint)
    return WithOptions(data, options) if options else data


def kept_value(data: DataLike) -> str | dict[str, Any] | None:
    """The data's value in the record of a run, which goes on with it; of an object its options alone.

    Args:
        data: as the caller gave it.
    """
    value = data_value(data, whole=True)
    return section_of(data).beside or None if in_memory(value) else value


def _plain(section: DataSection) -> dict[str, Any]:
    """The options beside an object as a file holds them, without places of this machine."""
    if isinstance(section.source, InMemory):
        return section.beside
    said = validate(ColumnOptions, section.own, f"data {section.called}")
    own = said.model_dump(mode="json", exclude_unset=True, exclude={"folder", "colors"})
    if said.colors is not None:
        own["colors"] = said_colors(said.colors, local_path(said.folder or ""))
    return {**own, **section.options.model_dump(mode="json", exclude_unset=True)}


def _sources_value(sources: Sources, beside: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    found = [(data_value(one.section, whole=whole), one.classes) for one in sources.parts.values()]
    return {SOURCES: [_with_classes(value, classes) for value, classes in found], **beside}


def _with_classes(value: Any, classes: Mapping[str, str | None]) -> Any:
    """The value of a source; TOML has no None."""
    if not classes:
        return value
    table = {label: called or "" for label, called in classes.items()}
    return {**with_options(value), CLASSES: table}


def _place(path: str, whole: bool) -> str:
    if _ADDRESS in path:
        return path if whole else path.rpartition("/")[2]
    found = Path(without_prefix(path)).expanduser().resolve()
    return str(found) if whole else found.name
