"""Normalisation inside a model, by the input spec of its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.spec.inputs import InputSpec


class Normalise(nn.Module):
    """Images in [0, 1] to what the network expects: scaled to the range, then (x - mean) / std.

    Example:
        >>> norm = Normalise(InputSpec(mean=(0.5,) * 3, std=(0.5,) * 3))
        >>> norm(torch.ones(1, 3, 2, 2)).unique().tolist()
        [1.0]
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        # In no file, since they follow from the input spec, which the recipe has
        for name in ("scale", "offset"):
            self.register_buffer(name, torch.tensor(()), persistent=False)
        self.reset_buffers()

    def follow(self, spec: InputSpec) -> None:
        """Normalises by another spec from now on."""
        self.spec = spec
        self.reset_buffers()

    def reset_buffers(self) -> None:
        """Recomputes scale and offset from the input spec."""
        low, high = self.spec.range
        # One product and one sum for both: (x (high - low) + low - mean) / std
        scale = [(high - low) / std for std in self.spec.std]
        offset = [(low - mean) / std for mean, std in zip(self.spec.mean, self.spec.std, strict=True)]
        # Where and in which type the network around it computes
        device, kind = self.scale.device, self.scale.dtype
        self.scale, self.offset = (
            torch.tensor(v, device=device, dtype=kind).view(1, -1, 1, 1) for v in (scale, offset)
        )

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in [0, 1] to normalised images of the same shape, in the model's type of numbers."""
        # Of memory that is ours; in the finer of both types, then in that of the layers behind it
        return (x * self.scale).add_(self.offset).to(self.scale.dtype)
