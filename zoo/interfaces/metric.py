"""The metric contract: a figure by name, the tasks it fits, and what it needs to be defined."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.target_counts import WORDS, TargetCounts
from zoo.spec.errors import OptionError, quote
from zoo.spec.names import is_taken

if TYPE_CHECKING:
    import torchmetrics

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORDS = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word of a class' name begins; capitals in a row are one word, `BinaryAUROC` has two."""


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
        """The accumulator, fed with `task.scored(output)` and raw targets of N images at a time.

        An area under a curve gets `task.ranked(output)`, in which sure answers keep their order.

        Args:
            task: of a form that the metric fits.
            outputs: length of the model's output vector.

        Raises:
            OptionError: an option has no effect, or does not fit the task.
        """

    def missing(self, seen: TargetCounts) -> str | None:
        """The reason why the figure is not defined for targets like these; None where it is.

        Args:
            seen: of one image or more.
        """
        return None

    def check(self, task: Task) -> None:
        """Raises OptionError unless the metric fits a task."""
        if task.form not in self.forms:
            expected = f"a task whose answers are {' or '.join(self.forms)}"
            got = f"{task.name}, whose answers are {task.form or 'of its own form'}"
            raise OptionError(f"metric {self.name}", expected=expected, got=got, hint="zoo list metric")


class TorchMetric(Metric):
    """A metric object of torchmetrics, as a metric of zoo; whatever fits the form of the answers is taken.

    Args:
        metric: fed as `Metric.measure` says, and gives one number; it is copied.
        called: name of the figure; that of its class where None.

    Attributes:
        former_name: the name in version 0.1, which took each capital for a word; a run that has it keeps it.

    Example:
        >>> from torchmetrics.classification import BinaryAUROC, BinaryRecall
        >>> TorchMetric(BinaryAUROC()).name, TorchMetric(BinaryRecall(0.9), called="sure_recall").name
        ('binary_auroc', 'sure_recall')
    """

    def __init__(self, metric: torchmetrics.Metric, *, called: str | None = None) -> None:
        self.metric = metric
        self.name = called or _spelt(_WORDS.sub("_", type(metric).__name__))
        self.former_name = called or _spelt(re.sub("(?=[A-Z])", "_", type(metric).__name__))
        self.higher_is_better = metric.higher_is_better

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """A copy of the object, with nothing taken in."""
        # Training and validation measure side by side, and the caller's object is not touched
        copy = self.metric.clone()
        copy.reset()
        return copy

    def check(self, task: Task) -> None:
        """Raises OptionError where torchmetrics' name says that it is for other answers.

        Fed with them, some of its classes would give a number all the same.
        """
        # A user's subclass is called as it likes: its base in torchmetrics counts
        names = [
            kind.__name__ for kind in type(self.metric).__mro__ if kind.__module__.startswith("torchmetrics")
        ]
        meant = next(
            (forms for name in names for word, forms in WORDS.items() if name.startswith(word)), None
        )
        if meant is not None and task.form not in meant:
            expected = f"a task whose answers are {' or '.join(meant)}"
            got = f"{task.name}, whose answers are {task.form or 'of its own form'}"
            raise OptionError(f"metric {self.name}", expected=expected, got=got)


def _spelt(words: str) -> str:
    return re.sub("_+", "_", words).strip("_").lower()


def as_metrics(values: Iterable[object]) -> tuple[Metric, ...]:
    """Metrics of zoo, from those and from objects of torchmetrics.

    Raises:
        OptionError: one is something else, two have one name, or a name would stand for something else.
    """
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        hint = f"metrics=[{quote(values)}]"
        raise OptionError("metrics", expected="a list", got=quote(values), hint=hint)
    found = [_as_metric(value) for value in values]
    names = [metric.name for metric in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        hint = 'call one otherwise: {name = ..., called = "..."}, or TorchMetric(metric, called="...")'
        raise OptionError("metrics", expected="each name once", got=f"{quote(twice)} twice", hint=hint)
    return tuple(found)


def _as_metric(value: Any) -> Metric:
    # First: a class has `compute` too
    if isinstance(value, type):
        hint = f"make one: {value.__name__}(...)"
        raise OptionError("metrics", expected="an object", got=f"the class {value.__name__}", hint=hint)
    # By what it has: importing torchmetrics to ask takes seconds
    known = isinstance(value, Metric)
    if not known and not (hasattr(value, "compute") and hasattr(value, "higher_is_better")):
        expected = "a name, a zoo.interfaces.Metric or a metric object of torchmetrics"
        raise OptionError("metrics", expected=expected, got=quote(value))
    metric: Metric = value if known else TorchMetric(value)
    name = getattr(metric, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        where = f"metric {type(value).__name__}: name"
        raise OptionError(where, expected="letters, digits and underscores", got=quote(name))
    if is_taken(name):
        hint = "call it otherwise"
        raise OptionError("metrics", expected="names of their own", got=quote(name), hint=hint)
    return metric
