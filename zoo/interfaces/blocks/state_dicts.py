"""Steps of a backbone's `convert`: published state dicts under other names, no value changed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def rename(state: Mapping[str, Tensor], modules: Mapping[str, str]) -> dict[str, Tensor]:
    """The state with module paths replaced; the last part of a key, and unknown paths, stay.

    Args:
        state: tensors by `path.to.module.weight`.
        modules: our path by theirs.

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
    """Head weights that were published as convolutions, out x in x h x w, viewed as out x (in h w).

    Example:
        >>> as_linear({"head.fc.weight": torch.zeros(10, 512, 7, 7)})["head.fc.weight"].shape
        torch.Size([10, 25088])
    """
    return {k: v.flatten(1) if k.startswith("head.") and v.shape[2:] else v for k, v in state.items()}


def with_counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with batch norm's step counter, which files from before PyTorch 0.4.1 lack, at zero.

    Example:
        >>> list(with_counters({"bn.running_mean": torch.zeros(8)}))
        ['bn.running_mean', 'bn.num_batches_tracked']
    """
    complete = dict(state)
    for key in state:
        if key.endswith(".running_mean"):
            counter = key.removesuffix("running_mean") + "num_batches_tracked"
            # Zero is what a new batch norm has; only momentum=None reads it
            complete.setdefault(counter, torch.zeros((), dtype=torch.long, device=state[key].device))
    return complete


def with_channels(weight: Tensor, channels: int) -> Tensor:
    """A convolution's weight for another number of input channels, by the rule of `Backbone.adapt_input`.

    Args:
        weight: out x published x h x w.
        channels: of the images.
    """
    published = weight.shape[1]
    if channels == 1:
        # A gray image gives what the same image gave as three equal colours
        return weight.sum(dim=1, keepdim=True)
    turn = [i % published for i in range(channels)]
    return weight[:, turn] * (published / channels)
