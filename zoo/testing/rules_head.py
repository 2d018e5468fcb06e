"""The contract of a head."""

from __future__ import annotations

import torch

from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.head import Head
from zoo.spec.errors import ShapeError, listing
from zoo.testing.case import Case
from zoo.testing.outputs import LOGITS, gives_probabilities

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
    expected = f"{case.entry.component.target}: expected a subclass of zoo.interfaces.Head"
    assert isinstance(head, Head), f"{expected}, got {type(head).__name__}; derive it from that"
    return head


def rule_it_takes_every_layout(case: Case) -> None:
    """Maps, channels-last maps, tokens and vectors all give N x outputs."""
    for info, shape in zip(_INPUTS, _SHAPES, strict=True):
        head = _head(case, info).eval()
        got, wanted = tuple(head(torch.rand(shape)).shape), (2, head.outputs)
        step = "read the layout off the feature's info, or say other `outputs`"
        assert got == wanted, f"features {info.layout} {shape}: expected {wanted}, got {got}; {step}"


def rule_its_task_is_as_declared(case: Case) -> None:
    """The instance has the declared task, which reads one prediction an image."""
    head, component = _head(case, _INPUTS[0]).eval(), case.entry.component
    step = "let declaration and constructor agree, and run zoo catalogue"
    assert head.task.name == component.task, (
        f"{component.target}: expected the declared task {component.task}, got {head.task.name}; {step}"
    )
    read = head.task.read(head(torch.rand(_SHAPES[0])))
    step = "let the task's read return a list with one prediction for each row"
    assert len(read) == 2, f"task {head.task.name}: expected 2 predictions of 2 rows, got {len(read)}; {step}"


def rule_it_gives_logits_where_its_task_takes_them(case: Case) -> None:
    """Outputs are logits where the task makes probabilities of them, not probabilities already."""
    head = _head(case, _INPUTS[0])
    found = gives_probabilities(head, head.task, lambda: torch.randn(32, *_SHAPES[0][1:]))
    assert not found, f"{case.entry.component.target}: expected logits, got probabilities; {LOGITS}"


def rule_it_learns(case: Case) -> None:
    """Every parameter gets a gradient."""
    head = _head(case, _INPUTS[0]).train()
    head(torch.rand(_SHAPES[0])).square().sum().backward()
    idle = [name for name, p in head.named_parameters() if p.grad is None]
    step = "use them in forward, or take them out"
    assert idle == [], f"expected a gradient for every parameter, got none for {listing(idle, 3)}; {step}"


def rule_it_goes_on_from_what_it_pooled(case: Case) -> None:
    """A head that says a `pooling` gives the same outputs for pooled vectors as for the features."""
    for info, shape in zip(_INPUTS, _SHAPES, strict=True):
        head, x = _head(case, info).eval(), torch.rand(shape)
        if not head.pooling:
            continue
        vectors = head.pooled(x)
        step = "take vectors N x W in forward as they are, or leave `pooling` empty"
        same = vectors.ndim == 2 and torch.equal(head(vectors), head(x))
        assert same, f"features {info.layout}: expected the outputs of what was pooled to be the same; {step}"
        apart = torch.equal(head.pooled(x[:1]), vectors[:1]) and torch.equal(head.train().pooled(x), vectors)
        step = "pool each image by itself, by nothing that is drawn"
        assert apart, f"features {info.layout}: expected one vector an image, whatever else there is; {step}"


def rule_it_refuses_other_features(case: Case) -> None:
    """Features of another number of channels are an error of ours."""
    head = _head(case, _INPUTS[0])
    step = "call self.check_features(features) in forward, or raise ShapeError"
    try:
        head(torch.rand(2, 9, 3, 4))
    except ShapeError:
        return
    except RuntimeError as error:
        text = f"9 channels for 8: expected a ShapeError, got {type(error).__name__}: {error}; {step}"
        raise AssertionError(text) from error
    raise AssertionError(f"9 channels for 8: expected a ShapeError, got an output; {step}")
