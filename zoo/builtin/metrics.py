"""The core's metrics: torchmetrics' figures by name, left out where they are not defined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from zoo.errors import OptionError
from zoo.interfaces import Metric, TargetCounts, Task, ignored_index

# torchmetrics takes two seconds to import; each metric imports it when it is measured
if TYPE_CHECKING:
    import torchmetrics

_ALONE = (None, "macro")
"""Averages in which each class counts on its own."""

CLASSES = ("binary", "multiclass", "multilabel", "masks")
# torchmetrics has a class for each form and figure, such as MulticlassRecall; masks are classes of pixels
_PREFIX = {"binary": "Binary", "multiclass": "Multiclass", "masks": "Multiclass", "multilabel": "Multilabel"}


class NamedMetric(Metric):
    """Metric whose figure a user may call otherwise.

    Args:
        called: name of the figure; the metric's own where None.
    """

    def __init__(self, *, called: str | None = None) -> None:
        self.name = called or type(self).name


class _OfClasses(NamedMetric):
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
        index = ignored_index(task, outputs)
        ignored = {} if index is None else {"ignore_index": index}
        # Not `outputs`: K ordered classes have K - 1
        return found(num_classes=task.classes(outputs), average=average, **ignored)  # type: ignore[no-any-return]


class _Found(_OfClasses):
    """Figure of each class, undefined where a class has nothing to find."""

    def missing(self, seen: TargetCounts) -> str | None:
        """Each class whose figure counts on its own has to be there."""
        return seen.lacks_positive() if self.average in _ALONE or seen.form == "binary" else None


class _Overlap(_OfClasses):
    """Figure of overlap of answers and truth; classes that are in neither do not count."""

    def missing(self, seen: TargetCounts) -> str | None:
        """The second of two classes, and each of several labels, has to be there."""
        alone = self.average in _ALONE and seen.form == "multilabel"
        # Of several classes torchmetrics leaves absent ones out of the mean; of labels it counts them as 0
        return seen.lacks_positive() if alone or seen.form == "binary" else None


class Precision(_OfClasses):
    """Share of right answers among those for a class; 0 for a class that is wrongly or never the answer."""

    name, figure = "precision", "Precision"


class Recall(_Found):
    """Share of a class' images that are found."""

    name, figure = "recall", "Recall"


class F1(_Overlap):
    """Harmonic mean of precision and recall."""

    name, figure = "f1", "F1Score"


class IoU(_Overlap):
    """Intersection over union of what is answered and what is true (Jaccard, 1912)."""

    name, figure = "iou", "JaccardIndex"


class Specificity(_OfClasses):
    """Share of the images of other classes that are not taken for a class."""

    name, figure = "specificity", "Specificity"

    def missing(self, seen: TargetCounts) -> str | None:
        """The reason, where a class whose figure counts on its own has no images that are not of it."""
        return seen.lacks_others() if self.average in _ALONE or seen.form == "binary" else None


class _Coefficient(NamedMetric):
    """A figure of a whole confusion matrix."""

    forms: ClassVar[tuple[str, ...]] = ("binary", "multiclass")
    figure: ClassVar[str]

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """See `Metric.measure`."""
        from torchmetrics import classification

        found: Any = getattr(classification, f"{_PREFIX[task.form]}{self.figure}")
        return found(**({} if task.form == "binary" else {"num_classes": task.classes(outputs)}))  # type: ignore[no-any-return]

    def missing(self, seen: TargetCounts) -> str | None:
        """At least two classes have to be there."""
        return seen.lacks_second_class()


class MatthewsCorrelation(_Coefficient):
    """Correlation of answers and truth (Matthews, 1975), from -1 to 1; 0 is chance."""

    name, figure = "mcc", "MatthewsCorrCoef"


class CohenKappa(_Coefficient):
    """Agreement of answers and truth beyond chance (Cohen, 1960), at most 1."""

    name, figure = "kappa", "CohenKappa"


class _Ranking(_OfClasses):
    """A figure of ranked probabilities, which needs images in a class and images outside of it."""

    forms: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    def missing(self, seen: TargetCounts) -> str | None:
        """Each class has to be there, and something else than it."""
        return seen.lacks_contrast()


class AUROC(_Ranking):
    """Area under the ROC curve: the chance that an image of a class gets more than one that is not of it."""

    name, figure = "auroc", "AUROC"


class AveragePrecision(_Ranking):
    """Mean of precisions at the ranks of a class' images: the area under the precision-recall curve."""

    name, figure = "average_precision", "AveragePrecision"


class TopK(NamedMetric):
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
        # Micro: a share of images, not a mean over classes
        return MulticlassAccuracy(classes, top_k=self.k, average="micro")


class CalibrationError(NamedMetric):
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

    # In the function, since its base class is what takes long to import
    # On the CPU, since some accelerators have no double precision
