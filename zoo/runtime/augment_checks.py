"""Augmenters held against the model and the trainer that they are for, before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Augmenter, Chain
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.draws import forked
from zoo.interfaces.loss import needs_of, total
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.oriented_labels import misread
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import TrainingError, listing, quote, reason, warn
from zoo.spec.hints.spoken import Way, argument, augment_options, spoken
from zoo.spec.inputs import InputSpec
from zoo.trainers.loss_cuts import TRIED


def check_augment(
    augmenter: Augmenter | None,
    model: Model,
    trainer: Trainer,
    loss: nn.Module | None,
    dataset: Dataset,
    *,
    resumed: bool,
) -> None:
    """Raises TrainingError where augmented images would teach something else than what was meant.

    Args:
        augmenter: of the training images; None for none.
        model: whose targets may be places in the images, which are to move with them.
        trainer: that may compare images of its own making with those of the data.
        loss: that may be given mixed targets; prepared.
        dataset: of which samples may have several images.
        resumed: whether the run was begun so, by a version that did not ask.
    """
    _check_images(dataset, model, augmenter)
    if augmenter is None:
        return
    task = model.task
    own = [m for m in augmenter.modules() if isinstance(m, Augmenter) and not isinstance(m, Chain)]
    if task is not None and task.spatial and not augmenter.moves_places:
        names = [type(item).__name__ for item in own if not item.moves_places]
        expected = f"augmenters that move the targets of task {task.name} with the pixels"
        hint = "leave it out, or derive it from zoo.interfaces.augmenter.Geometric"
        raise TrainingError("fit: augment", expected=expected, got=listing(names), hint=hint)
    if not trainer.takes_augment and not resumed:
        raise TrainingError(
            "fit: augment",
            expected=f"none: {type(trainer).__name__} trains a model to make images like those of the data, "
            "and augmenters change these alone",
            got=listing(type(item).__name__ for item in own),
            hint="leave it out, or put the changed images into the data",
        )
    if augmenter.changes_labels and trainer.batch_size == 1 and not resumed:
        names = [type(item).__name__ for item in own if item.changes_labels]
        got, hint = f"{argument('batch_size', 1)} for {listing(names)}", argument("batch_size", 8)
        raise TrainingError("fit: batches", expected="images to mix with each other", got=got, hint=hint)
    if task is not None:
        augmenter.prepare(task, model.outputs)
        if augmenter.changes_labels and loss is not None and not needs_of(loss):
            _check_mixed(loss, task, model.outputs, [item for item in own if item.changes_labels])


def tell_of_augment(
    augmenter: Augmenter | None, task: Task | None, dataset: Dataset, value: Any, *, resumed: bool
) -> None:
    """Warns, where a run begins, of labels that may not hold for augmented images; see `warn_misread`."""
    if resumed or augmenter is None:
        return
    # Levels are numbers, and no signs to be read; numbers of classes neither
    if not dataset.numbered and not (task is not None and task.ordered):
        warn_misread(augmenter, dataset.labels, value)


def warn_misread(
    augmenter: Augmenter, labels: Sequence[str], value: Any = None, *, prefix: str = "augment."
) -> None:
    """Says which labels mirrored or turned images have no more, whose doing it is, and how to leave it.

    Args:
        augmenter: of the images.
        labels: of their classes.
        value: of the augmenter in a recipe; None of an object.
        prefix: of the path of its options on a command line.
    """
    if not (told := misread(labels, augmenter.orientation)):
        return
    items: list[Any] = [*augmenter.items] if type(augmenter) is Chain else [augmenter]
    values = value if isinstance(value, list) else [value] * len(items)
    # Turns of several that add up are nobody's alone
    guilty = [i for i, item in enumerate(items) if misread(labels, item.orientation)] or [*range(len(items))]
    names = [_name(values[i]) or type(items[i]).__name__ for i in guilty]
    own, way = items[guilty[0]].orientation, "leave it out"
    if own.upright and values[guilty[0]] is not None:
        several = len(items) > 1 and spoken().rest == "shell"
        said: Way = "recipe" if several else spoken().rest
        upright = _named_inside(own.upright, values[guilty[0]])
        way = f"say {augment_options(said, names[0], upright, prefix)}"
    told = misread(labels, own) or told
    warn(f"augment {listing(names)} may change what labels mean: {told}; if so, {way}")


def _named_inside(upright: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Options with the name of each augmenter inside whose options they are."""
    return {
        option: {"name": _name(value[option]), **said} if isinstance(said, Mapping) else said
        for option, said in upright.items()
    }


def _name(value: Any) -> str:
    """The name in a value of a recipe, without the namespace that it has where it is known."""
    found = value.get("name", "") if isinstance(value, Mapping) else value or ""
    return str(found).rpartition(":")[2]


def _check_images(dataset: Dataset, model: Model, augmenter: Augmenter | None) -> None:
    """Raises TrainingError where further images would be another thing than the one that they stand beside.

    Args:
        dataset: perhaps with fields.
        model: that may be trained on crops.
        augmenter: of the training images.
    """
    images = [name for name, kind in dataset.fields.items() if isinstance(kind, InputSpec)]
    if not images:
        return
    got = listing(map(quote, images))
    if augmenter is not None:
        expected = "none for samples of several images, of which it changes the first alone"
        hint = "leave it out, and change the images of a batch in the trainer's step"
        raise TrainingError("fit: augment", expected=expected, got=got, hint=hint)
    if model.crops:
        expected = "one image a sample for a model that is trained on crops"
        raise TrainingError("fit: data", expected=expected, got=f"further images {got}")


def _check_mixed(loss: nn.Module, task: Task, outputs: int, mixers: Sequence[Augmenter]) -> None:
    """Raises TrainingError where a loss, tried on random answers, takes no mixed targets."""
    fault = _fault(loss, task, outputs)
    if fault:
        raise TrainingError(
            f"fit: augment {listing(type(item).__name__ for item in mixers)}",
            expected=f"a loss that takes targets of mixed images, as that of task {task.name} does",
            got=f"{type(loss).__name__}, {fault}",
            hint="leave out loss=, or the augmenter",
        )


def _fault(loss: nn.Module, task: Task, outputs: int) -> str:
    device = next((t.device for t in (*loss.parameters(), *loss.buffers())), torch.device("cpu"))
    with forked():
        torch.manual_seed(0)
        answers, raw = task.example(task.classes(outputs), TRIED)
    rows = task.mixable(raw, answers.shape[1])
    # Of a task with masks these are mixed, and keep their classes
    if rows is None:
        return ""
    found: list[Tensor] = []
    for share in (1.0, 0.6):
        mixed = task.target(torch.lerp(rows.roll(1, 0), rows, share), answers.shape[1])
        try:
            with torch.no_grad(), kept_modes(loss), forked(device):
                torch.manual_seed(0)
                found.append(total(loss(answers.to(device), mixed.to(device))))
        # Whatever it stumbles over: it was made for other targets
        except Exception as error:
            return f"which stumbles over them: {reason(error)}"
    return "which is the same for all shares" if torch.equal(*found) else ""
