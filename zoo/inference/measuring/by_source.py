"""Figures of each of several sources, beside those of all images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from zoo.data.objects.several import sources_of
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.analysis import Findings
from zoo.spec.display import Table
from zoo.trainers.score import Score


class SourceScores:
    """Metrics of a task added up for each source; of data of one source there are none.

    Args:
        dataset: that is measured on.
        task: of the model.
        outputs: length of its output vector.
        labels: of several values.
    """

    def __init__(self, dataset: Dataset, task: Task, outputs: int, labels: Sequence[str] = ()) -> None:
        self._sources = sources_of(dataset) or []
        self._scores = {
            name: Score(task, outputs, None, labels=labels) for name in dict.fromkeys(self._sources)
        }

    def add(self, values: Mapping[str, Tensor], index: Tensor) -> None:
        """Takes in one batch.

        Args:
            values: `output` and `target`, N rows each.
            index: numbers of the N images.
        """
        names = [self._sources[i] for i in index.tolist()] if self._sources else []
        for name in dict.fromkeys(names):
            rows = [row for row, source in enumerate(names) if source == name]
            own = {key: value[rows] for key, value in values.items()}
            self._scores[name].add(own["output"], own)

    def into(self, found: Findings) -> Findings:
        """The findings with a table of the figures by source."""
        counts = {name: score.count for name, score in self._scores.items() if score.count}
        if not counts:
            return found
        figures = {name: {"images": count, **self._scores[name].values()} for name, count in counts.items()}
        names = [*dict.fromkeys(figure for own in figures.values() for figure in own)]
        rows = [[name, *(_told(own.get(figure)) for figure in names)] for name, own in figures.items()]
        header = ["SOURCE", *(figure.upper() for figure in names)]
        table = Table(header, rows, right=range(1, len(header)))
        return replace(found, more={**found.more, "by_source": figures}, tables=(table, *found.tables))


def _told(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"
