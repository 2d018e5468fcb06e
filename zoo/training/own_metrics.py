"""Metric objects of a run, which no file holds: what is noted of them, and how they are given again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.interfaces.metric import Metric, TorchMetric
from zoo.interfaces.trainer import Trainer
from zoo.runtime.arguments import metrics_of
from zoo.spec.errors import TrainingError, listing

METRICS = "metrics"
"""What a run calls its metrics among the objects that it was begun with."""

Figures = Mapping[str, Any]
"""Metrics of a run by name, in order: as a recipe has them, None for an object."""


def figures_of(trainer: Trainer, recorded: Any) -> Figures:
    """The metrics that a trainer was asked for.

    Args:
        trainer: with its metrics as objects.
        recorded: the trainer as the recipe has it; None for an object, whose metrics are its own.
    """
    if not isinstance(recorded, Mapping):
        return {}
    named = {metrics_of([value])[0].name: value for value in recorded.get(METRICS, ())}
    return {metric.name: named.get(metric.name) for metric in getattr(trainer, METRICS, ())}


def check_metrics(run: str, figures: Figures, given: Any) -> None:
    """Raises TrainingError where metric objects of a run are missing.

    Args:
        run: its folder.
        figures: what it was begun with.
        given: at resuming; None for nothing.
    """
    if given is None:
        raise _others(run, figures, "none")


def metrics_again(run: str, figures: Figures, given: Any) -> list[Any]:
    """The metrics of a run that is resumed, in the order in which it was begun with them.

    Args:
        run: its folder.
        figures: what it was begun with.
        given: the objects; the others may stand beside them or not.

    Raises:
        TrainingError: they are not those of the run.
        OptionError: one is no metric.
    """
    again = {metric.name: metric for metric in (_as_recorded(m, figures) for m in metrics_of(given))}
    known = {name: value for name, value in figures.items() if value is not None}
    # Named ones may come again beside the objects; none may be missing, and no other may join
    if {*again, *known} != {*figures}:
        raise _others(run, figures, listing(again))
    return [known.get(name, again.get(name)) for name in figures]


def _as_recorded(metric: Metric, figures: Figures) -> Metric:
    """The metric, under the name of version 0.1 where the run was begun with that."""
    if isinstance(metric, TorchMetric) and metric.name not in figures and metric.former_name in figures:
        return TorchMetric(metric.metric, called=metric.former_name)
    return metric


def _others(run: str, figures: Figures, got: str) -> TrainingError:
    own = listing(name for name, value in figures.items() if value is None)
    expected = f"the metric objects that it was begun with ({own}), which no file holds"
    return TrainingError(
        f"resume {run}", expected=expected, got=got, hint="zoo.fit(resume=..., metrics=[...])"
    )
