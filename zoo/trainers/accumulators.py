"""Metrics of torchmetrics as a score adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.interfaces.metric import Metric
from zoo.interfaces.tasks import Task
from zoo.spec.errors import OptionError, ZooError, quote, reason


def added_up(metric: Metric, task: Task, outputs: int) -> Any:
    """The object of torchmetrics that adds a metric up.

    Raises:
        OptionError: an option does not fit, or its author's code fails.
    """
    try:
        found = metric.measure(task, outputs)
    except ZooError:
        raise
    except Exception as error:
        got = reason(f"{type(error).__name__}: {error}")
        raise OptionError(f"metric {metric.name}", expected="what adds it up", got=got) from error
    if not (hasattr(found, "update") and hasattr(found, "compute")):
        expected = "measure() to return a metric of torchmetrics"
        raise OptionError(f"metric {metric.name}", expected=expected, got=quote(found))
    return found


def asks_for_ranks(metric: Any) -> bool:
    """Whether a metric asks for the order of answers alone, as the area under a curve does."""
    curve = any(kind.__name__.endswith("PrecisionRecallCurve") for kind in type(metric).__mro__)
    return curve and getattr(metric, "thresholds", 0) is None


def has_counted_nothing(metric: Any) -> bool:
    """Whether a metric of torchmetrics has counted nothing at all, of which it would make 0."""
    counts = [getattr(metric, name, None) for name in ("tp", "fp", "tn", "fn", "confmat")]
    there = [torch.as_tensor(count) for count in counts if isinstance(count, Tensor)]
    return bool(there) and not any(bool(count.any()) for count in there)


def settings_of(metric: Any) -> tuple[type, dict[str, Any]]:
    """Class and options of a metric of torchmetrics, without what it has taken in."""
    # Options are plain values; states are tensors or lists, and caches begin with an underscore.
    return type(metric), {
        name: value
        for name, value in vars(metric).items()
        if not name.startswith("_") and isinstance(value, bool | int | float | str | None)
    }


def computed(metric: Any, name: str, *, own: bool) -> Any:
    """The figure, or figures, of what was added up.

    Args:
        metric: of torchmetrics.
        name: for messages.
        own: whether it is the task's own, whose failure is a bug, to be seen whole.

    Raises:
        OptionError: a metric that was asked for fails.
    """
    try:
        return metric.compute()
    except Exception as error:
        if own:
            raise
        got = reason(f"{type(error).__name__}: {error}")
        raise OptionError(f"metric {name}", expected="a figure", got=got) from error


def told_apart(
    task: Task, outputs: int, labels: Sequence[str]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The metrics that tell several values apart, and the names of their figures, by the name of the metric.

    Args:
        task: whose metrics they are.
        outputs: how many values there are.
        labels: of the values; where they have none, as rows of coordinates, there are no such metrics.
    """
    if outputs < 2 or len(labels) != outputs:
        return {}, {}
    found = dict(task.metrics_apart(outputs).items())
    return found, {name: [f"{name}_{label}" for label in labels] for name in found}


def lost_answers(output: Tensor, scored: Tensor) -> Tensor:
    """The number of answers of a batch that are no numbers; a tensor, so that no accelerator waits for it."""
    rows = output.isnan().flatten(1).any(dim=1)
    if scored is not output and scored.is_floating_point() and scored.numel():
        rows = rows | ~scored.isfinite().reshape(len(rows), -1).all(dim=1)
    return rows.sum()
