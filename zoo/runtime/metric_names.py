"""Metrics by name: one that a task measures anyway is answered with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.compose.instantiate import make
from zoo.interfaces.model import Model
from zoo.registry.lookup import entries, find
from zoo.spec.errors import UnknownComponentError, ZooError, listing
from zoo.spec.names import closest, likeness


def made_metric(value: str | Mapping[str, Any], model: Model | None) -> Any:
    """A metric by name or table.

    Args:
        value: as the caller gave it.
        model: whose task has figures of its own, for a name that is near one of them.

    Raises:
        UnknownComponentError: no plugin has one of the name.
    """
    try:
        return make("metric", value)
    except UnknownComponentError as error:
        raise _answered(error, value, model) from None


def check_metric_names(options: Sequence[Mapping[str, Any]], model: Model) -> None:
    """Raises UnknownComponentError where a name among options of a trainer is near what is measured anyway.

    Args:
        options: of a trainer, in which `metrics` may stand.
        model: whose task has figures of its own.
    """
    for table in options:
        given = table.get("metrics", ())
        for value in (given,) if isinstance(given, str) else given if isinstance(given, list | tuple) else ():
            if not isinstance(value, str):
                continue
            try:
                find(value, "metric")
            except UnknownComponentError as error:
                raise _answered(error, value, model) from None
            except ZooError:  # what else is wrong with it is the trainer's to say
                continue


def _answered(error: UnknownComponentError, value: Any, model: Model | None) -> UnknownComponentError:
    if model is None or model.task is None or not isinstance(value, str):
        return error
    # Only now: the figures import torchmetrics
    own = [*model.task.metrics(model.outputs)]
    near_own, others = closest(value, own)[:1], [entry.component.name for entry in entries("metric")]
    if not near_own or likeness(value, near_own) < likeness(value, others):
        return error
    hint = f"task {model.task.name} measures {listing(near_own)} without being asked; leave it out"
    return UnknownComponentError(error.problem, hint=hint)
