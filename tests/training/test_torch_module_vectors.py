"""A torch module that learns vectors: the loss says so, whatever its outputs and the data's classes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

import zoo
from zoo.interfaces import Loss
from zoo.registry.loading import resolve_target
from zoo.registry.lookup import find
from zoo.spec.errors import DataError

GLYPHS = {"name": "glyphs", "per_class": 20, "size": 16, "classes": ["A", "B", "C"]}


def net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 8))


@pytest.mark.parametrize("made", [False, True])
def test_a_loss_of_vectors_says_the_task_of_a_torch_module(tmp_path: Path, made: bool) -> None:
    loss: Loss | str = resolve_target(find("arcface", "loss").component)() if made else "arcface"
    run = zoo.fit(net(), GLYPHS, loss=loss, epochs=1, out=tmp_path / "run", progress=False)
    assert run.model.task is not None
    assert (run.model.task.name, run.model.outputs, run.model.labels) == ("embedding", 8, ())
    again = zoo.load(tmp_path / "run", module=net())
    assert again.task is not None
    assert again.task.name == "embedding"
    image = np.zeros((16, 16), np.uint8)
    assert zoo.verify(again, image, image, threshold=0.5).same


def test_another_loss_leaves_the_task_to_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected 8, as the model has, got 3"):
        zoo.fit(net(), GLYPHS, loss="cross-entropy", epochs=1, out=tmp_path / "run", progress=False)
