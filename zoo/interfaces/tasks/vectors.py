"""A vector an image, by which images are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.interfaces.tasks.analysis import Analysis, Columns, Findings, Names
from zoo.interfaces.tasks.base import Task
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.column_targets import TargetColumn, check_no_separator, classes_of
from zoo.interfaces.tasks.columns import Cells
from zoo.interfaces.tasks.data_checks import check_there
from zoo.interfaces.tasks.descriptions import Curve, Histogram, Mark
from zoo.interfaces.tasks.prediction import Prediction
from zoo.interfaces.tasks.samples import class_indices
from zoo.spec.display import Table
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.hints.spoken import heads

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from zoo.interfaces.dataset import Dataset
    from zoo.interfaces.tasks.target_counts import TargetCounts
    from zoo.metrics.verification import Roc


_PAIR = 2


class Embedding(Task):
    """A vector whose angle to another says how alike two images are; targets are class indices."""

    name = "embedding"
    form = "vectors"
    named = False
    compares = True
    card = CardWords(
        pipeline="image-feature-extraction",
        usage='print(zoo.verify(model, "one.jpg", "other.jpg"))',
    )

    def read_columns(self, columns: Cells, separator: str | None, where: str) -> TargetColumn:
        """Class indices of one column; see `zoo.interfaces.tasks.column_targets.classes_of`."""
        check_no_separator(separator, where)
        return classes_of(columns, where)

    def read_samples(self, cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
        """Class indices; see `zoo.interfaces.tasks.samples.class_indices`."""
        return class_indices(cells, labels, where)

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless targets are class indices; which classes there are does not matter."""
        check_there(data, where, "class")
        bad = next((t for t in data.targets if not isinstance(t, int) or t < 0), "")
        if bad != "":
            hint = "give a folder for each person or thing"
            raise DataError(f"{where}: targets", expected="class indices", got=quote(bad), hint=hint)

    def check_start(self, data: Dataset, where: str) -> None:
        """Raises DataError where one class is all that the other is not, which no distance can tell."""
        if lone := _negation(data.labels):
            hint = heads(f'give a folder for each person or thing; head="binary" tells {lone} from the rest')
            got = listing(map(quote, data.labels))
            raise DataError(f"{where}: classes", expected="one thing each", got=got, hint=hint)

    def remarks(self, targets: Sequence[Any]) -> Iterator[str]:
        """Remarks where no two images are of one class, so that there is no threshold to choose."""
        if len(set(targets)) == len(targets):
            hint = "give ten images of each or more, or folders train/ and val/"
            yield ("the val split has no two images of one class, so no threshold is chosen on it; " + hint)

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """The ROC curve of all pairs, and the threshold with its accuracy."""
        return PairAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random vectors and class indices."""
        return torch.randn(count, classes), torch.arange(count) % classes

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.long()

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The vectors; the classes of the training are no names for their values."""
        vectors = super().read(output)
        return [Prediction(f"vector of {output.shape[1]}", None, found.scores) for found in vectors]

    def metrics(self, outputs: int) -> MetricCollection:
        """Metrics of all pairs: area under the ROC curve, equal error rate, and the cosine where that is."""
        from torchmetrics import MetricCollection

        from zoo.metrics.verification import EqualErrorRate, EqualErrorThreshold, VerificationAUC

        return MetricCollection(
            {"auc": VerificationAUC(), "eer": EqualErrorRate(), "threshold": EqualErrorThreshold()},
            compute_groups=False,
        )

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """Reasons where there are no pairs of one class, or of two."""
        counts = seen.classes
        alike = counts is not None and int(counts.max()) > 1
        reason = seen.lacks_second_class() or (None if alike else "no two images are of one class")
        return dict.fromkeys(("auc", "eer", "threshold"), reason)


_NOT = ("no", "non", "not", "without")
_REST = frozenset(
    ["background", "negative", "negatives", "neg", "none", "other", "others", "rest", "unknown"]
)


def _negation(labels: Sequence[str]) -> str | None:
    """Of two classes the one that the other is the absence of; what is not a face is not one thing.

    Example:
        >>> _negation(("face", "no_face")), _negation(("cat", "other")), _negation(("ana", "noa"))
        ('face', 'cat', None)
    """
    if len(labels) != _PAIR:
        return None
    words = [tuple(filter(None, re.split(r"[\W_]+", label.lower()))) for label in labels]
    for i in range(_PAIR):
        own, other = words[i], words[1 - i]
        if other and ((other[0] in _NOT and other[1:] == own) or " ".join(other) in _REST):
            return labels[i]
    return None


class PairAnalysis(Analysis):
    """Error analysis of vectors, looked at in pairs."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._seen = Columns()

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: tuple[int, int]) -> None:
        """Takes in N x D vectors and N class indices."""
        self._seen.add(answer=output.float(), truth=target)

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """The threshold and the accuracy at it, where half of the pairs are of one class.

        Nothing is found where there are no pairs of both kinds. The threshold is the known one, else the one
        at the equal error rate of these pairs.
        """
        from zoo.metrics.verification import Roc

        # Pairs are made of images of all batches, so that nothing can be added up batch by batch
        roc = Roc.of(self._seen["answer"], self._seen["truth"])
        if roc is None:
            return Findings()
        threshold = known.get("threshold", roc.threshold)
        accepted, found = roc.rates(threshold)
        rates = roc.table()
        return Findings(
            metrics={"threshold": threshold, "accuracy": (1 - accepted + found) / 2},
            more={"rates": rates},
            tables=(_rates(rates),) if rates else (),
            drawings={"roc": _panels(roc, threshold)},
        )


def _rates(rates: Sequence[Mapping[str, float]]) -> Table:
    rows = [
        [f"{row['false_accepts']:.1%}", f"{row['threshold']:.3f}", f"{row['true_accepts']:.1%}"]
        for row in rates
    ]
    return Table(["FALSE ACCEPTS", "THRESHOLD", "TRUE ACCEPTS"], rows, right=[0, 1, 2])


def _panels(roc: Roc, threshold: float) -> tuple[Curve, Histogram]:
    """How many pairs are taken for the same, and the likeness of pairs of either kind."""
    accepted, found = roc.rates(threshold)
    curve = Curve(
        roc.accepted,
        roc.found,
        f"area under the curve {roc.auc:.3f}",
        "false accept rate (different, taken for the same)",
        "true accept rate (same, taken for the same)",
        (
            Mark(roc.eer, 1 - roc.eer, f"equal error rate {roc.eer:.1%}"),
            Mark(accepted, found, f"false accepts at threshold {accepted:.1%}", hollow=True),
        ),
        diagonal=True,
    )
    groups = {"different": roc.similarity[~roc.same], "same": roc.similarity[roc.same]}
    title = "similarity of the pairs, and the threshold"
    return curve, Histogram(groups, title, "cosine", "share of the pairs of its kind", threshold)
