"""The metric contract: a figure by name, the tasks it fits, and what it needs to be defined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from zoo.interfaces.tasks import Task
from zoo.spec.errors import OptionError, quote

if TYPE_CHECKING:
    import torchmetrics


class Seen:
    """What the targets of the data were, as far as it decides which figures are defined.

    Attributes:
        count: number of images.
        classes: how often each class or label is the truth, K counts; None where targets are no classes.
        low: the least value of a target.
        high: the largest.

    Example:
        >>> seen = Seen(3)
        >>> seen.add(torch.tensor([0, 2, 2]))
        >>> seen.count, seen.classes.tolist()
        (3, [1, 0, 2])
    """

    def __init__(self, classes: int) -> None:
        self.count = 0
        self.classes: Tensor | None = None
        self.low, self.high = float("inf"), float("-inf")
        self._known = classes

    def add(self, target: Tensor) -> None:
        """Takes in the raw targets of N images: class indices, indicator rows N x K, or values."""
        self.count += target.shape[0]
        if not target.numel():
            return
        self.low, self.high = min(self.low, float(target.min())), max(self.high, float(target.max()))
        if not target.is_floating_point():
            inside = target[(target >= 0) & (target < self._known)].flatten()
            found = torch.bincount(inside.cpu(), minlength=self._known)
        elif target.ndim == 2 and target.shape[1] == self._known and self.low >= 0 and self.high <= 1:
            found = target.round().sum(dim=0).long().cpu()
        else:
            return
        self.classes = found if self.classes is None else self.classes + found

    def absent(self) -> list[int]:
        """Classes that are the truth of no image."""
        return [] if self.classes is None else (self.classes == 0).nonzero().flatten().tolist()


class Metric(ABC):
    """A figure of a model's answers. A subclass' constructor takes the options of its config, keyword-only.

    Attributes:
        name: what it is called in results: letters, digits and underscores.
        forms: the forms of answers that it fits; see `zoo.interfaces.Task.form`.
        higher_is_better: its direction; None where it has none.

    Example:
        >>> from torchmetrics.classification import BinaryRecall
        >>> class Sensitivity(Metric):
        ...     name, forms = "sensitivity", ("binary",)
        ...     def measure(self, task, outputs):
        ...         return BinaryRecall()
        >>> Sensitivity().higher_is_better
        True
    """

    name: str
    forms: ClassVar[tuple[str, ...]] = ()
    higher_is_better: bool | None = True

    @abstractmethod
    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """What adds the figure up, fed with `task.scored(output)` and raw targets of N images at a time.

        Args:
            task: of a form that the metric fits.
            outputs: length of the model's output vector.

        Raises:
            OptionError: an option has no effect, or does not fit the task.
        """

    def missing(self, seen: Seen) -> str | None:
        """Why the figure is not defined for targets like these; None where it is.

        Args:
            seen: of one image or more.
        """
        return None

    def check(self, task: Task) -> None:
        """Raises OptionError unless the metric fits a task."""
        if task.form not in self.forms:
            expected = f"a task whose answers are {' or '.join(self.forms)}"
            got = f"{task.name}, whose answers are {task.form or 'of its own form'}"
            raise OptionError(
                f"metric {self.name}", expected=expected, got=got, hint="zoo list --kind metric"
            )


class Given(Metric):
    """A metric object of torchmetrics, as a metric of zoo; it is the caller's to know that it fits.

    Args:
        metric: fed as `Metric.measure` says; it is copied.
    """

    def __init__(self, metric: torchmetrics.Metric) -> None:
        self.metric = metric
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(metric).__name__).split("_")
        self.name = "_".join(word for word in words if word)
        self.higher_is_better = metric.higher_is_better

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """A copy of the object, with nothing taken in."""
        copy = self.metric.clone()
        copy.reset()
        return copy

    def check(self, task: Task) -> None:
        """It fits what its author says."""


def as_metrics(values: Iterable[object]) -> tuple[Metric, ...]:
    """Metrics of zoo, from those and from objects of torchmetrics.

    Raises:
        OptionError: one is something else, or two have one name.
    """
    found: list[Metric] = []
    for value in values:
        if not isinstance(value, Metric) and not (
            hasattr(value, "metric_state") and hasattr(value, "compute")
        ):
            expected = "a name, a zoo.interfaces.Metric or a metric object of torchmetrics"
            raise OptionError("metrics", expected=expected, got=quote(value))
        found.append(value if isinstance(value, Metric) else Given(value))  # type: ignore[arg-type]
    names = [metric.name for metric in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        hint = 'call one of them otherwise: {name = ..., called = "..."}'
        raise OptionError("metrics", expected="each name once", got=f"{quote(twice)} twice", hint=hint)
    return tuple(found)
