"""Masks of classes after every augmenter: no value that nobody drew."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from zoo_augment.plugin import AUGMENTERS

from zoo.compose.instantiate import make
from zoo.errors import OptionError
from zoo.interfaces import Segmentation, draws
from zoo.registry.loading import resolve_config

CLASSES = {0, 7, 255}
SIDE = 16


def made(name: str, options: dict[str, Any]) -> Any:
    augmenter = make("augmenter", {"name": name, **options})
    augmenter.prepare(Segmentation(), 3)
    return augmenter


def values(augmenter: Any) -> set[int]:
    quarters = torch.tensor([[0, 7], [255, 7]]).repeat_interleave(SIDE, 0).repeat_interleave(SIDE, 1)
    mask = quarters.expand(8, -1, -1).clone()
    image = torch.rand(8, 3, 2 * SIDE, 2 * SIDE, generator=torch.Generator().manual_seed(0))
    found = augmenter({"image": image, "mask": mask}, draws(0, 1, range(8)))["mask"]
    assert found.dtype == torch.int64
    return {*found.unique().tolist()}


@pytest.mark.parametrize("name", [component.name for component in AUGMENTERS])
def test_a_mask_keeps_to_the_classes_that_were_drawn(name: str) -> None:
    component = next(c for c in AUGMENTERS if c.name == name)
    config = resolve_config(component)
    assert config is not None
    fills: list[dict[str, Any]] = [{}]
    if "fill_mode" in config.model_fields:
        fills += [{"fill_mode": mode} for mode in ("constant", "reflect", "wrap")]
    for fill in fills:
        try:
            augmenter = made(name, fill)
        except OptionError as error:
            assert name == "mixup", error  # which has no mean of two classes to give, and says so
            continue
        assert values(augmenter) <= CLASSES, fill


def test_what_stands_outside_is_the_class_that_is_said() -> None:
    turned = made("rotate", {"degrees": [45, 45], "fill_mode": "constant", "mask_fill": 9})
    assert values(turned) == {*CLASSES, 9}
