"""Losses held against the task of a model, before any work."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from zoo.compose.foreign.torch_module import PlainModel
from zoo.data.view import source_of
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss, LossLike
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME, for_numbers, for_rows
from zoo.interfaces.tasks.target_counts import ignored_index
from zoo.registry.catalogue import known
from zoo.registry.lookup import entries, find
from zoo.runtime.torch_losses import VALUES, fault_of, fitting, is_torchs, squashes, tried
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, ZooError, listing, near, quote, warn

_LOOKED_AT = 16


def check_fits(loss: nn.Module, given: LossLike, model: Model, dataset: Dataset | None = None) -> None:
    """Raises OptionError where a loss is for other tasks than the model's, or none of it can be learnt by it.

    Args:
        loss: that was made of `given`.
        given: as the caller named it.
        model: one without a task, as a feature extractor, takes any.
        dataset: that is trained on, whose masks may have pixels that do not count.
    """
    task = model.task
    if task is None:
        return
    if dataset is not None:
        check_ignored(loss, model, dataset)
    others = loss.unfit(task) if isinstance(loss, Loss) and _is_sure(model, task, loss) else ()
    fault = fault_of(loss, model, task) if is_torchs(loss) else None
    if not others and fault is None:
        return
    names = [entry.component.name for entry in entries("loss") if entry.component.task in names_of(task)]
    if isinstance(model, PlainModel) or is_torchs(loss):
        names += fitting(model, task)
    expected = f"one for task {task.name}" + (f" ({listing(names)})" if names else "")
    got, hint = fault if fault is not None else (f"one for {listing(others)}", None)
    if unknown := [name for name in others if name not in (tasks := _known())]:
        hint = f"no task is called {quote(unknown[0])}, {near(unknown[0], tasks)}"
    if hint is None and isinstance(model, PlainModel):
        outputs = counted(model.outputs, "output")
        hint = f"the data and {outputs} of the module say {task.name}; give one of these"
    usual = "leave it out for the loss of the task, or build the model with another head"
    raise OptionError(f"loss {_called(loss, given)}", expected=expected, got=got, hint=hint or usual)


def vectors_of(given: LossLike | None) -> Task | None:
    """The task of a loss that is for vectors to be compared, and for nothing else; None of any other loss.

    Data with classes do not tell it from one of K classes, and the outputs of a torch module not either.

    Args:
        given: as the caller named it.
    """
    if isinstance(given, nn.Module):
        names: list[str | None] = [*given.tasks] if isinstance(given, Loss) else []
    elif given is None:
        return None
    else:
        try:
            names = [find(given, "loss").component.task]
        except ZooError:  # named where it is made
            return None
    tasks = [BY_NAME.get(name or "") for name in names]
    return tasks[0] if tasks and all(task is not None and task.compares for task in tasks) else None


def check_ignored(loss: nn.Module, model: Model, dataset: Dataset) -> None:
    """Raises OptionError where masks have pixels that do not count, and a loss of torch's own counts them.

    Args:
        loss: that was given.
        model: whose task knows the index of such pixels.
        dataset: where it does not say whether it has some, the first masks are looked at.
    """
    own, task = getattr(loss, "ignore_index", None), model.task
    if own is None or task is None or not dataset.masks or not is_torchs(loss):
        return
    if (index := ignored_index(task, model.outputs)) is None:
        return
    wanted = int(task.target(torch.tensor([[[index]]]), model.outputs))
    if own == wanted:
        return
    has_some: bool | None = getattr(source_of(dataset), "leaves_out", None)
    if has_some is None:
        masks = (dataset[i].mask for i in range(min(len(dataset), _LOOKED_AT)))
        has_some = any(mask is not None and bool((mask == index).any()) for mask in masks)
    if has_some:
        raise OptionError(
            f"loss {type(loss).__name__}",
            expected=f"one that leaves out index {wanted}, that of pixels which do not count",
            got=f"ignore_index={own}",
            hint=f"nn.{type(loss).__name__}(ignore_index={wanted})",
        )


def task_said(loss: Any, dataset: Dataset, outputs: int) -> Task | None:
    """The task that a loss of torch's own says for a torch module, where the data alone say another one.

    Args:
        loss: as the caller gave it.
        dataset: rows of numbers may be values or labels, and whole numbers classes or values.
        outputs: of the module.
    """
    if not isinstance(loss, nn.Module) or not is_torchs(loss) or not dataset.targets:
        return None
    first = dataset.targets[0]
    if isinstance(first, list | tuple) and len(first) > 1:
        sure = isinstance(loss, nn.BCEWithLogitsLoss | nn.MultiLabelSoftMarginLoss)
        hot = isinstance(loss, nn.BCELoss) and all({*row} <= {0, 1} for row in dataset.targets)
        return for_rows() if sure or hot else None
    # Of two classes it may be either, which is for `check_fits` to ask
    if isinstance(loss, VALUES) and outputs == 1 and dataset.numbered and max(dataset.targets) > 1:
        return for_numbers()
    return None


def warn_squashed(model: Model) -> None:
    """Warns where a torch module ends in probabilities, of which figures and predictions would be wrong."""
    if model.task is None or not isinstance(model, PlainModel):
        return
    if (last := squashes(model, model.task)) is not None:
        better = "nn.CrossEntropyLoss()" if last.lower().startswith("softmax") else "nn.BCEWithLogitsLoss()"
        warn(
            f"module {type(model.module).__name__} ends in {last}, and task {model.task.name} takes logits: "
            f"figures and predictions make probabilities of them once more; leave it out and use {better}"
        )


@contextmanager
def held_warnings() -> Iterator[None]:
    """Holds warnings back until what is made is known to be taken; they are of no use before an error."""
    with warnings.catch_warnings(record=True) as held:
        warnings.simplefilter("always")
        yield
    for item in held:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)


def _is_sure(model: Model, task: Task, loss: Loss) -> bool:
    """Whether the task is said, or follows from data and outputs; of a torch module it may be a guess."""
    if not isinstance(model, PlainModel):
        return True
    try:
        if model.labels and task.outputs(len(model.labels)) == model.outputs:
            return True
    except OptionError:
        return True
    # Vectors may well be longer than there are classes; what fails with these targets is for others
    return model.outputs == 1 or tried(loss, task, model.outputs) is not None


def names_of(task: Task) -> set[str]:
    """The task's name, and those of the tasks that it is derived from.

    Example:
        >>> from zoo.interfaces import Binary
        >>> names_of(Binary())
        {'binary'}
    """
    return {getattr(kind, "name", "") for kind in type(task).__mro__} - {""} | {task.name}


def _called(loss: nn.Module, given: LossLike) -> str:
    name: Any = given.get("name") if isinstance(given, Mapping) else given
    return name if isinstance(name, str) else type(loss).__name__


def _known() -> list[str]:
    """Names of tasks: of their classes, and of what heads and models are for, installed or catalogued."""
    kinds = ("head", "model")
    found = {entry.component.task for kind in kinds for entry in entries(kind)}
    found |= {row.get("task") for data in known() for row in data["components"] if row["kind"] in kinds}
    return sorted({name for name in found if name} | {*_named(Task)})


def _named(kind: type[Task]) -> Iterator[str]:
    """The names of a class of tasks and of all that are derived from it."""
    if name := getattr(kind, "name", ""):
        yield name
    for derived in kind.__subclasses__():
        yield from _named(derived)
