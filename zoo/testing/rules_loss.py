"""The contract of a loss."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.compose.instantiate import make
from zoo.interfaces.loss import OUTPUT, Loss, compute, total
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME, DEFAULT
from zoo.registry.lookup import entries
from zoo.registry.snapshot import Entry
from zoo.testing.case import Case
from zoo.testing.tiny_models import built, headed
from zoo.trainers.loss_cuts import SAME, TRIED, depends_on_batches, in_parts, uneven


def rule_it_fits_the_task_of_its_declaration(case: Case) -> None:
    """A loss that says for which `tasks` it is says that of its declaration too."""
    loss, task = make("loss", case.reference), _task(case.entry)
    assert isinstance(loss, Loss)
    assert not loss.unfit(task), f"declared for task {task.name}, and tasks = {loss.unfit(task)}"


def rule_it_is_a_finite_scalar_with_gradients(case: Case) -> None:
    """On the targets of its task the loss is finite and reaches the output."""
    loss = make("loss", case.reference)
    assert isinstance(loss, Loss)
    output, target = example(case.entry)
    loss.prepare(output.shape[1], 4)
    verdicts = {name: torch.randn(6, 1, requires_grad=True) for name in loss.needs if name != OUTPUT}
    outputs = {OUTPUT: output, **verdicts}
    value = total(compute(loss, outputs, target, {"image": target, "target": target}))
    torch.autograd.backward(value)
    assert value.ndim == 0
    assert bool(torch.isfinite(value))
    for name in loss.needs or (OUTPUT,):
        grad = outputs[name].grad
        assert grad is not None, name
        assert bool(grad.any()), name


def rule_parts_of_a_batch_give_its_loss(case: Case) -> None:
    """Images in any cut have one loss, by what it says it divides by, unless it says `cuts = False`."""
    loss = make("loss", case.reference)
    task = _task(case.entry)
    torch.manual_seed(0)
    output, raw = task.example(4, TRIED)
    target = task.target(uneven(raw, task), output.shape[1])
    loss.prepare(output.shape[1], 4)
    if depends_on_batches(loss, None, output.shape[1]):
        return
    outputs = {OUTPUT: output} | {name: torch.randn(TRIED, 1) for name in loss.needs if name != OUTPUT}
    index = torch.arange(TRIED)
    found = in_parts(loss, outputs, target)
    if found is None:  # it is random itself
        return
    parts, whole = found
    assert math.isclose(parts, whole, rel_tol=SAME, abs_tol=1e-6), (
        f"{whole:.6g} at once and {parts:.6g} in parts of 5, 1 and 3 images; "
        "say what it divides by in divisor(), or cuts = False"
    )
    batch = {"index": index, "image": target, "target": target}
    once = float(total(compute(loss, outputs, target, batch)).detach())
    assert math.isclose(once, whole, rel_tol=SAME, abs_tol=1e-6), f"forward {once:.6g}, sums {whole:.6g}"


def example(entry: Entry) -> tuple[Tensor, Tensor]:
    """An output with gradients and a prepared target of the task that a loss is for, six rows each."""
    task = _task(entry)
    output, raw = task.example(4, 6)
    return output.requires_grad_(), task.target(raw, output.shape[1])


def _task(entry: Entry) -> Task:
    """The task that a loss is for: one of the core's, or that of a head or model of its own distribution."""
    name = entry.component.task
    if name is None or name in BY_NAME:
        return BY_NAME[name or DEFAULT]
    for other in (e for kind in ("head", "model") for e in entries(kind)):
        if (other.component.task, other.plugin.distribution) == (name, entry.plugin.distribution):
            task = built(other).task if other.component.kind == "model" else headed(other).task
            assert task is not None
            return task
    raise AssertionError(f"no head or model for task {name} in {entry.plugin.distribution}")
