"""Checks of a network's outputs against its task: their shape, and logits that are no probabilities."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.testing.tiny_models import random_fields

_MAPS = ("masks", "images")
_KNOWN = frozenset(task.form for task in BY_NAME.values())


def shape_problem(model: Model, x: Tensor, output: Tensor) -> str | None:
    """A mistake in the shape of an output by the model's task; None where there is none, or nobody says.

    Args:
        model: with a task.
        x: what it was given, as `Model.example_input` makes it.
        output: what came out.
    """
    task = model.task
    # What is made of nothing is sampled, and looked at there
    if task is None or task.generates:
        return None
    count = len(x)
    if task.form in _KNOWN and task.form not in _MAPS:
        wanted: tuple[int, ...] = (count, model.outputs)
        words = "N x outputs"
    elif task.form in _MAPS and x.ndim == 4:
        wanted = _like_the_target(model, x)
        words = "N x K x H x W, as large as the mask" if task.form == "masks" else "images as its targets are"
    else:
        return None
    got = tuple(output.shape)
    if got == wanted:
        return None
    return f"task {task.name}: expected {_said(wanted)} ({words}), got {_said(got)}"


def _like_the_target(model: Model, x: Tensor) -> tuple[int, ...]:
    """Shape of the output for the example that training would make of images of the model's size."""
    count, size = len(x), model.input_spec.size
    whole = torch.rand(count, model.input_spec.channels, *size)
    mask = torch.zeros(count, *size, dtype=torch.int64)
    batch = {"image": whole, "mask": mask, "target": torch.zeros(count), "index": torch.arange(count)}
    made = model.examples({**batch, **random_fields(model, {}, count)})
    target = made["target"].shape
    assert model.task is not None, "the caller has looked"
    masks = model.task.form == "masks"
    # An input may be another size than the image that an example is made of, as in super-resolution
    times = [new / old for new, old in zip(target[-2:], made["image"].shape[-2:], strict=True)]
    room = [round(side * share) for side, share in zip(x.shape[-2:], times, strict=True)]
    return (count, model.outputs if masks else target[1], *room)


def _said(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def gives_probabilities(network: nn.Module, task: Task, inputs: Callable[[], Tensor]) -> bool:
    """Whether outputs are probabilities where the task makes probabilities of logits itself.

    Args:
        network: whose outputs are looked at; its parameters are moved.
        task: that reads them.
        inputs: makes random ones.
    """
    if task.form not in _KNOWN or task.form == "images":
        return False
    network.eval()
    seen = []
    with torch.no_grad():
        for seed in range(4):
            torch.manual_seed(seed)
            output = network(inputs())
            # Only a function at the end keeps outputs in [0, 1] whatever the weights are
            if not bool(((output >= 0) & (output <= 1)).all()):
                return False
            seen.append(output)
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        said = task.probabilities(seen[-1])
        # A task of one's own may take them as they are
        if said is None or (said.shape == seen[-1].shape and torch.allclose(said, seen[-1])):
            return False
        if all(torch.equal(output, seen[0]) for output in seen[1:]):
            return False
        # One for each label may have any sum
        whole = said.shape == seen[-1].shape and bool(((said.sum(1) - 1).abs() < 1e-3).all())
        return not whole or all(bool(((o.sum(1) - 1).abs() < 1e-3).all()) for o in seen)


LOGITS = "return logits, without softmax or sigmoid: the task and its loss make probabilities of them"
