"""A recipe filled in with the classes of its data, and the data as its task needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoo.compose.parts import BODIES
from zoo.compose.plan import plan
from zoo.compose.saved_models import from_saved
from zoo.data.label_mapping import in_order
from zoo.data.resolve import DataLike
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import fitting
from zoo.interfaces.trainer import Trainer, TrainerLike
from zoo.registry.defaults import default_entry
from zoo.registry.lookup import entries, find
from zoo.runtime.data_arguments import as_dataset, classes_of, declared_fields
from zoo.spec.errors import DataError, OptionError, TrainingError, listing, warn
from zoo.spec.hints.spoken import spoken
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ORIGINAL, ModelSection, Recipe

_SOME = 2
"""Classes of a model that is planned only to learn its task."""


def with_data(
    recipe: Recipe,
    data: DataLike | None = None,
    *,
    skip_unreadable: bool = False,
    fields: Callable[[Model], Mapping[str, InputSpec | Task]] | None = None,
) -> tuple[Recipe, Dataset]:
    """The recipe with the classes of its data where it says nothing of classes, and the data.

    The data are read once, as the task of the recipe's model needs them. A backbone without a head gets the
    one that is the default for what the data tell, and a warning says which.

    Args:
        recipe: to fill.
        data: instead of the recipe's own.
        skip_unreadable: leave out images that cannot be decoded.
        fields: says which further images and targets samples must have for the model, which has no weights.

    Raises:
        DataError: there are no data.
        TrainingError: the model has no head, and none is for such data.
        ZooError: the model or the data cannot be had.

    Example:
        >>> recipe = Recipe.from_dict({"model": {"name": "mlp", "head": "multiclass"}, "data": "digits"})
        >>> filled, dataset = with_data(recipe)
        >>> filled.model.count, len(dataset)
        (10, 1797)
    """
    source = recipe.data if data is None else data
    if source is None:
        hint = "give a folder of class folders, or a data set's name"
        raise DataError("fit", expected="data", got="none", hint=hint)
    section = from_saved(recipe.model, "backbone")
    free = section.classes is None and section.head != ORIGINAL
    planned = _planned(section, free)
    task = planned.task
    dataset = as_dataset(
        source, task=task, classes=section.count, skip_unreadable=skip_unreadable,
        fields=fields(planned) if fields is not None and task is not None else None,
        values=planned.input_spec.reading,
    )  # fmt: skip
    if _lacks_head(section, planned) and dataset.task is not None:
        task = fitting(dataset.task, section.count)
        place = recipe.model.name.removeprefix("file:")
        saved = place if section.name != recipe.model.name else None
        head = _head_for(dataset, task, section, saved)
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"head": head})})
    if not (free and task is not None and task.named and dataset.labels):
        return recipe, dataset
    # From here on the recipe says the order
    dataset = in_order(dataset, task)
    return recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"classes": dataset.labels})}
    ), dataset


def _lacks_head(section: ModelSection, planned: Model) -> bool:
    bare = planned.task is None and section.head is None
    return bare and find(section.name, BODIES).component.kind == "backbone"


def _head_for(dataset: Dataset, task: Task, section: ModelSection, saved: str | None) -> str:
    """Name of the head for what data tell, said in a warning.

    Args:
        dataset: as it was read.
        task: of the head.
        section: of the backbone.
        saved: the model that it was saved in; None where it is a new one.

    Raises:
        TrainingError: no head is for it.
    """
    found = default_entry("head", task.name, {find(section.name, BODIES).plugin.distribution})
    shell = spoken().way == "shell"
    option = "--head" if shell else "head=..."
    if found is None:
        models = [entry.component.name for entry in entries("model") if entry.component.task == task.name]
        hint = f"take a model for it: {listing(models)}" if models else f"say which: {option}"
        raise TrainingError("fit", expected=f"a head for {task.name}, as the data are", got="none", hint=hint)
    name = found.component.name
    kinds = listing(dataset.labels, 5)
    kept = "" if saved is None else (f"zoo fit {saved}" if shell else f"zoo.fit({saved!r}, data)")
    aside = f"; a head that it was saved with is left aside, and {kept} keeps it" if kept else ""
    warn(f"no head was given: {name} is taken, as fits the data ({kinds}); {option} says another{aside}")
    return name


def _planned(section: ModelSection, free: bool) -> Model:
    """The model without weights; it may lack its classes still."""
    # Planning takes no memory for weights
    try:
        return plan(section).meta_model
    except OptionError as error:
        if not free:
            raise
        try:
            return plan(section.model_copy(update={"classes": _SOME})).meta_model
        except OptionError:
            raise error from None  # it was not the classes that were missing


def data_for(
    model: Any, data: DataLike, trainer: TrainerLike | None, options: dict[str, Any], *, skip_unreadable: bool
) -> Dataset:
    """The data as a model takes them, with the fields that it and its trainer name.

    Args:
        model: or a torch module.
        data: as the caller gave them.
        trainer: by name, as a table, or an object.
        options: of the trainer.
        skip_unreadable: leave out images that cannot be decoded.

    Raises:
        ZooError: they cannot be read, or lack a field.
    """
    skip: Any = {"skip_unreadable": skip_unreadable}
    if not isinstance(model, Model):
        _check_no_fields(trainer)
        spec = getattr(model, "input_spec", None)
        return as_dataset(data, **skip, values=spec.reading if isinstance(spec, InputSpec) else None)
    fields = declared_fields(model, trainer, options) if model.task is not None else {}
    how: Any = {"task": model.task, "classes": classes_of(model), "values": model.input_spec.reading}
    return as_dataset(data, fields=fields, **how, **skip)


def _check_no_fields(trainer: object) -> None:
    """Raises TrainingError for a trainer with fields beside a torch module, which has no input spec."""
    if isinstance(trainer, Trainer) and trainer.fields:
        expected, got = "a model of zoo.interfaces.Model", "a torch module"
        raise TrainingError(f"fields of {type(trainer).__name__}", expected=expected, got=got)
