"""A component under test: its tiny instance, made as `zoo.build` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from zoo.compose.meta_build import seeded
from zoo.compose.parts import Part, part
from zoo.interfaces.backbone import Backbone
from zoo.registry.snapshot import Entry
from zoo.spec.errors import ShapeError

SIZES = ((64, 64), (96, 96), (128, 128))


@dataclass
class Case:
    """The component under test, as the rules of a contract are handed it.

    Args:
        entry: the component.
        silent: options, or `name.option`, that rightly change nothing by themselves, and why.
    """

    entry: Entry
    silent: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def part(self) -> Part:
        """The component with its declared tiny options."""
        return part(self.entry.component.kind, {"name": self.entry.qualified, **self.entry.component.tiny})

    @property
    def reference(self) -> dict[str, Any]:
        """The tiny instance as a reference."""
        return {"name": self.entry.qualified, **self.entry.component.tiny}

    def backbone(self, in_channels: int = 3, seed: int = 0) -> Backbone:
        """A tiny instance with repeatable weights, and running statistics other than the initial ones."""
        with seeded(seed):
            backbone: Backbone = self.part(in_channels=in_channels)
            randomise_statistics(backbone)
        return backbone

    @cached_property
    def size(self) -> tuple[int, int]:
        """The smallest usual image that the tiny instance takes."""
        backbone = self.backbone()
        # Where the size is an option, the instance says which one it takes
        if "input_size" in self.part.options:
            return backbone.input_spec.size
        for size in SIZES:
            try:
                backbone.describe(size)
            except ShapeError:
                continue
            return size
        return backbone.input_spec.size

    def images(self, count: int = 2, channels: int = 3, seed: int = 1) -> Tensor:
        """Random images in [0, 1] of `size`."""
        return torch.rand(count, channels, *self.size, generator=torch.Generator().manual_seed(seed))


def randomise_statistics(module: torch.nn.Module) -> None:
    """Running statistics as after training, so that a test sees whether they move or get lost."""
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            # Away from 0, which would make what is divided by its root huge
            buffer.uniform_(0.5, 1.5)
