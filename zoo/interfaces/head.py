"""The head contract: takes declared taps, has a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_logits
from zoo.spec.display import counted
from zoo.spec.errors import ShapeError


class Head(nn.Module):
    """A head: from taps of a backbone to an output.

    A subclass' constructor takes `inputs`, `classes` and the options of its config class, keyword-only.

    Args:
        task: from it default loss, metrics and the reading of predictions follow.
        inputs: the taps that `forward` takes, in order.
        outputs: length of the output vector.

    Attributes:
        settled: values of options that followed from `inputs`; a recipe records these.
        note: what a summary says of it besides.
        pooling: the way in which `pooled` makes one vector of the taps, told apart from any other way; empty
            for a head that does not. Vectors may be kept instead of the taps, which are many times as large.
    """

    settled: Mapping[str, Any] = MappingProxyType({})
    note: str = ""
    pooling: str = ""

    def __init__(self, *, task: Task, inputs: Sequence[FeatureInfo], outputs: int) -> None:
        super().__init__()
        self.task, self.inputs, self.outputs = task, tuple(inputs), outputs

    @classmethod
    def tap_names(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The taps that a head with these options takes; nothing means the last map."""
        return tuple(options.get("taps", ()))

    def forward(self, *features: Tensor) -> Tensor:
        """N x outputs from one tensor a declared tap; with a `pooling` also from what `pooled` made."""
        raise NotImplementedError

    def pooled(self, *features: Tensor) -> Tensor:
        """N x W vectors from one tensor a declared tap, by nothing that is learnt or drawn.

        Each row follows from its own image alone.

        Raises:
            ShapeError: there is no `pooling`, or a tensor is not what the head was built for.
        """
        raise ShapeError(f"head {type(self).__name__} does not pool", hint="give it the taps")

    def check_features(self, features: Sequence[Tensor]) -> None:
        """Raises ShapeError unless the tensors are those that the head was built for."""
        if len(features) != len(self.inputs):
            raise ShapeError("head", expected=counted(len(self.inputs), "tap"), got=str(len(features)))
        for x, info in zip(features, self.inputs, strict=True):
            # A layout has a letter for each axis
            axis = info.layout.index("C")
            if x.ndim != len(info.layout) or x.shape[axis] != info.channels:
                raise ShapeError(
                    f"head: tap {info.name}",
                    expected=f"{' x '.join(info.layout)} with C = {info.channels}",
                    got=" x ".join(map(str, x.shape)),
                )


class OriginalHead(Head):
    """The classifier that a network was published with, as a row of named modules on the last map."""

    def __init__(self, *, inputs: Sequence[FeatureInfo], classes: int, **steps: nn.Module) -> None:
        super().__init__(task=for_logits(), inputs=inputs, outputs=classes)
        for name, module in steps.items():
            self.add_module(name, module)
        self.step_names = tuple(steps)

    def forward(self, *features: Tensor) -> Tensor:
        """N x classes logits."""
        self.check_features(features)
        (x,) = features
        for name in self.step_names:
            x = getattr(self, name)(x)
        return x
