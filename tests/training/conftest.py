from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.interfaces.model import Model


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """A small model with batch norm and dropout, the same at each call."""

    def make(**options: object) -> Model:
        given = {"head": {"name": "binary", "dropout": 0.2}, "in_channels": 1, "input_size": 16, "seed": 0}
        return zoo.build("tiny_resnet", **{**given, **options})

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders of dark and of bright pictures, easy to tell apart; each is different."""
    rng = np.random.default_rng(0)
    for label, level in (("bright", 200), ("dark", 20)):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for i in range(14):
            pixels = (level + rng.integers(0, 40, (12, 12, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "photos"
