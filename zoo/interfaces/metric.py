"""The metric contract: a figure by name, the tasks it fits, and what it needs to be defined."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces.tasks import Task
from zoo.spec.errors import OptionError, quote

if TYPE_CHECKING:
    import torchmetrics

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_TAKEN = (
    "loss", "epoch", "seconds", "split", "pictures", "on", "labels", "confusion", "per_class", "worst",
    "left_out",
)  # fmt: skip
"""What stands beside figures in a history or an evaluation."""


class Seen:
    """What the targets of the data were, as far as it decides which figures are defined.

    Args:
        classes: number of classes or labels of the model, K.
        form: of the targets; see `zoo.interfaces.Task.form`.
        ignored: class index that is not counted; None where there is none.

    Attributes:
        count: number of images.
        classes: how often each class or label is the truth, K counts; None where targets are no classes.
        total: how often anything is: images with a class, or with labels, or pixels.
        low: the least value of each of K values; None where targets are no values.
        high: the largest ones.

    Example:
        >>> seen = Seen(3)
        >>> seen.add(torch.tensor([0, 2, 2]))
        >>> seen.count, seen.classes.tolist(), seen.absent()
        (3, [1, 0, 2], [1])
    """

    def __init__(self, classes: int, form: str = "classes", ignored: int | None = None) -> None:
        self.form = form
        self.count = self.total = 0
        self.classes: Tensor | None = None
        self.low: Tensor | None = None
        self.high: Tensor | None = None
        self._known, self._ignored = classes, ignored

    def add(self, target: Tensor) -> None:
        """Takes in the raw targets of N images, as the form says."""
        self.count += target.shape[0]
        if not target.numel():
            return
        if self.form == "labels":
            self._counted((target >= 0.5).sum(dim=0), len(target))
        elif self.form != "values" and not target.is_floating_point():
            whole = target.flatten().long()
            counted = whole >= 0 if self._ignored is None else (whole >= 0) & (whole != self._ignored)
            self._counted(torch.bincount(whole[counted], minlength=self._known), int(counted.sum()))
        elif target.ndim <= 2:
            rows = target.detach().reshape(len(target), -1).cpu().double()
            low, high = rows.amin(dim=0), rows.amax(dim=0)
            self.low = low if self.low is None else torch.minimum(low, self.low)
            self.high = high if self.high is None else torch.maximum(high, self.high)

    def _counted(self, found: Tensor, total: int) -> None:
        self.total += total
        both = [found.cpu()] if self.classes is None else [found.cpu(), self.classes]
        size = max(map(len, both))
        self.classes = torch.stack([F.pad(counts, (0, size - len(counts))) for counts in both]).sum(dim=0)

    def absent(self) -> list[int]:
        """Classes that are never the truth."""
        return [] if self.classes is None else (self.classes == 0).nonzero().flatten().tolist()

    def lacks_positive(self) -> str | None:
        """The reason, where some class has nothing to find; of two by one logit the second counts.

        Example:
            >>> seen = Seen(2, "two-classes")
            >>> seen.add(torch.tensor([0, 0]))
            >>> seen.lacks_positive()
            'no image is of class 1'
        """
        absent = [index for index in self.absent() if self.form != "two-classes" or index == 1]
        return self._without(absent[0]) if absent else None

    def lacks_others(self) -> str | None:
        """The reason, where all is of some class; of two classes told by one logit the second counts."""
        whole = [] if self.classes is None else (self.classes == self.total).nonzero().flatten().tolist()
        found = [index for index in whole if self.form != "two-classes" or index == 1]
        return f"all {self._things[0]} {self._things[1]} {found[0]}" if found else None

    def lacks_contrast(self) -> str | None:
        """The reason, where some class has no image in it, or none out of it."""
        absent = self.absent()
        return self._without(absent[0]) if absent else self.lacks_others()

    def lacks_second_class(self) -> str | None:
        """The reason, where there is one class alone."""
        there = 0 if self.classes is None else int((self.classes > 0).sum())
        return f"all {self._things[0]} are of one class" if there < 2 else None

    def lacks_variation(self) -> str | None:
        """The reason, where a value is the same for all images."""
        if self.low is None or self.high is None:
            return None
        same = (self.low == self.high).nonzero().flatten().tolist()
        if not same:
            return None
        return "all images have one value" if len(self.low) == 1 else f"all images have one value {same[0]}"

    def _without(self, index: int) -> str:
        thing, verb = self._things
        return f"no {thing.removesuffix('s')} {verb.replace('are', 'is').replace('have', 'has')} {index}"

    @property
    def _things(self) -> tuple[str, str]:
        things = "pixels" if self.form == "masks" else "images"
        return things, "have label" if self.form == "labels" else "are of class"

    def state_dict(self) -> dict[str, Any]:
        """Plain data and tensors."""
        names = ("count", "total", "classes", "low", "high")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        self.count, self.total, self.classes = state["count"], state["total"], state.get("classes")
        self.low, self.high = state.get("low"), state.get("high")


class Metric(ABC):
    """A figure of a model's answers. A subclass' constructor takes the options of its config, keyword-only.

    Attributes:
        name: what it is called in results: letters, digits and underscores.
        forms: the forms of answers that it fits; see `zoo.interfaces.Task.form`.
        higher_is_better: its direction; None where it has none.

    Example:
        >>> from torchmetrics.classification import BinaryRecall
        >>> class Sensitivity(Metric):
        ...     name, forms = "sensitivity", ("two-classes",)
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
            raise OptionError(f"metric {self.name}", expected=expected, got=got, hint="zoo list metric")


