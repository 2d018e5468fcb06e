"""A component under test: its tiny instance, made as `zoo.build` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.compose.meta_build import seeded
from zoo.compose.parts import Part, part
from zoo.interfaces.backbone import Backbone
from zoo.registry.snapshot import Entry
from zoo.spec.data_options import PATH
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
        return part(self.entry.component.kind, self.reference)

    @property
    def reference(self) -> dict[str, Any]:
        """The tiny instance as a reference."""
        return {"name": self.entry.qualified, **self.tiny}

    @cached_property
    def tiny(self) -> dict[str, Any]:
        """The declared tiny options; a path among them is one beside the module of the options class."""
        component = self.entry.component
        found = dict(component.tiny)
        if PATH in found and component.config is not None:
            spec = find_spec(component.config.partition(":")[0])
            assert spec is not None, f"{component.config}: expected a module, got none; mend the name"
            found[PATH] = str(Path(str(spec.origin)).parent / found[PATH])
        return found

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
