"""Tensors that are changed to fit a network, and the options with which they stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isqrt
from typing import Any, NamedTuple

from torch import Tensor

from zoo.interfaces.backbone import Backbone
from zoo.spec.recipe import ModelSection

Shape = tuple[int, ...]
CONVOLUTION = 4
"""Axes of a convolution's weight."""


class Change(NamedTuple):
    """A tensor that was changed to fit.

    Args:
        name: of it in the network.
        was: its shape in the file.
        now: its shape in the network.
    """

    name: str
    was: Shape
    now: Shape

    def __str__(self) -> str:
        was, now = (" x ".join(map(str, shape)) for shape in (self.was, self.now))
        return f"{self.name} from {was} to {now}"


def changes(
    body: Mapping[str, Tensor], file: Mapping[str, Tensor], others: Iterable[Tensor] = ()
) -> tuple[Change, ...]:
    """The tensors of a network that a file does not hold but in another shape.

    Args:
        body: of the network, names and views of the file's where nothing was changed.
        file: all of its tensors.
        others: tensors of the file that are used elsewhere.

    Example:
        >>> import torch
        >>> held = {"net.pos": torch.zeros(1, 5, 8), "net.bias": torch.zeros(8)}
        >>> for change in changes({"pos": torch.zeros(1, 17, 8), "bias": held["net.bias"]}, held):
        ...     print(change)
        pos from 1 x 5 x 8 to 1 x 17 x 8
    """
    held = {tensor.data_ptr() for tensor in file.values()}
    used = {tensor.data_ptr() for tensor in (*body.values(), *others)}
    left = [(key, tensor) for key, tensor in file.items() if tensor.data_ptr() not in used]
    found = []
    for name, tensor in body.items():
        if tensor.data_ptr() in held:
            continue
        now = tuple(tensor.shape)
        like = [
            (_differing(now, tuple(given.shape)), i)
            for i, (key, given) in enumerate(left)
            if _leaf(key) == _leaf(name) and given.ndim == tensor.ndim
        ]
        if like:
            _, given = left.pop(min(like)[1])
            found.append(Change(name, tuple(given.shape), now))
    return tuple(change for change in found if change.was != change.now)


def keeping(found: Sequence[Change], backbone: Backbone, section: ModelSection) -> dict[str, Any]:
    """Options with which the changed tensors would stay as they are, beside those that a section has.

    Args:
        found: what was changed.
        backbone: of the section.
        section: what it says stays.
    """
    options: dict[str, Any] = {}
    for change in found:
        if change.name == backbone.input_layer and len(change.was) == CONVOLUTION:
            options.setdefault("in_channels", change.was[1])
        elif (size := _own_size(change, backbone)) is not None:
            options.setdefault("input_size", (size, size))
    return {name: value for name, value in options.items() if getattr(section, name) is None}


def _own_size(change: Change, backbone: Backbone) -> int | None:
    """Side of the images that position embeddings of a square grid are for; None where it cannot be told."""
    height, width = backbone.input_spec.size
    axes = [i for i, (was, now) in enumerate(zip(change.was, change.now, strict=True)) if was != now]
    if height != width or len(axes) != 1:
        return None
    # Tokens in front of the grid may have positions too
    for prefix in (backbone.prefix_tokens, 0):
        was, now = change.was[axes[0]] - prefix, change.now[axes[0]] - prefix
        if was > 0 and now > 0 and isqrt(was) ** 2 == was and isqrt(now) ** 2 == now:
            side, rest = divmod(height * isqrt(was), isqrt(now))
            if not rest:
                return side
    return None


def _differing(one: Shape, other: Shape) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]
