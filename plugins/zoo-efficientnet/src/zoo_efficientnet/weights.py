"""Published EfficientNet weights under this package's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from zoo.interfaces import rename, with_counters


class UnitNames(NamedTuple):
    """One of the backbone's units: its path, the paper's row, its place in it, and whether it widens."""

    path: str
    row: int
    place: int
    widens: bool


# timm counts convolutions and norms inside a unit, and names them by whether the unit widens its input
_TIMM_WIDENING = {
    "expand": ("conv_pw", "bn1"),
    "depthwise": ("conv_dw", "bn2"),
    "project": ("conv_pwl", "bn3"),
}
_TIMM_PLAIN = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}
# TensorFlow's parts, as the first ports to PyTorch named them
_PORTED = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def timm_names(units: Sequence[UnitNames], *, last: str) -> dict[str, str]:
    """Our module path for each of timm's.

    Args:
        units: all units in order.
        last: name of the block that the last convolution is in.

    Example:
        >>> timm_names([UnitNames("block1.unit1", 0, 0, False)], last="block5")["blocks.0.0.conv_pw"]
        'block1.unit1.branch.project.conv'
    """
    names = {"conv_stem": "block1.conv", "bn1": "block1.bn", "classifier": "head.fc"}
    names |= {"conv_head": f"{last}.conv", "bn2": f"{last}.bn"}
    for unit in units:
        theirs, ours = f"blocks.{unit.row}.{unit.place}", f"{unit.path}.branch"
        for part, (conv, bn) in (_TIMM_WIDENING if unit.widens else _TIMM_PLAIN).items():
            names |= {f"{theirs}.{conv}": f"{ours}.{part}.conv", f"{theirs}.{bn}": f"{ours}.{part}.bn"}
        for layer in ("reduce", "expand"):  # in no file of a Lite
            names[f"{theirs}.se.conv_{layer}"] = f"{ours}.squeeze.{layer}"
    return names


def ported_names(units: Sequence[UnitNames], *, last: str) -> dict[str, str]:
    """Our module path for each of those in the packages of Lite weights, which number the units.

    Args:
        units: all units in order.
        last: name of the block that the last convolution is in.

    Example:
        >>> unit = UnitNames("block1.unit1", 0, 0, False)
        >>> ported_names([unit], last="block5")["_blocks.0._project_conv"]
        'block1.unit1.branch.project.conv'
    """
    names = {"_conv_stem": "block1.conv", "_bn0": "block1.bn", "_fc": "head.fc"}
    names |= {"_conv_head": f"{last}.conv", "_bn1": f"{last}.bn"}
    for k, unit in enumerate(units):
        theirs, ours = f"_blocks.{k}", f"{unit.path}.branch"
        for part, (conv, bn) in _PORTED.items():
            names |= {f"{theirs}.{conv}": f"{ours}.{part}.conv", f"{theirs}.{bn}": f"{ours}.{part}.bn"}
        for layer in ("reduce", "expand"):
            names[f"{theirs}._se_{layer}"] = f"{ours}.squeeze.{layer}"
    return names


def torchvision_names(units: Sequence[UnitNames], *, last: str) -> dict[str, str]:
    """Our module path for each of torchvision's, which number stages, units and the parts in them.

    Args:
        units: all units in order.
        last: name of the block that the last convolution is in.

    Example:
        >>> unit = UnitNames("block1.unit1", 0, 0, False)
        >>> torchvision_names([unit], last="block5")["features.1.0.block.2.0"]
        'block1.unit1.branch.project.conv'
    """
    names = {"features.0.0": "block1.conv", "features.0.1": "block1.bn", "classifier.1": "head.fc"}
    for unit in units:
        parts = (*(("expand",) if unit.widens else ()), "depthwise", "squeeze", "project")
        for j, part in enumerate(parts):
            theirs, ours = f"features.{unit.row + 1}.{unit.place}.block.{j}", f"{unit.path}.branch.{part}"
            # Only squeeze-and-excitation has the latter two
            names |= {f"{theirs}.0": f"{ours}.conv", f"{theirs}.1": f"{ours}.bn"}
            names |= {f"{theirs}.fc1": f"{ours}.reduce", f"{theirs}.fc2": f"{ours}.expand"}
    closing = f"features.{max(unit.row for unit in units) + 2}"
    return names | {f"{closing}.0": f"{last}.conv", f"{closing}.1": f"{last}.bn"}


def convert(state: Mapping[str, Tensor], units: Sequence[UnitNames], *, last: str) -> dict[str, Tensor]:
    """A published state dict under our keys: the backbone's own, and `head.*` of the original head."""
    names = timm_names(units, last=last) | ported_names(units, last=last)
    names |= torchvision_names(units, last=last)
    return with_counters(rename(state, names))
