"""The core's metrics: torchmetrics' figures by name, left out where they are not defined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from zoo.errors import OptionError
from zoo.interfaces import Metric, Seen, Task

if TYPE_CHECKING:
    import torchmetrics

CLASSES = ("binary", "multiclass", "multilabel", "masks")
_PREFIX = {"binary": "Binary", "multiclass": "Multiclass", "masks": "Multiclass", "multilabel": "Multilabel"}


class _Named(Metric):
    """A figure that a user may call otherwise.

    Args:
        called: name of the figure; the metric's own where None.
    """

    def __init__(self, *, called: str | None = None) -> None:
        self.name = called or type(self).name


class _OfClasses(_Named):
    """A figure of torchmetrics that exists for two classes, several, and several labels.

    Args:
        average: how the classes' figures become one; macro where None.
        called: name of the figure.
    """

    forms: ClassVar[tuple[str, ...]] = CLASSES
    figure: ClassVar[str]

    def __init__(self, *, average: str | None = None, called: str | None = None) -> None:
        super().__init__(called=called)
        self.average = average

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`.

        Raises:
            OptionError: an average is asked for where there is one figure.
        """
        from torchmetrics import classification

        found: Any = getattr(classification, f"{_PREFIX[task.form]}{self.figure}")
        if task.form == "binary":
            if self.average is not None:
                got, hint = f"average={self.average!r}", "leave it out: the figure is the second class'"
                raise OptionError(f"metric {self.name} of two classes", expected="none", got=got, hint=hint)
            return found()  # type: ignore[no-any-return]
        average = self.average or "macro"
        if task.form == "multilabel":
            return found(num_labels=outputs, average=average)  # type: ignore[no-any-return]
        ignored = (
            {"ignore_index": task.ignored} if task.ignored is not None and task.ignored >= outputs else {}
        )
        return found(num_classes=task.classes(outputs), average=average, **ignored)  # type: ignore[no-any-return]


class Precision(_OfClasses):
    """Share of right answers among those for a class; 0 for a class that is never the answer."""

    name, figure = "precision", "Precision"


class Recall(_OfClasses):
    """Share of a class' images that are found."""

    name, figure = "recall", "Recall"

    def missing(self, seen: Seen) -> str | None:
        """Of two classes, the second has to be there."""
        return _without_second(seen)


class F1(_OfClasses):
    """Harmonic mean of precision and recall."""

    name, figure = "f1", "F1Score"


class Specificity(_OfClasses):
    """Share of the images of other classes that are not taken for a class."""

    name, figure = "specificity", "Specificity"


class IoU(_OfClasses):
    """Intersection over union of what is answered and what is true (Jaccard, 1912)."""

    name, figure = "iou", "JaccardIndex"


class _Coefficient(_Named):
    """A figure of a whole confusion matrix."""

    forms: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    figure: ClassVar[str]

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import classification

        found: Any = getattr(classification, f"{_PREFIX[task.form]}{self.figure}")
        return found(**({} if task.form == "binary" else {"num_classes": task.classes(outputs)}))  # type: ignore[no-any-return]

    def missing(self, seen: Seen) -> str | None:
        """At least two classes have to be there."""
        there = 0 if seen.classes is None else int((seen.classes > 0).sum())
        return "all images are of one class" if there < 2 else None


class MatthewsCorrelation(_Coefficient):
    """Correlation of answers and truth (Matthews, 1975), from -1 to 1; 0 is chance."""

    name, figure = "mcc", "MatthewsCorrCoef"


class CohenKappa(_Coefficient):
    """Agreement of answers and truth beyond chance (Cohen, 1960), at most 1."""

    name, figure = "kappa", "CohenKappa"


class _Ranking(_OfClasses):
    """A figure of ranked probabilities, which needs images in a class and images outside of it."""

    forms: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    def missing(self, seen: Seen) -> str | None:
        """Each class has to be there, and something else than it."""
        absent = seen.absent()
        if absent:
            return f"no image is of class {absent[0]}"
        whole = [] if seen.classes is None else (seen.classes == seen.count).nonzero().flatten().tolist()
        return f"all images are of class {whole[0]}" if whole else None


