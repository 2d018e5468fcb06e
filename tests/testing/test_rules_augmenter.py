"""Rules of augmenters: mirrored and turned images are declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from zoo.interfaces import Geometric, Orientation, uniform
from zoo.testing import rules_augmenter


class Turned(Geometric):
    """Mirrors half of the images, or turns all of them."""

    def __init__(self, said: Orientation, degrees: float | None) -> None:
        super().__init__(fill=None)
        self.said, self.degrees = said, degrees

    @property
    def orientation(self) -> Orientation:
        return self.said

    def matrices(self, size: Any, draws: list[torch.Generator]) -> torch.Tensor:
        matrices = torch.eye(3, dtype=torch.float64).repeat(len(draws), 1, 1)
        if self.degrees is None:
            matrices[:, 0, 0] = 1 - 2.0 * (uniform(draws, 1)[:, 0] < 0.5)
        else:
            turn = torch.tensor(self.degrees).deg2rad()
            matrices[:, :2, :2] = torch.tensor([[turn.cos(), -turn.sin()], [turn.sin(), turn.cos()]])
        return matrices


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def looked(said: Orientation, degrees: float | None = None) -> None:
        monkeypatch.setattr(rules_augmenter, "made", lambda case: Turned(said, degrees))
        rules_augmenter.rule_orientation_is_declared(None)  # type: ignore[arg-type]

    return looked


def test_mirrored_images_that_are_not_declared_are_found(look: Callable[..., None]) -> None:
    look(Orientation(mirrored=True))
    with pytest.raises(AssertionError, match="expected images upright, got mirrored ones"):
        look(Orientation())


def test_so_are_turned_ones(look: Callable[..., None]) -> None:
    look(Orientation(turned=120), degrees=120)
    with pytest.raises(AssertionError, match="expected turns of at most 0 degrees, got 120"):
        look(Orientation(), degrees=120)
