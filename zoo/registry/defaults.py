"""Components that are taken where a recipe names none, as the catalogues say."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.registry.lookup import entries
from zoo.registry.plugins.installed import CORE
from zoo.registry.snapshot import Entry

_TAG = "default"


def default_entry(kind: str, task: str | None, distributions: Iterable[str]) -> Entry | None:
    """The component that its plugin tags `default`, for one task or, without a task, for any.

    The one of a distribution that the model's parts come from goes before the core's own; others never count,
    so that installing a plugin changes nothing for other plugins' models.

    Args:
        kind: of the component.
        task: of the model.
        distributions: that its parts come from.
    """
    fitting = [
        entry
        for entry in entries(kind)
        if _TAG in entry.component.tags and entry.component.task in {None, task}
    ]
    # One for the task goes before one for any; the sort is stable
    fitting.sort(key=lambda entry: entry.component.task is None)
    for sources in (set(distributions) - {CORE}, {CORE}):
        for entry in fitting:
            if entry.plugin.distribution in sources:
                return entry
    return None