_WORDS = {"Binary": ("two-classes",), "Multiclass": ("classes", "masks"), "Multilabel": ("labels",)}
"""Forms of answers by the first word of torchmetrics' names."""


class Given(Metric):
    """A metric object of torchmetrics, as a metric of zoo; whatever fits the form of the answers is taken.

    Args:
        metric: fed as `Metric.measure` says, and gives one number; it is copied.
        called: name of the figure; that of its class where None.

    Example:
        >>> from torchmetrics.classification import BinaryRecall
        >>> Given(BinaryRecall()).name, Given(BinaryRecall(0.9), called="sure_recall").name
        ('binary_recall', 'sure_recall')
    """

    def __init__(self, metric: torchmetrics.Metric, *, called: str | None = None) -> None:
        self.metric = metric
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(metric).__name__).split("_")
        self.name = called or re.sub("_+", "_", "_".join(words)).strip("_")
        self.higher_is_better = metric.higher_is_better

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        """A copy of the object, with nothing taken in."""
        copy = self.metric.clone()
        copy.reset()
        return copy

    def check(self, task: Task) -> None:
        """Raises OptionError where torchmetrics' name says that it is for other answers.

        Fed with them, some of its classes would give a number all the same.
        """
        names = [
            kind.__name__ for kind in type(self.metric).__mro__ if kind.__module__.startswith("torchmetrics")
        ]
        meant = next(
            (forms for name in names for word, forms in _WORDS.items() if name.startswith(word)), None
        )
        if meant is not None and task.form not in meant:
            expected = f"a task whose answers are {' or '.join(meant)}"
            got = f"{task.name}, whose answers are {task.form or 'of its own form'}"
            raise OptionError(f"metric {self.name}", expected=expected, got=got)


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
        hint = 'call one otherwise: {name = ..., called = "..."}, zoo.interfaces.Given(metric, called="...")'
        raise OptionError("metrics", expected="each name once", got=f"{quote(twice)} twice", hint=hint)
    return tuple(found)


def _as_metric(value: Any) -> Metric:
    if isinstance(value, type):
        hint = f"make one: {value.__name__}(...)"
        raise OptionError("metrics", expected="an object", got=f"the class {value.__name__}", hint=hint)
    known = isinstance(value, Metric)
    if not known and not (hasattr(value, "compute") and hasattr(value, "higher_is_better")):
        expected = "a name, a zoo.interfaces.Metric or a metric object of torchmetrics"
        raise OptionError("metrics", expected=expected, got=quote(value))
    metric: Metric = value if known else Given(value)
    name = getattr(metric, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        where = f"metric {type(value).__name__}: name"
        raise OptionError(where, expected="letters, digits and underscores", got=quote(name))
    if name in _TAKEN or name.startswith(("loss_", "val_")):
        hint = "call it otherwise"
        raise OptionError("metrics", expected="names of their own", got=quote(name), hint=hint)
    return metric
