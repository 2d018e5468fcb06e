"""The contract of a metric."""

from __future__ import annotations

import math

import torch

from zoo.compose.instantiate import make
from zoo.interfaces.metric import Metric, Seen
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.testing.case import Case
from zoo.trainers.score import Score

_CLASSES, _IMAGES = 4, 12


def _metric(case: Case) -> Metric:
    metric = make("metric", case.reference)
    assert isinstance(metric, Metric)
    return metric


def rule_it_says_what_it_fits(case: Case) -> None:
    """Its name can be a column, and it fits a form of answers."""
    metric = _metric(case)
    assert metric.name.isidentifier(), metric.name
    assert metric.forms


def rule_it_is_a_finite_number_or_left_out(case: Case) -> None:
    """On every task that it fits it gives one number, the same for images at once and in parts."""
    metric = _metric(case)
    torch.manual_seed(0)
    for task in BY_NAME.values():
        if task.form not in metric.forms:
            continue
        output, target = task.example(_CLASSES, _IMAGES)
        found = []
        for cut in (_IMAGES, 5):
            score = Score(task, output.shape[1], None, metrics=(metric,))
            for start in range(0, _IMAGES, cut):
                score.add(output[start : start + cut], {"target": target[start : start + cut]})
            found.append(score.values()[metric.name])
        assert math.isfinite(found[0]), task.name
        assert math.isclose(*found, rel_tol=1e-5, abs_tol=1e-6), f"{task.name}: {found}"


def rule_without_images_it_is_no_number(case: Case) -> None:
    """What it needs can be asked of any targets."""
    metric = _metric(case)
    seen = Seen(_CLASSES)
    seen.add(torch.zeros(1, dtype=torch.int64))
    reason = metric.missing(seen)
    assert reason is None or (isinstance(reason, str) and reason)