class AUROC(_Ranking):
    """Area under the ROC curve: the chance that an image of a class gets more than one that is not of it."""

    name, figure = "auroc", "AUROC"


class AveragePrecision(_Ranking):
    """Mean of precisions at the ranks of a class' images: the area under the precision-recall curve."""

    name, figure = "average_precision", "AveragePrecision"


class TopK(_Named):
    """Share of images whose class is among the k first answers.

    Args:
        k: answers that are looked at, fewer than there are classes.
        called: name of the figure; `top` and k where None.
    """

    name, forms = "top_k", ("multiclass",)

    def __init__(self, *, k: int = 5, called: str | None = None) -> None:
        super().__init__(called=called or f"top{k}")
        self.k = k

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`.

        Raises:
            OptionError: there are not more classes than answers that are looked at.
        """
        from torchmetrics.classification import MulticlassAccuracy

        classes = task.classes(outputs)
        if self.k >= classes:
            expected = f"k below {classes}, the number of classes"
            raise OptionError(f"metric {self.name}", expected=expected, got=f"k={self.k}")
        return MulticlassAccuracy(classes, top_k=self.k, average="micro")


class CalibrationError(_Named):
    """Expected calibration error (Guo et al., 2017): how far confidence is from accuracy, in [0, 1].

    Args:
        bins: intervals of confidence.
        called: name of the figure.
    """

    name, forms = "calibration_error", ("binary", "multiclass")
    higher_is_better = False

    def __init__(self, *, bins: int = 15, called: str | None = None) -> None:
        super().__init__(called=called)
        self.bins = bins

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

        if task.form == "binary":
            return BinaryCalibrationError(n_bins=self.bins)
        return MulticlassCalibrationError(task.classes(outputs), n_bins=self.bins)


class MAE(_Named):
    """Mean absolute error, in the unit of the values."""

    name, forms = "mae", ("values", "images")
    higher_is_better = False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import MeanAbsoluteError

        return MeanAbsoluteError()


class RMSE(_Named):
    """Root of the mean squared error, in the unit of the values."""

    name, forms = "rmse", ("values", "images")
    higher_is_better = False

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import MeanSquaredError

        return MeanSquaredError(squared=False)


class _Varying(_Named):
    """A figure that compares with how much the values differ."""

    forms: ClassVar[tuple[str, ...]] = ("values",)

    def missing(self, seen: Seen) -> str | None:
        """Two images with different values have to be there."""
        return "all images have one value" if seen.count < 2 or seen.low == seen.high else None


class R2(_Varying):
    """Share of the values' variance that the answers explain, at most 1; the mean over several values."""

    name = "r2"

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import R2Score

        return R2Score()


class Pearson(_Varying):
    """Correlation of answers and values (Pearson, 1895), from -1 to 1; the mean over several values."""

    name = "pearson"

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import PearsonCorrCoef

        return _by_column(PearsonCorrCoef, outputs)


class Spearman(_Varying):
    """Correlation of ranks (Spearman, 1904), from -1 to 1; the mean over several values."""

    name = "spearman"

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import SpearmanCorrCoef

        return _by_column(SpearmanCorrCoef, outputs)


def _by_column(metric: Any, outputs: int) -> torchmetrics.Metric:
    """A metric of N x outputs, where torchmetrics takes one value as N."""
    if outputs > 1:
        return metric(num_outputs=outputs)  # type: ignore[no-any-return]

    class Flat(metric):  # type: ignore[misc]
        def update(self, preds: Tensor, target: Tensor) -> None:
            super().update(preds.flatten(), target.flatten())

    return Flat()


def _without_second(seen: Seen) -> str | None:
    alone = seen.classes is not None and len(seen.classes) == 2 and int(seen.classes[1]) == 0
    return "no image is of class 1" if alone else None
