"""Whether data, labels and model fit each other; said before any work."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data.imbalance import lacking
from zoo.data.label_mapping import by_name, in_order
from zoo.data.streams.forms import Streamed
from zoo.data.view import source_of
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.registry.environment import processes
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, TrainingError, listing, quote, warn

_MOST_NAMES = 6
_FEWEST = 2


def for_model(model: Model, dataset: Dataset, where: str, labels: Sequence[str] = ()) -> Dataset:
    """The data with the classes of a model, in its order, for it to learn from or to be measured on.

    Args:
        model: with a task.
        dataset: as it was read.
        where: who asks, for messages.
        labels: that a run began with; by default those of the model, if it has some.

    Raises:
        DataError: they do not fit.
        TrainingError: the model has no task.
    """
    task = model.task
    if task is None:
        hint = "give it one: --head multiclass, in Python zoo.build(..., head='multiclass', classes=...)"
        raise TrainingError(where, expected="a model with a head", got="a feature extractor", hint=hint)
    if not dataset.targets:
        raise DataError(f"{where}: data", expected="images", got="none")
    try:
        return _matched(model, task, dataset, where, labels)
    except DataError as error:
        # Who has counted folders otherwise than they are read learns it here
        if remark := getattr(source_of(dataset), "remark", ""):
            hint = f"{error.hint}; {remark}" if error.hint else remark
            raise DataError(error.problem, expected=error.expected, got=error.got, hint=hint) from None
        raise


def _matched(model: Model, task: Task, dataset: Dataset, where: str, labels: Sequence[str]) -> Dataset:
    known = tuple(labels) or (tuple(model.labels) if task.named else ())
    if known:
        dataset = by_name(dataset, known, task, where)
    elif dataset.numbered and len(dataset.labels) < (count := task.classes(model.outputs)) and task.named:
        # Classes that have neither a name nor an image
        dataset = by_name(dataset, [str(i) for i in range(count)], task, where)
    else:
        dataset = in_order(dataset, task)
    task.check(dataset, model.outputs, model.labels, where)
    return dataset


def check_masks(dataset: Dataset) -> None:
    """Raises DataError where masks have nothing but one class."""
    source = source_of(dataset)
    present: frozenset[int] | None = getattr(source, "present", None)
    if present is not None and len(present) < _FEWEST:
        got = f"nothing but {listing(quote(source.labels[i]) for i in present)}"
        hint = getattr(source, "way_out", None)
        raise DataError("fit: masks", expected="at least two classes", got=got, hint=hint)


def check_stream(data: Streamed) -> None:
    """Raises OptionError where an epoch of a stream has no length, or it cannot give what is needed."""
    assert data.counted  # noqa: S101 - it raises where nobody said it
    if data.masks:
        hint = "give images with masks as a folder"
        raise OptionError("fit", expected="a target for each image of a stream", got="masks", hint=hint)
    if (count := processes()[1]) > 1:
        hint = "give shards or data with a length, of which each process gets its part"
        got = f"a stream for {count} of them"
        raise OptionError("fit by several processes", expected="data with a length", got=got, hint=hint)


def warn_lacking(dataset: Dataset, task: Task | None) -> None:
    """Says which classes nothing is learnt of.

    Args:
        dataset: with the classes of the model.
        task: of the model.
    """
    if task is None or not task.named or not (absent := lacking(dataset)):
        return
    names = listing(map(quote, absent), _MOST_NAMES)
    if dataset.masks:
        warn(f"no mask has a pixel of {names}: the model learns nothing of it")
    else:
        of = f"{len(absent)} of {counted(len(dataset.labels), 'class', 'classes')}"
        warn(f"no image is of {names} ({of}): the network learns never to give that answer")
