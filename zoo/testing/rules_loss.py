"""The contract of a loss."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.compose.instantiate import make
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.loss import OUTPUT, Loss, compute, total
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME, DEFAULT
from zoo.registry.lookup import entries
from zoo.registry.snapshot import Entry
from zoo.spec.errors import listing
from zoo.testing.case import Case
from zoo.testing.tiny_models import built, headed
from zoo.trainers.loss_cuts import SAME, TRIED, depends_on_batches, in_parts, uneven


def rule_it_fits_the_task_of_its_declaration(case: Case) -> None:
    """A loss that says for which `tasks` it is says that of its declaration too."""
    loss, task = _made(case), _task(case.entry)
    other = listing(loss.unfit(task))
    step = "let declaration and `tasks` agree"
    assert not loss.unfit(task), f"expected a loss for the declared task {task.name}, got {other}; {step}"


def rule_it_is_a_finite_scalar_with_gradients(case: Case) -> None:
    """On the targets of its task the loss is finite and reaches the output."""
    loss = _made(case)
    output, target = example(case.entry)
    loss.prepare(output.shape[1], 4)
    verdicts = {name: torch.randn(6, 1, requires_grad=True) for name in loss.needs if name != OUTPUT}
    outputs = {OUTPUT: output, **verdicts}
    value = _value(loss, outputs, target, {"image": target, "target": target})
    finite = bool(torch.isfinite(value))
    assert finite, f"expected a finite loss, got {float(value)}; look at logarithms, roots and divisions"
    step = "compute with tensors, without .detach(), .item() or .argmax()"
    assert value.requires_grad, f"expected a loss with gradients, got one without; {step}"
    torch.autograd.backward(value)
    for name in loss.needs or (OUTPUT,):
        grad = outputs[name].grad
        text = f"expected gradients that reach {name}"
        assert grad is not None, f"{text}, got none; {step}, and name in `needs` only what is used"
        assert bool(grad.any()), f"{text}, got zeros alone; {step}"


def rule_parts_of_a_batch_give_its_loss(case: Case) -> None:
    """Images in any cut have one loss, by what it says it divides by, unless it says `cuts = False`."""
    loss = _made(case)
    task = _task(case.entry)
    torch.manual_seed(0)
    output, raw = task.example(4, TRIED)
    target = task.target(uneven(raw, task, output.shape[1]), output.shape[1])
    loss.prepare(output.shape[1], 4)
    outputs = {OUTPUT: output} | {name: torch.randn(TRIED, 1) for name in loss.needs if name != OUTPUT}
    index = torch.arange(TRIED)
    _value(loss, outputs, target, {"index": index, "image": target, "target": target})
    if depends_on_batches(loss, None, output.shape[1]):
        return
    found = in_parts(loss, outputs, target)
    if found is None:  # it is random itself
        return
    parts, whole = found
    assert math.isclose(parts, whole, rel_tol=SAME, abs_tol=1e-6), (
        f"expected {whole:.6g} as at once, got {parts:.6g} in parts of 5, 1 and 3 images; "
        "say what it divides by in divisor(), or cuts = False"
    )
    batch = {"index": index, "image": target, "target": target}
    once = float(total(compute(loss, outputs, target, batch)).detach())
    assert math.isclose(once, whole, rel_tol=SAME, abs_tol=1e-6), (
        f"forward: expected {whole:.6g} as of sums() and of_sums(), got {once:.6g}; let them agree"
    )


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
            assert task is not None, f"{other.qualified}: expected task {name}, got none; give it that"
            return task
    step = "declare one beside the loss, or the loss for a task of the core"
    raise AssertionError(f"no head or model for task {name} in {entry.plugin.distribution}; {step}")


def _made(case: Case) -> Loss:
    loss = make("loss", case.reference)
    expected = f"{case.entry.component.target}: expected a subclass of zoo.interfaces.Loss"
    assert isinstance(loss, Loss), f"{expected}, got {type(loss).__name__}; derive it from that"
    return loss


def _value(loss: Loss, outputs: dict[str, Tensor], target: Tensor, batch: Batch) -> Tensor:
    """The loss of a batch, which is a scalar."""
    parts = compute(loss, outputs, target, batch)
    for name, part in parts.items() if isinstance(parts, Mapping) else [("forward", parts)]:
        # Without the sizes, so that all rules that meet it say the same
        got = f"{part.ndim} axes" if isinstance(part, Tensor) else type(part).__name__
        scalar = isinstance(part, Tensor) and part.ndim == 0
        assert scalar, f"{name}: expected a scalar, got {got}; return the mean over the images"
    return total(parts)
