"""Rules of what heads and complete models give: shapes that the task takes, and logits."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.testing import rules_head, rules_model
from zoo.testing.case import Case

MODEL = """
import torch
from torch import nn
from zoo import InputSpec
from zoo.interfaces import Model, Multiclass, Multilabel, Reconstruction, Segmentation


class Net(Model):
    def __init__(self, *, in_channels=3, classes=None):
        classes = classes or 3
        super().__init__(task=TASK(), input_spec=InputSpec(size=(16, 16)))
        self.conv = nn.Conv2d(3, classes, 3, padding=1)
        self.classes = classes

    @property
    def outputs(self):
        return self.classes

    def forward(self, x):
        self.check_images(x)
        return LAST
"""
HEAD = """
from torch import nn
from zoo.interfaces import Head, Multiclass, Multilabel


class Own(TASK):
    def probabilities(self, output):
        return output


class Line(Head):
    def __init__(self, *, inputs, classes=None):
        super().__init__(task=MADE(), inputs=inputs, outputs=classes)
        self.line = nn.Linear(8, classes)

    def forward(self, *features):
        self.check_features(features)
        return LAST(self.line(features[0].flatten(2).mean(2)))
"""
POOLED = "self.conv(x).mean((2, 3))"


@pytest.fixture
def model(shelf: Any) -> Any:
    """Makes a case of a model of a task, given what its forward returns."""

    def make(task: str, last: str) -> Case:
        row = {"kind": "model", "name": "net", "target": "zoo_planted.net:Net", "summary": "A net."}
        package = shelf.plugin("zoo-planted", rows=[{**row, "task": task.lower()}])
        (package / "net.py").write_text(MODEL.replace("TASK", task).replace("LAST", last))
        return Case(find("net", "model"))

    return make


@pytest.mark.parametrize(
    ("task", "last"),
    [
        ("Segmentation", "self.conv(x)"),
        ("Multiclass", POOLED),
        ("Multilabel", POOLED),
        ("Reconstruction", "self.conv(x).sigmoid()"),
        ("Multiclass", f"{POOLED} * 0"),
        ("Multiclass", f"{POOLED}.log_softmax(1)"),
    ],
)
def test_outputs_as_the_task_takes_them_are_fine(model, task, last):
    rules_model.rule_its_output_is_what_its_task_takes(model(task, last))
    rules_model.rule_it_takes_another_size_or_says_so(Case(find("net", "model")))


@pytest.mark.parametrize(
    ("task", "last", "said"),
    [
        (
            "Segmentation",
            "self.conv(x)[..., 1:, 1:]",
            r"task segmentation: expected 2 x 3 x 16 x 16 \(N x K x .* the mask\), got 2 x 3 x 15 x 15",
        ),
        ("Segmentation", "self.conv(x)[:, :2]", "got 2 x 2 x 16 x 16"),
        ("Multiclass", "self.conv(x)", r"expected 2 x 3 \(N x outputs\), got 2 x 3 x 16 x 16"),
        ("Reconstruction", "self.conv(x)[..., ::2]", r"x 16 x 16 \(images .*\), got 2 x 3 x 16 x 8"),
        ("Multiclass", f"{POOLED}.softmax(1)", "expected logits, got probabilities; return logits"),
        ("Multilabel", f"{POOLED}.sigmoid()", "expected logits, got probabilities; return logits"),
        ("Segmentation", "self.conv(x).softmax(1)", "expected logits, got probabilities; return logits"),
    ],
)  # fmt: skip
def test_outputs_that_the_task_does_not_take_are_found(model, task, last, said):
    with pytest.raises(AssertionError, match=said):
        rules_model.rule_its_output_is_what_its_task_takes(model(task, last))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("self.conv(x) + torch.zeros(16, 16)", "Net on 17 x 16 images: expected an output or a Sh.*RuntimeE"),
        (
            "nn.functional.interpolate(self.conv(x), (16, 16))",
            "on 17 x 16 .*expected 2 x 3 x 17 x 16 .*got 2 x 3 x 16",
        ),
    ],
)
def test_a_size_that_a_model_cannot_take_and_does_not_refuse_is_found(model, last, said):
    case = model("Segmentation", last)
    rules_model.rule_its_output_is_what_its_task_takes(case)
    with pytest.raises(AssertionError, match=said):
        rules_model.rule_it_takes_another_size_or_says_so(case)


@pytest.mark.parametrize(
    ("task", "last", "made", "fine"),
    [
        ("Multiclass", "", "Multiclass", True),
        ("Multiclass", "nn.functional.relu", "Multiclass", True),
        ("Multiclass", "nn.Softmax(1)", "Multiclass", False),
        ("Multilabel", "nn.Sigmoid()", "Multilabel", False),
        ("Multilabel", "nn.Sigmoid()", "Own", True),
        ("Multiclass", "nn.Softmax(1)", "Own", True),
    ],
)
def test_a_head_that_gives_probabilities_for_logits_is_found(shelf, task, last, made, fine):
    row = {
        "kind": "head", "name": "line", "target": "zoo_planted.line:Line", "summary": "A head.",
        "task": task.lower(),
    }  # fmt: skip
    package = shelf.plugin("zoo-planted", rows=[row])
    text = HEAD.replace("TASK", task).replace("MADE", made).replace("LAST", last)
    (package / "line.py").write_text(text)
    case = Case(find("line", "head"))
    if fine:
        rules_head.rule_it_gives_logits_where_its_task_takes_them(case)
        return
    with pytest.raises(AssertionError, match="Line: expected logits, got probabilities; return logits"):
        rules_head.rule_it_gives_logits_where_its_task_takes_them(case)
