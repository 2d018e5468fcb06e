"""The contract of a head."""

from __future__ import annotations

import torch

from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.head import Head
from zoo.spec.errors import ShapeError
from zoo.testing.case import Case

_INPUTS = (
    FeatureInfo(name="block5", channels=8, reduction=32, layout="NCHW", size=(3, 4)),
    FeatureInfo(name="block4", channels=8, reduction=32, layout="NHWC", size=(3, 4)),
    FeatureInfo(name="block12", channels=8, reduction=16, layout="NLC", size=(3, 4), prefix=1),
    FeatureInfo(name="block2", channels=8, reduction=None, layout="NC", size=None),
)
# N x C x H x W, N x H x W x C, N x (1 + L) x C and N x C
_SHAPES = ((2, 8, 3, 4), (2, 3, 4, 8), (2, 13, 8), (2, 8))


def _head(case: Case, info: FeatureInfo, classes: int = 2) -> Head:
    head: Head = case.part(inputs=(info,), classes=classes)
    assert isinstance(head, Head)
    return head


def rule_it_takes_every_layout(case: Case) -> None:
    """Maps, channels-last maps, tokens and vectors all give N x outputs."""
    for info, shape in zip(_INPUTS, _SHAPES, strict=True):
        head = _head(case, info).eval()
        assert head(torch.rand(shape)).shape == (2, head.outputs)


def rule_its_task_is_as_declared(case: Case) -> None:
    """The instance has the declared task, which reads one prediction an image."""
    head = _head(case, _INPUTS[0]).eval()
    assert head.task.name == case.entry.component.task
    assert len(head.task.read(head(torch.rand(_SHAPES[0])))) == 2


def rule_it_learns(case: Case) -> None:
    """Every parameter gets a gradient."""
    head = _head(case, _INPUTS[0]).train()
    head(torch.rand(_SHAPES[0])).square().sum().backward()
    assert [name for name, p in head.named_parameters() if p.grad is None] == []


def rule_it_refuses_other_features(case: Case) -> None:
    """Features of another number of channels are an error of ours."""
    head = _head(case, _INPUTS[0])
    try:
        head(torch.rand(2, 9, 3, 4))
    except ShapeError:
        return
    raise AssertionError("nine channels were taken for eight")
