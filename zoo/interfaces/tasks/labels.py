"""Several labels an image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.interfaces.tasks.analysis import Analysis, Columns, Findings, Names
from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.classes import CLASSIFIER
from zoo.interfaces.tasks.column_targets import TargetColumn, labels_of
from zoo.interfaces.tasks.columns import Cells
from zoo.interfaces.tasks.confusion import class_table, rows_by_class
from zoo.interfaces.tasks.data_checks import check_finite, check_there, classes_hint, row_renumbered
from zoo.interfaces.tasks.descriptions import Drawing, Examples, Mistake, worst_table
from zoo.interfaces.tasks.logits import EPSILON, in_order, widened
from zoo.interfaces.tasks.mixing import likelier, mean_logit
from zoo.interfaces.tasks.prediction import Prediction, names_for
from zoo.interfaces.tasks.samples import indicator_rows
from zoo.spec.errors import DataError, quote
from zoo.spec.hints.spoken import heads

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.tasks.target_counts import TargetCounts


class Multilabel(Task):
    """Any of K labels from K logits."""

    name = "multilabel"
    form = "multilabel"
    card = CLASSIFIER

    def read_columns(self, columns: Cells, separator: str | None, where: str) -> TargetColumn:
        """Indicator rows; see `zoo.interfaces.tasks.column_targets.labels_of`."""
        return labels_of(columns, separator, where)

    def read_samples(self, cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
        """Indicator rows; see `zoo.interfaces.tasks.samples.indicator_rows`."""
        return indicator_rows(cells, labels, where)

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless targets are rows of zeros and ones, one for each output."""
        check_there(data, where, "class")
        bad = next((t for t in data.targets if not isinstance(t, list | tuple) or len(t) != outputs), None)
        if bad is not None:
            expected, hint = f"rows of {outputs} zeros and ones", None
            if isinstance(bad, list | tuple):
                expected += ", as the model has labels"
                hint = classes_hint(self, len(bad)) if where == "fit" else None
            elif isinstance(bad, int):
                expected += ", or the names of the labels of each image"
                stand = "labels are columns, or lists"
                hint = heads(f'head="multiclass" tells one class an image; {stand}', stand)
            raise DataError(f"{where}: targets", expected=expected, got=quote(bad), hint=hint)
        check_finite(data, where)
        odd = next((row for row in data.targets if not {*row} <= {0, 1}), None)
        if odd is not None:
            hint = "labels that are not sure are left out with their images, or said to be 0 or 1"
            raise DataError(f"{where}: targets", expected="rows of zeros and ones", got=quote(odd), hint=hint)

    def renumbered(self, target: Any, numbers: Sequence[int]) -> Any:
        """A row in the order of the model's labels."""
        return row_renumbered(target, numbers)

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """Figures by label, and the images whose labels are most surely wrong."""
        return LabelAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random logits and indicator rows."""
        return torch.randn(count, classes), torch.randint(0, 2, (count, classes))

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float()

    def strata(self, targets: Sequence[Any]) -> Sequence[Hashable] | None:
        """The labels of each sample; None where targets are no rows."""
        if not all(isinstance(row, list | tuple) for row in targets):
            return None
        return [frozenset(i for i, value in enumerate(row) if value) for row in targets]

    def mixable(self, y: Tensor, outputs: int) -> Tensor:
        """The share of each label, N x outputs."""
        return y.float()

    def hard(self, y: Tensor) -> Tensor:
        return likelier(y)

    def averaged(self, outputs: Tensor) -> Tensor:
        return mean_logit(outputs)

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor:
        """The logits of the labels' shares, and those of all labels, which F1 prefers."""
        shares = torch.tensor(targets, dtype=torch.float32).mean(dim=0)
        return torch.stack([shares, torch.ones_like(shares)]).logit(EPSILON)

    def probabilities(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def ranked(self, output: Tensor) -> Tensor:
        if type(self).probabilities is not Multilabel.probabilities or type(self).scored is not Task.scored:
            return self.scored(output)
        return in_order(widened(output))

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        table = self.probabilities(output.detach().float())
        names = names_for(labels, table.shape[1])
        found = []
        for row in table.tolist():
            chosen = [i for i, p in enumerate(row) if p >= 0.5]
            # An answer is as sure as its least sure label; "none", as that the likeliest label is wrong
            score = min((row[i] for i in chosen), default=1 - max(row))
            found.append(
                Prediction(
                    ", ".join(names[i] for i in chosen) or "none", score, dict(zip(names, row, strict=True))
                )
            )
        return found

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MultilabelAccuracy, MultilabelF1Score

        return MetricCollection({"accuracy": MultilabelAccuracy(outputs), "f1": MultilabelF1Score(outputs)})

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """The F1 of a label that no image has is undefined, and with it their mean."""
        return {"f1": seen.lacks_positive()}


class LabelAnalysis(Analysis):
    """Error analysis of answers with several labels an image."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._seen = Columns()

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x outputs logits and N x outputs indicators."""
        answer = self.task.scored(output.float())
        self._seen.add(answer=answer, truth=target.reshape(answer.shape).float(), index=index)

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """Figures by label, and the images with a wrong label, by the mean log probability of the truth."""
        truth, answer = self._seen["truth"], self._seen["answer"]
        chosen, right = answer >= 0.5, truth >= 0.5
        rows = rows_by_class(self.labels, (chosen & right).sum(0), chosen.sum(0), right.sum(0))
        probability = torch.where(right, answer, 1 - answer)
        # The mean over labels of -log(p); 0 has no logarithm
        wrong, badness = (probability < 0.5).any(dim=1), -probability.clamp(min=1e-12).log().mean(dim=1)
        order = torch.argsort(badness, descending=True, stable=True)
        worst = tuple(self._wrong(i, names) for i in order[wrong[order]][: self.most].tolist())
        drawings: dict[str, Drawing] = {"worst": Examples(worst, "worst mistakes")} if worst else {}
        tables = (class_table(rows), *([worst_table(worst)] if worst else []))
        return Findings(labels=self.labels, per_class=rows, worst=worst, tables=tables, drawings=drawings)

    def _wrong(self, i: int, names: Names) -> Mistake:
        index, answer = int(self._seen["index"][i]), self._seen["answer"][i]
        chosen = answer >= 0.5
        score = float(torch.where(chosen, answer, 1 - answer).min())
        right = self._several(self._seen["truth"][i] >= 0.5)
        return Mistake(index, names(index), self._several(chosen), score, right)

    def _several(self, chosen: Tensor) -> str:
        return ", ".join(self.labels[k] for k in chosen.nonzero().flatten().tolist()) or "none"
