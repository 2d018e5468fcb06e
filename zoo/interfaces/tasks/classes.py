"""One class an image: binary, multiclass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.interfaces.tasks.analysis import Analysis, Columns, Findings, Names
from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.column_targets import TargetColumn, check_no_separator, classes_of
from zoo.interfaces.tasks.columns import Cells
from zoo.interfaces.tasks.confusion import Confusion, by_class, per_class
from zoo.interfaces.tasks.data_checks import check_labels, check_there, classes_hint
from zoo.interfaces.tasks.descriptions import Drawing, Examples, Mistake, worst_table
from zoo.interfaces.tasks.logits import EPSILON, in_order, settled, widened
from zoo.interfaces.tasks.mixing import likelier, likeliest, mean_logit, mean_softmax, one_hot
from zoo.interfaces.tasks.prediction import Prediction, names_for
from zoo.interfaces.tasks.samples import class_indices
from zoo.spec.errors import DataError, OptionError, quote
from zoo.spec.hints.spoken import heads

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.tasks.target_counts import TargetCounts

CLASSIFIER = CardWords(pipeline="image-classification", noun="image classifier")
"""Words for models that tell classes or labels."""


class Classes(Task):
    """Tasks whose answer is one class."""

    card = CLASSIFIER

    def read_columns(self, columns: Cells, separator: str | None, where: str) -> TargetColumn:
        """Class indices of one column; see `zoo.interfaces.tasks.column_targets.classes_of`."""
        check_no_separator(separator, where)
        return classes_of(columns, where)

    def read_samples(self, cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
        """Class indices; see `zoo.interfaces.tasks.samples.class_indices`."""
        return class_indices(cells, labels, where)

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless targets are class indices, of the model's classes."""
        check_there(data, where, "class")
        targets = data.targets
        check_indices(targets, where)
        found = max(len(data.labels), max(targets) + 1)
        check_labels(data, found, self.classes(outputs), labels, where, hint=classes_hint(self, found))

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor:
        """The logits of the classes' shares."""
        return torch.bincount(torch.tensor(targets), minlength=outputs).float().clamp(min=EPSILON).log()

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """Figures by class, the confusion matrix, and the answers that are most surely wrong."""
        return ClassAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random logits and class indices."""
        outputs = self.outputs(classes)
        # Every class in turn, so that no figure is undefined
        return torch.randn(count, outputs), torch.arange(count) % self.classes(outputs)

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        table = self.probabilities(output.detach().float())
        assert table is not None  # noqa: S101 - every subclass has probabilities
        names = names_for(labels, table.shape[1])
        best = table.argmax(dim=1).tolist()
        return [
            Prediction(names[i], row[i], dict(zip(names, row, strict=True)))
            for i, row in zip(best, table.tolist(), strict=True)
        ]


class Binary(Classes):
    """Two classes from one logit; the logit speaks for the second."""

    name = "binary"
    form = "binary"

    def outputs(self, classes: int | None) -> int:
        if classes not in (None, 2):
            more = heads('head="multiclass" tells more of them apart')
            hint = more if classes and classes > 2 else "leave classes out"
            raise OptionError(f"task {self.name}", expected="2 classes", got=str(classes), hint=hint)
        return 1

    def classes(self, outputs: int) -> int:
        return 2

    def for_outputs(self, outputs: int) -> Task:
        """The task of two classes for one logit, that of several classes for two."""
        return Multiclass() if outputs == 2 else self

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random logits and class indices, of two classes whatever number is asked for."""
        return super().example(2, count)

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.float().reshape(-1, 1)

    def mixable(self, y: Tensor, outputs: int) -> Tensor:
        """The share of the second class, N."""
        return y.float()

    def hard(self, y: Tensor) -> Tensor:
        return likelier(y)

    def averaged(self, outputs: Tensor) -> Tensor:
        return mean_logit(outputs)

    def constant(self, targets: Sequence[Any], outputs: int) -> Tensor:
        """The logit of the second class' share, and that of the second class alone, which F1 may prefer."""
        share = torch.tensor(targets).float().mean()
        return torch.stack([share, torch.ones(())]).reshape(2, 1).logit(EPSILON)

    def probabilities(self, output: Tensor) -> Tensor:
        positive = output.sigmoid()
        # N x 2
        return torch.cat([1 - positive, positive], dim=1)

    def scored(self, output: Tensor) -> Tensor:
        return output.sigmoid().squeeze(1)

    def ranked(self, output: Tensor) -> Tensor:
        if type(self).scored is not Binary.scored:  # of a task that reads its output otherwise
            return self.scored(output)
        return in_order(widened(output)).squeeze(1)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import BinaryAccuracy, BinaryAUROC, BinaryF1Score

        return MetricCollection({"accuracy": BinaryAccuracy(), "f1": BinaryF1Score(), "auroc": BinaryAUROC()})

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """Ranking needs images of both classes, F1 some of the second."""
        return {"auroc": seen.lacks_contrast(), "f1": seen.lacks_positive()}


