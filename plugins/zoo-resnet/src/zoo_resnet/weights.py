"""Published ResNet weights under this package's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from zoo.interfaces import rename, with_counters


def module_names(layers: Sequence[int]) -> dict[str, str]:
    """Our module path for each of torchvision's and timm's, which agree.

    Args:
        layers: residual units in block2 to block5.

    Example:
        >>> names = module_names([2, 2, 2, 2])
        >>> names["layer1.1.conv2"], names["layer2.0.downsample.0"]
        ('block2.unit2.branch.conv2', 'block3.unit1.shortcut.conv')
    """
    names = {"conv1": "block1.conv1", "bn1": "block1.bn1", "fc": "head.fc"}
    for stage, count in enumerate(layers, start=1):
        for i in range(count):
            theirs, ours = f"layer{stage}.{i}", f"block{stage + 1}.unit{i + 1}"
            for layer in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3"):
                names[f"{theirs}.{layer}"] = f"{ours}.branch.{layer}"
            names[f"{theirs}.downsample.0"] = f"{ours}.shortcut.conv"
            names[f"{theirs}.downsample.1"] = f"{ours}.shortcut.bn"
    return names


def convert(state: Mapping[str, Tensor], layers: Sequence[int]) -> dict[str, Tensor]:
    """A published state dict under our keys: the backbone's own, and `head.*` of the original head."""
    return with_counters(rename(state, module_names(layers)))
