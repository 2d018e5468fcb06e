"""A recipe filled in with the classes of its data, and the data as its task needs them."""

from __future__ import annotations

from zoo.compose.plan import plan
from zoo.compose.saved_models import from_saved
from zoo.data.label_mapping import in_order
from zoo.data.resolve import DataLike
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError
from zoo.spec.recipe import ORIGINAL, ModelSection, Recipe

_SOME = 2
"""Classes of a model that is planned only to learn its task."""


def with_data(
    recipe: Recipe, data: DataLike | None = None, *, skip_unreadable: bool = False
) -> tuple[Recipe, Dataset]:
    """The recipe with the classes of its data where it says nothing of classes, and the data.

    The data are read once, as the task of the recipe's model needs them.

    Args:
        recipe: to fill.
        data: instead of the recipe's own.
        skip_unreadable: leave out images that cannot be decoded.

    Raises:
        DataError: there are no data.
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
    task = _task(section, free)
    dataset = as_dataset(source, task=task, classes=section.count, skip_unreadable=skip_unreadable)
    if not (free and task is not None and task.named and dataset.labels):
        return recipe, dataset
    # From here on the recipe says the order
    dataset = in_order(dataset, task)
    return recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"classes": dataset.labels})}
    ), dataset


def _task(section: ModelSection, free: bool) -> Task | None:
    """The task of a model that may lack its classes still."""
    # Planning takes no memory for weights
    try:
        return plan(section).meta_model.task
    except OptionError as error:
        if not free:
            raise
        try:
            return plan(section.model_copy(update={"classes": _SOME})).meta_model.task
        except OptionError:
            raise error from None  # it was not the classes that were missing
