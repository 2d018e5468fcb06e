"""The contract of a metric."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.compose.instantiate import make
from zoo.interfaces.metric import Metric, as_metrics
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.interfaces.tasks.target_counts import TargetCounts, ignored_index, whole_numbers
from zoo.registry.lookup import entries
from zoo.spec.errors import listing
from zoo.testing.case import Case
from zoo.testing.tiny_models import built, headed
from zoo.trainers.score import Score

# Parts of 5, 5 and 2: the last one is shorter
_CLASSES, _IMAGES, _CUT = 4, 12, 5


def _metric(case: Case) -> Metric:
    metric = make("metric", case.reference)
    assert isinstance(metric, Metric), f"{type(metric).__name__} is no zoo.interfaces.Metric"
    return metric


def _tasks(metric: Metric) -> list[Task]:
    return [task for task in BY_NAME.values() if task.form in metric.forms]


def _own_tasks(case: Case) -> list[Task]:
    """Tasks that are none of the core's, of the heads and models of the metric's own distribution."""
    home = case.entry.plugin.distribution
    made = {"head": headed, "model": built}
    own = [e for e in entries((*made,)) if e.plugin.distribution == home]
    found = [made[e.component.kind](e).task for e in own if e.component.task not in {None, *BY_NAME}]
    return [task for task in found if task is not None]


def _example(task: Task) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return task.example(_CLASSES, _IMAGES)


def _fill(score: Score, output: Tensor, target: Tensor, rows: slice) -> None:
    score.add(output[rows], {"target": target[rows]})


def rule_it_says_what_it_fits(case: Case) -> None:
    """Its name can stand beside others in results, it fits a form, and has a direction or None."""
    metric = _metric(case)
    as_metrics([metric])
    assert isinstance(metric.forms, tuple), f"forms is {metric.forms!r}, no tuple of words"
    assert metric.forms, "forms is empty"
    listed = getattr(type(metric), "forms", ())
    same = f"forms of the class are {listed!r}, which lists show, and of an instance {metric.forms!r}"
    assert listed == metric.forms, f"{same}; set them on the class"
    known = {task.form for task in (*BY_NAME.values(), *_own_tasks(case)) if task.form}
    unknown = [form for form in metric.forms if form not in known]
    assert unknown == [], (
        f"forms names {listing(unknown)}, which no task has; choose from {listing(sorted(known))}"
    )
    assert metric.higher_is_better in (True, False, None), (
        f"expected higher_is_better True, False or None, got {metric.higher_is_better!r}; say one of them"
    )


def rule_it_is_one_finite_number_or_left_out(case: Case) -> None:
    """On every task that it fits it is one number; where it is left out, the targets are the reason."""
    metric = _metric(case)
    for task in _tasks(metric):
        output, target = _example(task)
        score = Score(task, output.shape[1], None, metrics=(metric,))
        _fill(score, output, target, slice(None))
        found = score.values()
        seen = TargetCounts(task.classes(output.shape[1]), task.form, ignored_index(task, output.shape[1]))
        seen.add(target)
        if metric.missing(seen) is None:
            assert metric.name in found, f"{task.name}: {score.left_out.get(metric.name)}"
            assert math.isfinite(found[metric.name]), f"{task.name}: {found[metric.name]}"


def rule_images_in_parts_give_the_same(case: Case) -> None:
    """Fed with all images at once or with a few at a time, it is the same number."""
    metric = _metric(case)
    for task in _tasks(metric):
        output, target = _example(task)
        scored = task.scored(output)
        # As `Score` prepares targets
        target = whole_numbers(target, task.form)
        target = target.reshape(scored.shape) if target.numel() == scored.numel() else target
        once, parts = (metric.measure(task, output.shape[1]) for _ in range(2))
        assert once is not parts, f"{task.name}: measure gives one object twice"
        once.update(scored, target)
        for start in range(0, _IMAGES, _CUT):
            parts.update(scored[start : start + _CUT], target[start : start + _CUT])
        # Sums of floats depend on their order
        found = float(once.compute()), float(parts.compute())
        assert math.isclose(*found, rel_tol=1e-6, abs_tol=1e-6), f"{task.name}: {found}"


def rule_it_starts_anew(case: Case) -> None:
    """Nothing is left of what an earlier epoch, or another use of the same object, took in."""
    metric = _metric(case)
    for task in _tasks(metric):
        output, target = _example(task)
        fresh, used, other = (Score(task, output.shape[1], None, metrics=(metric,)) for _ in range(3))
        _fill(used, output.flip(0), target, slice(None))
        used.values()
        _fill(other, -output, target, slice(None))  # as a training and a validation score live side by side
        for score in (used, fresh):
            _fill(score, output, target, slice(None))
        again, expected = used.values(), fresh.values()
        assert again == expected, f"{task.name}: {again}, and {expected} where nothing was before"


def rule_it_can_be_asked_what_is_missing(case: Case) -> None:
    """Of any targets that it fits it says a reason or None, and there is no figure beside a reason."""
    metric = _metric(case)
    for task in _tasks(metric):
        output, target = _example(task)
        target = torch.zeros_like(target)  # one class, no label, one value
        seen = TargetCounts(task.classes(output.shape[1]), task.form, ignored_index(task, output.shape[1]))
        seen.add(target)
        reason = metric.missing(seen)
        assert reason is None or (isinstance(reason, str) and reason), (
            f"{task.name}: missing gives {reason!r}"
        )
        score = Score(task, output.shape[1], None, metrics=(metric,))
        _fill(score, output, target, slice(None))
        found = score.values()
        assert reason is None or metric.name not in found, (
            f"{task.name}: a figure beside the reason {reason!r}"
        )
