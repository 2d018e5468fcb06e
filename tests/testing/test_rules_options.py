"""The rule that every option does something, and its planted breaches."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.testing.case import Case
from zoo.testing.rules_backbone import rule_no_step_changes_its_input
from zoo.testing.rules_options import rule_options_do_something

CONFIG = """
from typing import Literal
from pydantic import Field
from zoo import Options


class SoftOptions(Options):
    power: float = Field(2.0, gt=0, description="Of the difference.")
    limit: Literal["none", "some"] = Field("none", description="Whether the loss is limited.")
    most: float = Field(1.0, gt=0, description="Of a limited loss.")
    warm: bool = Field(False, description="Whether it begins with less.")
"""
LOSS = """
import torch
from torch import nn
from zoo.interfaces import Loss


class SoftLoss(Loss):
    def __init__(self, *, power=2.0, limit="none", most=1.0, warm=False):
        super().__init__()
        self.power, self.limit, self.most, self.warm = power, limit, most, warm
        self.part = 1.0

    def advance(self, position, epochs):
        self.part = position / epochs if self.warm else 1.0

    def forward(self, output, target):
        wanted = nn.functional.one_hot(target, output.shape[1])
        apart = (output.softmax(1) - wanted).abs() ** self.power
        if self.limit == "some":
            apart = apart.clamp(max=self.most / 10)
        return self.part * apart.mean()
"""


@pytest.fixture
def soft(shelf: Any) -> Any:
    """Makes a case of a loss in which one line has another in its place."""

    def make(line: str = "", other: str = "", **more: Any) -> Case:
        assert line in LOSS
        row = {
            "kind": "loss", "name": "soft", "target": "zoo_planted.soft:SoftLoss", "summary": "A loss.",
            "config": "zoo_planted.config:SoftOptions", "task": "multiclass",
        }  # fmt: skip
        package = shelf.plugin("zoo-planted", rows=[row])
        (package / "config.py").write_text(CONFIG)
        (package / "soft.py").write_text(LOSS.replace(line, other) if line else LOSS)
        return Case(find("soft", "loss"), **more)

    return make


def test_options_that_show_alone_or_beside_others_are_fine(soft):
    rule_options_do_something(soft())


@pytest.mark.parametrize(
    ("line", "other", "name"),
    [
        ("** self.power", "** 2", "power"),
        ("if self.warm else 1.0", "if False else 1.0", "warm"),
        ("self.most / 10", "0.1", "most"),
        ('if self.limit == "some":', "if False:", "limit, most"),
    ],
)
def test_an_option_that_does_nothing_is_found(soft, line, other, name):
    said = f"SoftOptions: {name} changes? neither parameters nor outputs nor state"
    with pytest.raises(AssertionError, match=said):
        rule_options_do_something(soft(line, other))


@pytest.mark.parametrize("told", ["power", "soft.power"])
def test_an_option_that_rightly_does_nothing_can_be_told(soft, told):
    rule_options_do_something(soft("** self.power", "** 2", silent={told: "for other data"}))


BACKBONE = """
import torch
from torch import nn
from zoo import InputSpec
from zoo.interfaces import Backbone, Block


class Net(Backbone):
    def __init__(self, *, in_channels=3, width=8, drop=0.0, momentum=0.1):
        block = Block(
            conv=nn.Conv2d(in_channels, WIDTH, 3),
            norm=nn.BatchNorm2d(WIDTH, momentum=MOMENTUM),
            drop=nn.Dropout(DROP),
        )
        super().__init__([block], input_spec=InputSpec(channels=in_channels, size=(16, 16)))
"""
NET_OPTIONS = """
from pydantic import Field
from zoo import Options


class NetOptions(Options):
    width: int = Field(8, ge=1, description="Channels.")
    drop: float = Field(0.0, ge=0, lt=1, description="Dropout rate.")
    momentum: float = Field(0.1, gt=0, le=1, description="Of the running statistics.")
"""


@pytest.mark.parametrize("breach", [None, "width", "drop", "momentum"])
def test_parameters_outputs_in_training_and_buffers_count_as_an_effect(shelf, breach):
    row = {
        "kind": "backbone", "name": "net", "target": "zoo_planted.net:Net", "summary": "A net.",
        "config": "zoo_planted.config:NetOptions",
    }  # fmt: skip
    package = shelf.plugin("zoo-planted", rows=[row])
    text = BACKBONE
    for name, value in {"width": 8, "drop": 0.0, "momentum": 0.1}.items():
        text = text.replace(name.upper(), str(value) if name == breach else name)
    (package / "net.py").write_text(text)
    (package / "config.py").write_text(NET_OPTIONS)
    case = Case(find("net", "backbone"))
    if breach is None:
        rule_options_do_something(case)
        return
    with pytest.raises(AssertionError, match=f"NetOptions: {breach} changes neither"):
        rule_options_do_something(case)


@pytest.mark.parametrize("inside", [True, False])
def test_a_step_that_changes_its_input_in_place_is_found(shelf, inside):
    steps = "conv=nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))"
    steps = steps if inside else "conv=nn.Conv2d(3, 4, 3), relu=nn.ReLU(inplace=True)"
    head, _, tail = BACKBONE.partition("        block = Block(")
    text = f"{head}        block = Block({steps})\n        super(){tail.partition('super()')[2]}"
    package = shelf.plugin("zoo-planted", "net")
    (package / "net.py").write_text(text)
    case = Case(find("net", "backbone"))
    if inside:
        rule_no_step_changes_its_input(case)
        return
    with pytest.raises(AssertionError, match=r"block1.relu changes its input in place"):
        rule_no_step_changes_its_input(case)
