"""Published MobileNet weights under this package's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from zoo.interfaces import as_linear, rename, with_counters


class UnitNames(NamedTuple):
    """One of the backbone's units: its path, the parts of its branch, and its row's channels at width 1."""

    path: str
    parts: tuple[str, ...]
    channels: int


# timm counts convolutions and norms inside a unit, and names them by whether the unit widens its input
_TIMM_WIDENING = {
    "expand": ("conv_pw", "bn1"),
    "depthwise": ("conv_dw", "bn2"),
    "project": ("conv_pwl", "bn3"),
}
_TIMM_PLAIN = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}


def timm_names(units: Sequence[UnitNames], *, last: str, hidden: bool) -> dict[str, str]:
    """Our module path for each of timm's, where a stage is a row of units with equal channels.

    Args:
        units: all units in order.
        last: name of the block that the last convolution is in.
        hidden: whether the original head has a hidden layer (V3).

    Example:
        >>> unit = UnitNames("block1.unit1", ("depthwise", "project"), 16)
        >>> timm_names([unit], last="block5", hidden=False)["blocks.0.0.conv_pw"]
        'block1.unit1.branch.project.conv'
    """
    names = {
        "conv_stem": "block1.conv",
        "bn1": "block1.bn",
        "classifier": "head.fc2" if hidden else "head.fc",
    }
    stage, i = 0, 0
    for before, unit in zip([None, *units], units, strict=False):
        if before is not None:
            stage, i = (stage, i + 1) if before.channels == unit.channels else (stage + 1, 0)
        theirs, ours = f"blocks.{stage}.{i}", f"{unit.path}.branch"
        for part, (conv, bn) in (_TIMM_WIDENING if "expand" in unit.parts else _TIMM_PLAIN).items():
            names |= {f"{theirs}.{conv}": f"{ours}.{part}.conv", f"{theirs}.{bn}": f"{ours}.{part}.bn"}
        for layer in ("reduce", "expand"):
            names[f"{theirs}.se.conv_{layer}"] = f"{ours}.squeeze.{layer}"
    # In V3 timm counts the last convolution as one more stage, and calls the hidden layer conv_head
    if hidden:
        closing = f"blocks.{stage + 1}.0"
        return names | {
            f"{closing}.conv": f"{last}.conv",
            f"{closing}.bn1": f"{last}.bn",
            "conv_head": "head.fc1",
        }
    return names | {"conv_head": f"{last}.conv", "bn2": f"{last}.bn"}


def torchvision_names(units: Sequence[UnitNames], *, last: str, hidden: bool) -> dict[str, str]:
    """Our module path for each of torchvision's, which number units and the layers in them.

    Args:
        units: all units in order.
        last: name of the block that the last convolution is in.
        hidden: whether the original head has a hidden layer (V3).

    Example:
        >>> unit = UnitNames("block1.unit1", ("depthwise", "project"), 16)
        >>> torchvision_names([unit], last="block5", hidden=False)["features.1.conv.1"]
        'block1.unit1.branch.project.conv'
    """
    names = {"features.0.0": "block1.conv", "features.0.1": "block1.bn"}
    for k, unit in enumerate(units, start=1):
        for j, part in enumerate(unit.parts):
            v3, ours = f"features.{k}.block.{j}", f"{unit.path}.branch.{part}"
            names |= {f"{v3}.0": f"{ours}.conv", f"{v3}.1": f"{ours}.bn"}
            # Only squeeze-and-excitation has these
            names |= {f"{v3}.fc1": f"{ours}.reduce", f"{v3}.fc2": f"{ours}.expand"}
            # V2 does not group the convolution and norm of the projection, the last part
            v2 = f"features.{k}.conv"
            conv, bn = (f"{v2}.{j}", f"{v2}.{j + 1}") if part == "project" else (f"{v2}.{j}.0", f"{v2}.{j}.1")
            names |= {conv: f"{ours}.conv", bn: f"{ours}.bn"}
    closing = f"features.{len(units) + 1}"
    names |= {f"{closing}.0": f"{last}.conv", f"{closing}.1": f"{last}.bn"}
    if hidden:
        return names | {"classifier.0": "head.fc1", "classifier.3": "head.fc2"}
    return names | {"classifier.1": "head.fc"}


def convert(
    state: Mapping[str, Tensor], units: Sequence[UnitNames], *, last: str, hidden: bool
) -> dict[str, Tensor]:
    """A published state dict under our keys: the backbone's own, and `head.*` of the original head."""
    timm = timm_names(units, last=last, hidden=hidden)
    torchvision = torchvision_names(units, last=last, hidden=hidden)
    # timm's V3 has its hidden layer as a 1 x 1 convolution
    return with_counters(as_linear(rename(state, timm | torchvision)))
