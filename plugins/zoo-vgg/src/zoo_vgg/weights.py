"""Published VGG weights under this package's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

HEAD = {
    # torchvision
    "classifier.0": "head.fc1",
    "classifier.3": "head.fc2",
    "classifier.6": "head.fc3",
    # timm
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
    return {f"features.{i}": step for i, step in enumerate(steps)} | HEAD


def rename(state: Mapping[str, Tensor], modules: Mapping[str, str]) -> dict[str, Tensor]:
    """The state with module paths replaced; the last part of a key, and unknown paths, stay.

    Example:
        >>> state = {"features.0.bias": torch.zeros(8), "ema": torch.zeros(1)}
        >>> list(rename(state, {"features.0": "block1.conv1"}))
        ['block1.conv1.bias', 'ema']
    """
    renamed = {}
    for key, tensor in state.items():
        path, dot, leaf = key.rpartition(".")
        renamed[f"{modules.get(path, path)}{dot}{leaf}"] = tensor
    return renamed


def as_linear(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Head weights that were published as convolutions (out x in x h x w), viewed as out x (in h w)."""
    return {k: v.flatten(1) if k.startswith("head.") and v.shape[2:] else v for k, v in state.items()}


def with_counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with batch norm's step counter, which files from before PyTorch 0.4.1 lack, at zero."""
    complete = dict(state)
    for key in state:
        if key.endswith(".running_mean"):
            counter = key.removesuffix("running_mean") + "num_batches_tracked"
            complete.setdefault(counter, torch.zeros((), dtype=torch.long, device=state[key].device))
    return complete


def convert(state: Mapping[str, Tensor], steps: Sequence[str]) -> dict[str, Tensor]:
    """A published state dict under our keys: the backbone's own, and `head.*` of the original head."""
    return with_counters(as_linear(rename(state, module_names(steps))))
