"""Published VGG weights under this package's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from zoo.interfaces import as_linear, rename, with_counters

HEAD = {
    # torchvision
    "classifier.0": "head.fc1",
    "classifier.3": "head.fc2",
    "classifier.6": "head.fc3",
    # timm; its pre_logits are convolutions of 7 x 7 and 1 x 1, which `as_linear` views as linear layers
    "pre_logits.fc1": "head.fc1",
    "pre_logits.fc2": "head.fc2",
    "head.fc": "head.fc3",
}


def module_names(steps: Sequence[str]) -> dict[str, str]:
    """Our module path for each of torchvision's and timm's, which number all layers in one row.

    Args:
        steps: the backbone's steps in order, e.g. `block1.conv1`.

    Example:
        >>> module_names(["block1.conv1", "block1.relu1"])["features.1"]
        'block1.relu1'
    """
    # Layers without weights are counted too, as in `nn.Sequential`
    return {f"features.{i}": step for i, step in enumerate(steps)} | HEAD


def convert(state: Mapping[str, Tensor], steps: Sequence[str]) -> dict[str, Tensor]:
    """A published state dict under our keys: the backbone's own, and `head.*` of the original head."""
    return with_counters(as_linear(rename(state, module_names(steps))))
