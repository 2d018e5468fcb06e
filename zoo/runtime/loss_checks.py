"""Losses held against the task of a model, before any work."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from zoo.compose.foreign.torch_module import PlainModel
from zoo.interfaces.loss import Loss, LossLike
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.registry.lookup import entries
from zoo.spec.errors import OptionError, listing, near, quote

_TRIED = 9


def check_fits(loss: nn.Module, given: LossLike, model: Model) -> None:
    """Raises OptionError where a loss is for other tasks than the model's, or none of it can be learnt by it.

    Args:
        loss: that was made of `given`.
        given: as the caller named it.
        model: one without a task, as a feature extractor, takes any.
    """
    task = model.task
    if task is None:
        return
    # Of a torch module the task is a guess from the data
    others = loss.unfit(task) if isinstance(loss, Loss) and not isinstance(model, PlainModel) else ()
    if not others and not _is_flat(loss, task, model.outputs):
        return
    names = [entry.component.name for entry in entries("loss") if entry.component.task in names_of(task)]
    expected = f"one for task {task.name}" + (f" ({listing(names)})" if names else "")
    got = f"one for {listing(others)}" if others else "one that is the same whatever the model answers"
    if unknown := [name for name in others if name not in (known := _known())]:
        hint = f"no task is called {quote(unknown[0])}, {near(unknown[0], known)}"
    else:
        hint = "leave it out for the loss of the task, or build the model with another head"
    raise OptionError(f"loss {_called(loss, given)}", expected=expected, got=got, hint=hint)


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
    """Tasks that an installed head or model is for."""
    found = {entry.component.task for kind in ("head", "model") for entry in entries(kind)}
    return sorted(name for name in found if name)


def _is_flat(loss: nn.Module, task: Task, outputs: int) -> bool:
    """Whether a loss of torch's is the same for whatever the model answers, as the softmax of one logit is.

    A loss of anybody else's may well be flat for random answers, and learn from others.
    """
    if inspect.getmodule(type(loss)) is not nn.modules.loss:
        return False
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            answers, raw = task.example(task.classes(outputs), _TRIED)
            answers.requires_grad_()
            value = copy.deepcopy(loss).cpu()(answers, task.target(raw, answers.shape[1])).sum()
            value.backward()
    # It may take images of one size alone; and what does not run says so at the first step
    except Exception:
        return False
    flat = answers.grad is None or not bool(answers.grad.any())
    return flat and math.isfinite(float(value.detach()))
