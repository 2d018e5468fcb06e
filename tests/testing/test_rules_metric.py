"""The rules of a metric's contract, each shown to find a planted breach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchmetrics
from torchmetrics.classification import BinaryRecall, MulticlassRecall

from zoo.errors import OptionError
from zoo.interfaces import Metric, TargetCounts
from zoo.interfaces.tasks import Task
from zoo.registry.lookup import find
from zoo.testing import Case, rules_metric
from zoo.testing.contract import rules


class Sound(Metric):
    """Recall of two classes and of several."""

    name, forms = "sound", ("binary", "multiclass")

    def measure(self, task: Task, outputs: int) -> torchmetrics.Metric:
        return BinaryRecall() if task.form == "binary" else MulticlassRecall(task.classes(outputs))

    def missing(self, seen: TargetCounts) -> str | None:
        return seen.lacks_positive()


def of_instance(self: Any) -> None:
    """A constructor that says other forms than the class."""
    self.forms = ("binary",)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Metric], None]:
    """Holds a metric against its whole contract."""

    def check(metric: Metric) -> None:
        monkeypatch.setattr(rules_metric, "make", lambda kind, reference: metric)
        case = Case(find("recall", "metric"))
        for name, rule in rules("metric").items():
            if rule.__module__ == rules_metric.__name__:
                assert name
                rule(case)

    return check


def test_a_sound_metric_keeps_the_contract(checked: Any) -> None:
    checked(Sound())


@pytest.mark.parametrize(
    ("breach", "error", "said"),
    [
        (
            {"name": "my-recall"},
            OptionError,
            "name: expected letters, digits and underscores, got 'my-recall'",
        ),
        ({"name": "loss"}, OptionError, "expected names of their own, got 'loss'"),
        ({"forms": ()}, AssertionError, "forms is empty"),
        ({"forms": "binary"}, AssertionError, "forms is 'binary', no tuple of words"),
        ({"forms": ("binry",)}, AssertionError, "forms names binry, which no task has; choose from binary"),
        (
            {"__init__": of_instance},
            AssertionError,
            r"forms of the class are \('binary', 'multiclass'\), which",
        ),
        ({"higher_is_better": "up"}, AssertionError, "up"),
        ({"forms": ("binary", "values")}, OptionError, "one that takes the answers of task regression"),
        ({"missing": lambda self, seen: ""}, AssertionError, "binary: missing gives ''"),
    ],
)
def test_what_it_says_of_itself_is_looked_at(checked: Any, breach: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        checked(type("Planted", (Sound,), breach)())


def of_classes(**options: Any) -> Callable[[Any, Task, int], torchmetrics.Metric]:
    return lambda self, task, outputs: MulticlassRecall(task.classes(outputs), **options)


def test_a_vector_is_found(checked: Any) -> None:
    planted = type("Vector", (Sound,), {"forms": ("multiclass",), "measure": of_classes(average=None)})
    with pytest.raises(OptionError, match="metric sound: expected one number, got 4 values"):
        checked(planted())


class Last(torchmetrics.Metric):
    """Of the last images alone, which is not the same in parts."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("share", default=torch.zeros(()))

    def update(self, scored: torch.Tensor, target: torch.Tensor) -> None:
        self.share = scored.mean()

    def compute(self) -> torch.Tensor:
        return self.share


def test_a_figure_that_depends_on_how_images_are_cut_is_found(checked: Any) -> None:
    planted = type("Cut", (Sound,), {"forms": ("binary",), "measure": lambda *_: Last()})
    with pytest.raises(AssertionError, match="binary: "):
        checked(planted())


class Kept(BinaryRecall):
    """With a state that no reset knows of."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def update(self, scored: torch.Tensor, target: torch.Tensor) -> None:
        self.seen += len(target)
        super().update(scored, target)

    def compute(self) -> torch.Tensor:
        return super().compute() / self.seen


def test_a_state_that_is_not_reset_is_found(checked: Any) -> None:
    planted = type("State", (Sound,), {"forms": ("binary",), "measure": lambda *_: Kept()})
    with pytest.raises(AssertionError, match="where nothing was before"):
        checked(planted())


def test_one_object_for_all_uses_is_found(checked: Any) -> None:
    shared = BinaryRecall()
    planted = type("Shared", (Sound,), {"forms": ("binary",), "measure": lambda *_: shared})
    with pytest.raises(AssertionError, match="binary: measure gives one object twice"):
        checked(planted())


class Never(BinaryRecall):
    """Not a number."""

    def compute(self) -> torch.Tensor:
        return torch.tensor(float("nan"))


def test_one_that_is_no_number_where_it_says_that_it_is_defined_is_found(checked: Any) -> None:
    planted = type("Never", (Sound,), {"forms": ("binary",), "measure": lambda *_: Never()})
    with pytest.raises(AssertionError, match="binary: not a number for these answers"):
        checked(planted())


class Endless(BinaryRecall):
    """Infinite without a positive, and no reason given."""

    def compute(self) -> torch.Tensor:
        return 1 / self.tp


def test_an_infinite_figure_is_left_out(checked: Any) -> None:
    breach = {"forms": ("binary",), "measure": lambda *_: Endless(), "missing": lambda self, seen: None}
    checked(type("Planted", (Sound,), breach)())
