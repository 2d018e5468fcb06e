"""Probabilities of classes that a model gives to images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from zoo.data.batches import Batches
from zoo.inference.asking.views import answered
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.geometry.places import plain_tensors
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.base import Task
from zoo.runtime.arguments import BATCH_SIZE
from zoo.runtime.devices import borrowed, choose_device, to_device
from zoo.runtime.progress import watched
from zoo.spec.errors import OptionError


def class_probabilities(
    model: Model, dataset: Dataset, indices: Sequence[int], *, progress: bool
) -> npt.NDArray[np.float64]:
    """Probabilities of the classes, N x K, for N images.

    Args:
        model: with one class an image.
        dataset: with the classes of the model.
        indices: of the images.
        progress: whether to show a bar where it takes longer.

    Raises:
        OptionError: the model's answers are no probabilities of one class an image.
    """
    task, found = model.task, []
    assert task is not None  # noqa: S101 - for_model has looked
    targets = dataset.targets
    check_one_class(task, [targets[i] for i in indices])
    at = choose_device(None)
    batches = Batches(
        dataset, indices, model.input_spec, batch_size=BATCH_SIZE, crop=model.crops, task=task, device=at
    )
    with borrowed(model, at, inference=True), torch.no_grad():
        for batch in watched(batches, "asking the model", progress):
            ready = plain_tensors(model.examples(to_device(batch, at)))
            table = task.probabilities(answered(model, ready["image"], None).float())
            if table is None:
                raise _refusal(task)
            found.append(table.double().cpu())
    return torch.cat(found).numpy() if found else np.zeros((0, task.classes(model.outputs)))


def check_one_class(task: Task, targets: Sequence[Any]) -> None:
    """Raises OptionError where targets of a task are not one class an image."""
    if any(task.stratum(target) is None for target in targets):
        raise _refusal(task)


def _refusal(task: Task) -> OptionError:
    got = f"task {task.name}"
    return OptionError("label errors", expected="a model that gives each image one class", got=got)
