"""Outputs of a backbone's steps, read off a run for shapes alone, and what they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor, nn

from zoo.interfaces.blocks.feature_info import FeatureInfo, read_info
from zoo.interfaces.blocks.shape_run import trace_shapes
from zoo.spec.errors import ShapeError, reason

if TYPE_CHECKING:
    from zoo.interfaces.backbone import Backbone
    from zoo.interfaces.blocks.block import State


def step_outputs(backbone: Backbone, size: tuple[int, int], *, fitting: tuple[int, int]) -> dict[str, Tensor]:
    """The output of each step for images of a size, right in all but the batch axis and the values.

    Args:
        backbone: to run; takes no memory for it.
        size: height and width.
        fitting: a size that the network is known to take, for the message.

    Raises:
        ShapeError: the network cannot take images of that size.
    """
    tracer = _Tracer(backbone)
    try:
        trace_shapes(tracer, [(backbone.input_spec.channels, *size)])
    # Whatever a network raises for a size that it cannot take
    except (RuntimeError, AssertionError, ValueError, IndexError, ZeroDivisionError) as error:
        first = str(error).partition("\n")[0]
        raise ShapeError(
            f"{type(backbone).__name__} cannot take images of {size[0]}x{size[1]}",
            expected="a size such as {}x{}".format(*fitting),
            got=f"{size[0]}x{size[1]} ({reason(first or error)})",
            hint="choose another input_size",
        ) from error
    return tracer.seen


def step_infos(
    backbone: Backbone, size: tuple[int, int], *, fitting: tuple[int, int]
) -> dict[str, FeatureInfo]:
    """Descriptions of the steps' outputs; see `step_outputs`."""
    infos: dict[str, FeatureInfo] = {}
    for name, x in step_outputs(backbone, size, fitting=fitting).items():
        info = read_info(
            name, x, map_layout=backbone.map_layout, prefix=backbone.prefix_tokens, input_size=size
        )
        # A map or vector in a network of tokens has none in front
        if info.prefix:
            info = replace(info, class_tokens=backbone.class_tokens, pooling=backbone.pooling)
        infos[name] = info
    return infos


class _Tracer(nn.Module):
    """Runs a backbone step by step and keeps the outputs."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.seen: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> None:
        state: State = x
        # A run that an empty batch cannot finish is begun again, and each output takes the place of its first
        for name, module in self.backbone.steps():
            state = module(state)
            self.seen[name] = self.backbone.feature(state)
