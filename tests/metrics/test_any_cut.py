"""Figures of the same images are the same, in whatever batches the images come."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from zoo.compose.instantiate import make
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.lookup import entries
from zoo.spec.errors import OptionError
from zoo.trainers import Score

IMAGES = 120


@cache
def metrics(task: Task, outputs: int) -> tuple[Any, ...]:
    """All registered metrics that fit a task."""
    found = []
    for entry in entries("metric"):
        metric = make("metric", entry.qualified)
        try:
            Score(task, outputs, None, metrics=(metric,))
        except OptionError:
            continue
        found.append(metric)
    return tuple(found)


def figures(task: Task, output: Tensor, target: Tensor, cuts: list[int]) -> dict[str, float]:
    score = Score(task, output.shape[1], None, metrics=metrics(task, output.shape[1]))
    for start, end in pairwise([0, *cuts, IMAGES]):
        score.add(output[start:end], {"target": target[start:end], "index": torch.arange(start, end)})
        # Else nothing is added up before the end
        score._flush()
    return score.values()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_figure_is_that_of_all_images_in_any_cut(name: str) -> None:
    task, rng = BY_NAME[name], np.random.default_rng(0)
    torch.manual_seed(0)
    output, target = task.example(4, IMAGES)
    whole = figures(task, output, target, [])
    assert whole
    for count in (1, 7, 40, IMAGES - 1):
        cuts = sorted(1 + rng.choice(IMAGES - 1, count, replace=False))
        order = torch.from_numpy(rng.permutation(IMAGES))
        assert figures(task, output[order], target[order], cuts) == pytest.approx(whole, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("loss", ["cross-entropy", {"name": "cross-entropy", "class_weights": [1.0, 30.0]}])
def test_evaluate_gives_one_figure_for_any_batch_size(loss: Any) -> None:
    model = zoo.build(
        "small_cnn", channels=[4], head="multiclass", classes=2, in_channels=1, input_size=16, seed=0
    )
    data = {"name": "faces", "per_class": 15}
    found = [zoo.evaluate(model, data, loss=loss, batch_size=size).metrics for size in (1, 7, 30)]
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-6)