class Multiclass(Classes):
    """One of K classes from K logits."""

    name = "multiclass"
    form = "multiclass"

    def probabilities(self, output: Tensor) -> Tensor:
        return output.softmax(dim=1)

    def ranked(self, output: Tensor) -> Tensor:
        if type(self).probabilities is not Multiclass.probabilities or type(self).scored is not Task.scored:
            return self.scored(output)
        logits = widened(output)
        surely = logits.log_softmax(dim=1)
        top = logits.argmax(dim=1, keepdim=True)
        # log(1 - p): of the likeliest class from the others, since there 1 - p would be rounded to 0
        others = logits.scatter(1, top, -math.inf).logsumexp(dim=1, keepdim=True)
        rest = others - logits.logsumexp(dim=1, keepdim=True)
        return in_order(settled(surely - torch.log1p(-surely.exp()).scatter(1, top, rest)))

    def target(self, y: Tensor, outputs: int) -> Tensor:
        """N class indices; shares of mixed images stay N x outputs."""
        return y if y.is_floating_point() and y.ndim == 2 else y.long()

    def mixable(self, y: Tensor, outputs: int) -> Tensor:
        """The share of each class, N x outputs."""
        return one_hot(y, outputs)

    def hard(self, y: Tensor) -> Tensor:
        return likeliest(y)

    def averaged(self, outputs: Tensor) -> Tensor:
        return mean_softmax(outputs)

    def metrics(self, outputs: int) -> MetricCollection:
        from torchmetrics import MetricCollection
        from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

        from zoo.metrics.balanced import BalancedAccuracy

        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(outputs, average="micro"),
                "balanced_accuracy": BalancedAccuracy(outputs),
                "f1": MulticlassF1Score(outputs, average="macro"),
            }
        )


class ClassAnalysis(Analysis):
    """Error analysis of answers with one class an image."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._seen = Columns()

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x outputs logits and N class indices."""
        table = self.task.probabilities(output.float())
        assert table is not None  # noqa: S101 - every task of classes has probabilities
        self._seen.add(
            answer=table.argmax(dim=1),
            score=table.amax(dim=1),
            truth_probability=table.gather(1, target.view(-1, 1)).squeeze(1),  # in what is true
            truth=target,
            index=index,
        )

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """Figures by class, the confusion matrix, and the mistakes where the truth is least probable."""
        truth, answer = self._seen["truth"], self._seen["answer"]
        rows, confusion = per_class(truth, answer, self.labels)
        wrong, order = answer != truth, torch.argsort(self._seen["truth_probability"], stable=True)
        worst = tuple(self._wrong(i, names) for i in order[wrong[order]][: self.most].tolist())
        drawings: dict[str, Drawing] = {"confusion": Confusion(self.labels, confusion)}
        if worst:
            drawings["worst"] = Examples(worst, "worst mistakes")
        return Findings(
            labels=self.labels,
            per_class=rows,
            confusion=confusion,
            worst=worst,
            tables=(
                *by_class(self.labels, rows, confusion),
                *([worst_table(worst)] if worst else []),
            ),
            drawings=drawings,
        )

    def _wrong(self, i: int, names: Names) -> Mistake:
        index, answer, truth = (int(self._seen[name][i]) for name in ("index", "answer", "truth"))
        score = float(self._seen["score"][i])
        return Mistake(index, names(index), self.labels[answer], score, self.labels[truth])


def check_indices(targets: Sequence[Any], where: str) -> None:
    """Raises DataError unless all targets are class indices."""
    bad = next((t for t in targets if not isinstance(t, int)), None)
    if bad is not None:
        raise DataError(f"{where}: targets", expected="class indices", got=quote(bad))
    if min(targets) < 0:
        raise DataError(f"{where}: targets", expected="class indices", got=str(min(targets)))
