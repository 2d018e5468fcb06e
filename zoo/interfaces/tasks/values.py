"""Real values an image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from zoo.interfaces.tasks.analysis import Analysis, Columns, Findings, Names
from zoo.interfaces.tasks.base import Task, errors_of_values
from zoo.interfaces.tasks.column_targets import TargetColumn
from zoo.interfaces.tasks.data_checks import check_finite, check_told_apart, classes_hint, row_renumbered
from zoo.interfaces.tasks.descriptions import Examples, Mistake, Scatter, worst_table
from zoo.interfaces.tasks.standardise import Standardise
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.hints.spoken import heads

if TYPE_CHECKING:
    from zoo.interfaces.dataset import Dataset

_MOST_BINS, _FEWEST, _FEWEST_GROUPS = 10, 10, 20
"""Quantiles at most; samples and groups in each at least: of twenty groups three are 15 %."""


class Regression(Task):
    """One or more real values.

    Args:
        scale: of the values, which the model's outputs have been put into; None where they were left as a
            network gives them.
    """

    name = "regression"
    form = "values"

    def __init__(self, scale: Standardise | None = None) -> None:
        self._scale = scale

    def outputs(self, classes: int | None) -> int:
        return classes or 1

    def read_samples(self, cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
        """Values as they are.

        Raises:
            DataError: a sample has a text.
        """
        if text := next((cell for cell in cells if isinstance(cell, str)), None):
            way = 'head="binary", "multiclass" or "ordinal" tells classes'
            hint = heads(way, "--as classes reads classes")
            raise DataError(f"{where}: targets", expected="numbers", got=quote(text), hint=hint)
        return super().read_samples(cells, labels, where)

    def stratum(self, target: Any) -> Hashable | None:
        """None: whole numbers are values like any other, such as ages."""
        return None

    def strata(self, targets: Sequence[Any]) -> Sequence[Hashable] | None:
        """Numbers of quantiles, each of ten samples or more and ten of them at most; of rows by their mean.

        None where a target is missing, or there are too few for two.
        """
        return None if None in targets else _quantiles(targets, _FEWEST)

    def group_strata(self, targets: Sequence[Any], groups: Sequence[str]) -> Sequence[Hashable] | None:
        """Quantiles of the groups' means, each of twenty groups or more; of one group all samples are in one.

        Of fewer groups a share of 15 % could not be drawn.
        """
        if None in targets:
            return None
        members: dict[str, list[int]] = {}
        for i, group in enumerate(groups):
            members.setdefault(group, []).append(i)
        rows = torch.tensor(targets, dtype=torch.float64).reshape(len(targets), -1)
        means = [rows[own].mean(dim=0).tolist() for own in members.values()]
        found = _quantiles(means, _FEWEST_GROUPS)
        if found is None:
            return None
        strata = dict(zip(members, found, strict=True))
        return [strata[group] for group in groups]

    def metrics_apart(self, outputs: int) -> Mapping[str, Any]:
        """Mean absolute and root mean squared error of each value, in its own unit."""
        return errors_of_values(outputs)

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float().reshape(-1, outputs)

    def mixable(self, y: Tensor, outputs: int) -> Tensor:
        """The values, N x outputs or N: means of values are values."""
        return y.float()

    def for_loss(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Output and target standardised, where the scale is known."""
        if self._scale is None:
            return output, target
        return self._scale.standardised(output), self._scale.standardised(target)

    def settle(self, targets: Sequence[Any]) -> None:
        """Takes the scale of the targets, unless it is known."""
        if self._scale is not None:
            self._scale.settle(targets)

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor:
        """The mean and the median."""
        values = torch.tensor(targets, dtype=torch.float64).reshape(-1, outputs)
        return torch.stack([values.mean(dim=0), torch.from_numpy(np.median(values.numpy(), axis=0))]).float()

    @property
    def higher_is_better(self) -> bool:
        return False

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless each target has as many values as the model has outputs."""
        expected = f"{counted(outputs, 'value')} an image"
        if None in data.targets:
            hint = "give data with targets"
            raise DataError(f"{where}: targets", expected=expected, got="none", hint=hint)
        numbers = tuple(map(str, range(len(data.labels))))
        if tuple(data.labels) != numbers and all(isinstance(t, int) for t in data.targets):
            # Places in the alphabet, even where folders are called 23, 24, ...
            got = f"numbers of classes ({listing(map(quote, data.labels), 6)})"
            stand = "values are a column of a table, or numbers beside images"
            hint = heads(f'head="binary", "multiclass" or "ordinal" tells classes; {stand}', stand)
            raise DataError(f"{where}: targets", expected=expected, got=got, hint=hint)
        lengths = {len(t) if isinstance(t, list | tuple) else 1 for t in data.targets}
        if lengths != {outputs}:
            got = listing(map(str, sorted(lengths)))
            step = classes_hint(self, *lengths) if len(lengths) == 1 and where == "fit" else None
            raise DataError(f"{where}: targets", expected=expected, got=got, hint=step)
        check_finite(data, where)
        check_told_apart(data, where)

    def renumbered(self, target: Any, numbers: Sequence[int]) -> Any:
        """A row in the order of the model's labels."""
        return row_renumbered(target, numbers)

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """Predicted against true values, and the largest errors."""
        return ValueAnalysis(self, labels, most)


def _quantiles(targets: Sequence[Any], fewest: int) -> list[Hashable] | None:
    """The quantile of each target; None where two would not have `fewest` each."""
    bins = min(_MOST_BINS, len(targets) // fewest)
    if bins < 2:
        return None
    values = torch.tensor(targets, dtype=torch.float64).reshape(len(targets), -1)
    spread = values.std(dim=0, correction=0)
    rows = ((values - values.mean(dim=0)) / torch.where(spread > 0, spread, 1)).mean(dim=1)
    # Torch's quantiles end at 16 million values
    edges = np.quantile(rows.numpy(), np.linspace(0, 1, bins + 1)[1:-1])
    found: list[Hashable] = np.searchsorted(edges, rows.numpy()).tolist()
    return found


class ValueAnalysis(Analysis):
    """Error analysis of answers with values."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._seen = Columns()

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x K outputs and N x K values."""
        answer = output.float()
        self._seen.add(answer=answer, truth=target.reshape(answer.shape).float(), index=index)

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """The largest errors, each value counted in its own spread."""
        truth, answer = self._seen["truth"], self._seen["answer"]
        # Without correction one image has spread 0, not nan; a constant value would divide by it
        spread = truth.std(dim=0, correction=0).clamp(min=1e-12)
        badness = ((answer - truth).abs() / spread).amax(dim=1)
        order = torch.argsort(badness, descending=True, stable=True)
        worst = tuple(self._wrong(i, names) for i in order[: self.most].tolist())
        return Findings(
            worst=worst,
            tables=(worst_table(worst),),
            drawings={
                "scatter": Scatter(truth, answer, self.labels),
                "worst": Examples(worst, "largest errors"),
            },
        )

    def _wrong(self, i: int, names: Names) -> Mistake:
        index = int(self._seen["index"][i])
        columns = (self._seen["answer"][i], self._seen["truth"][i])
        said, right = (", ".join(f"{v:.4g}" for v in row.tolist()) for row in columns)
        return Mistake(index, names(index), said, None, right)
