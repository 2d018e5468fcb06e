"""Inputs of a head: the taps of a backbone that it takes, and whether it fits them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.compose.composed_model import ComposedModel
from zoo.compose.parts import Part
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.blocks.shape_run import trace_shapes
from zoo.interfaces.head import Head
from zoo.registry.loading import guarded, resolve_target
from zoo.spec.errors import PluginError, ShapeError, listing, quote


def head_inputs(backbone: Backbone, body: Part, head: Part | None) -> tuple[FeatureInfo, ...]:
    """The taps that a head takes: those that its options name, else the last block's output.

    Args:
        backbone: with its input spec.
        body: its component, for messages.
        head: None for the original head and for none.

    Raises:
        ShapeError: the backbone has no tap of such a name.
    """
    size = backbone.input_spec.size
    infos = {info.name: info for info in backbone.block_infos(size)}
    last = (infos[backbone.block_names[-1]],)
    names = _tap_names(head) if head is not None else ()
    if head is None or not names:
        return last
    infos |= backbone.describe(size)
    unknown = [name for name in names if name not in infos]
    if unknown:
        hint = f"the default taps are {listing(info.name for info in backbone.pyramid(size))}"
        if body.blocks is not None:
            hint = f"blocks={quote(body.blocks)} keeps no more: choose taps in them, or leave blocks out"
        raise ShapeError(
            f"head {head.component.name}: no tap {listing(unknown)} in {body.component.name}",
            expected=f"blocks {backbone.block_names[0]} to {backbone.block_names[-1]}, or steps inside them",
            got=listing(names),
            hint=hint,
        )
    return tuple(infos[name] for name in names)


def _tap_names(head: Part) -> Sequence[str]:
    """Names of the taps that a head wants; none for the last one."""
    target = resolve_target(head.component)
    what = f"head {quote(head.component.name)}: its tap_names raised"
    with guarded(what, head.component.target.partition(":")[0]):
        found: Sequence[str] = target.tap_names(head.options)
    return found


class _Result(nn.Module):
    """Calls a head and keeps the shape of what it returns."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head
        self.shape: tuple[int, ...] = ()

    def forward(self, *features: Tensor) -> None:
        self.shape = tuple(self.head(*features).shape)


def check_shapes(model: ComposedModel) -> None:
    """Runs the head, if there is one, on features of the described shapes.

    Raises:
        ShapeError: it does not take them.
        PluginError: it gives something else than it says.
    """
    if model.head is None:
        return
    height, width = model.input_spec.size
    result = _Result(model.head)
    try:
        trace_shapes(result, [_axes(info) for info in model.head.inputs])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ShapeError(
            f"the head does not fit the backbone at {height}x{width}",
            expected="a head for " + listing(f"{i.name} {i.shape}" for i in model.head.inputs),
            got=str(error).splitlines()[0],
        ) from error
    # The first axis is the batch, which may be empty here
    if result.shape[1:] != (model.head.outputs,):
        got = " x ".join(map(str, ("N", *result.shape[1:])))
        raise PluginError("head", expected=f"N x {model.head.outputs}", got=got)


def _axes(info: FeatureInfo) -> tuple[int, ...]:
    height, width = info.size or (1, 1)
    # One image's axes, without N; L is the prefix (class tokens and the like) and then the pixels
    return {
        "NCHW": (info.channels, height, width),
        "NHWC": (height, width, info.channels),
        "NLC": (info.prefix + height * width, info.channels),
        "NC": (info.channels,),
    }[info.layout]
