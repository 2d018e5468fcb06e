"""Freezing of a model: which blocks of which parts a freeze spec means, and what it does to them."""

from __future__ import annotations

from typing import Self

from torch import nn

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.spec.errors import warn
from zoo.spec.freeze_grammar import Freeze


class Freezable(nn.Module):
    """A module with parts whose blocks freeze by name; `Model` alone derives from it.

    Attributes:
        origin: where the weights come from; None while they are random.
    """

    origin: str | None

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """Parts that freeze paths reach; the empty path is the one backbone of a model that has just one."""
        return {}

    def freeze(self, spec: str | Freeze = "all") -> Self:
        """Freezes blocks: no gradients, inference mode, whatever `.train()` says; returns the model.

        Args:
            spec: "block1-4", "block1,block3", "all", "none", "encoder.block1-2".

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        freeze = Freeze.parse(spec)
        chosen = self.select_blocks(freeze)
        for path, name in chosen:
            self._block(path, name).freeze()
        if chosen and self.origin is None:
            self._warn_random(freeze)
        for path, part in self.freezable.items():
            if isinstance(part, Backbone):
                _warn_behind_trainable(path, part)
        return self

    def unfreeze(self, spec: str | Freeze = "all") -> Self:
        """Restores exactly what was before the blocks were frozen; returns the model.

        Args:
            spec: as `freeze` takes it; "all" is everything, of all parts.

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        # In a model of several parts "all" names none of them; here each is meant
        everything = ",".join(f"{path}.all".lstrip(".") for path in self.freeze_paths) or "all"
        for path, name in self.select_blocks(Freeze.parse(everything if spec == "all" else spec)):
            self._block(path, name).unfreeze(self.training)
        return self

    def select_blocks(self, freeze: Freeze) -> tuple[tuple[str, str], ...]:
        """The path of the part and the name of each block that a spec means.

        Raises:
            FreezeError: it matches nothing.
        """
        return freeze.select(self.freeze_paths, [name for name, _ in self.named_children()], cut_blocks(self))

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the frozen blocks, with the path of their part."""
        return tuple(
            f"{path}.{name}".strip(".")
            for path, names in self.freeze_paths.items()
            for name in names
            if self._block(path, name).frozen
        )

    @property
    def freeze_paths(self) -> dict[str, tuple[str, ...]]:
        """Block names by the path of the part that holds them."""
        return {
            path: part.block_names if isinstance(part, Backbone) else ("",)
            for path, part in self.freezable.items()
        }

    def _block(self, path: str, name: str) -> Block:
        part = self.freezable[path]
        return part.blocks[name] if isinstance(part, Backbone) else part

    def _warn_random(self, freeze: Freeze) -> None:
        warn(f"frozen blocks ({freeze}) have random weights and will never learn; {self.weights_hint}")

    @property
    def weights_hint(self) -> str:
        """The next step for a user whose frozen weights are random."""
        return "load weights first"


def cut_blocks(model: Freezable) -> dict[str, tuple[str, ...]]:
    """The blocks that were cut off a model's backbones, by the path of the backbone."""
    parts = model.freezable.items()
    return {path: part.cut_blocks for path, part in parts if isinstance(part, Backbone) and part.cut_blocks}


def _warn_behind_trainable(path: str, backbone: Backbone) -> None:
    names, frozen = backbone.block_names, backbone.frozen_blocks
    if frozen and frozen != names[: len(frozen)]:
        first = next(name for name in names if name not in frozen)
        behind = [name for name in frozen if names.index(name) > names.index(first)]
        where = f" of {path}" if path else ""
        warn(
            f"frozen {', '.join(behind)}{where} lies behind trainable {first}: gradients still run through "
            "it, so it saves no time, and its outputs cannot be cached"
        )
