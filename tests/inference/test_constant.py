"""The answer that is the same for all images, beside a model's figures."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, mean_absolute_error, root_mean_squared_error

import zoo
from zoo.data.splits import split
from zoo.inference.measuring.constant import constant_figures
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks.choice import BY_NAME

CASES: list[tuple[str, list[Any]]] = [
    ("binary", ["a" if i % 3 else "b" for i in range(40)]),
    ("multiclass", ["abcc"[i % 4] for i in range(40)]),
    ("ordinal", [(0, 1, 2, 2)[i % 4] for i in range(40)]),
    ("multilabel", [["a"] if i % 3 else ["a", "b"] for i in range(40)]),
    ("regression", np.random.default_rng(0).exponential(5, 40).tolist()),
]


@pytest.mark.parametrize(("head", "cells"), CASES)
def test_its_figures_are_those_of_scikit_learns_dummies(head: str, cells: list[Any]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    data = Records({"image": [*images], "label": cells}).for_task(BY_NAME[head])
    classes = None if head == "regression" else data.labels
    model = zoo.build("mlp", head=head, classes=classes, input_size=8, in_channels=1, seed=0)
    sides = split(data, 0)
    found = constant_figures(model, data, sides.train, sides.test)
    y, targets = [np.array([data.targets[i] for i in side]) for side in (sides.train, sides.test)]
    nothing = np.zeros((len(y), 1)), np.zeros((len(targets), 1))
    if head == "regression":
        answer = DummyRegressor().fit(nothing[0], y).predict(nothing[1])
        assert found["mae"] == pytest.approx(mean_absolute_error(targets, answer), rel=1e-5)
        assert found["rmse"] == pytest.approx(root_mean_squared_error(targets, answer), rel=1e-5)
    elif head == "multilabel":
        # The mean over labels of the share of right answers
        answer = DummyClassifier(strategy="most_frequent").fit(nothing[0], y).predict(nothing[1])
        assert found["accuracy"] == pytest.approx((answer == targets).mean(0).mean(), rel=1e-5)
    else:
        answer = DummyClassifier(strategy="most_frequent").fit(nothing[0], y).predict(nothing[1])
        assert found["accuracy"] == pytest.approx(accuracy_score(targets, answer), rel=1e-5)
    shown = zoo.evaluate(model, data, progress=False)
    assert shown.constant == found
    assert "the same answer to every image: " in repr(shown)
    assert shown.to_dict()["constant"] == found


def test_without_training_images_there_is_none() -> None:
    data = Records({"image": [np.zeros((8, 8), np.uint8)] * 4, "label": list("abab")}).for_task(None)
    model = zoo.build("mlp", head="binary", input_size=8, in_channels=1, seed=0)
    assert constant_figures(model, data, (), (0, 1)) == {}


def test_a_task_without_one_shows_none() -> None:
    data = Records({"image": [np.zeros((8, 8), np.uint8)] * 4, "label": list("abab")}).for_task(
        BY_NAME["embedding"]
    )
    model = zoo.build("mlp", head="embedding", input_size=8, in_channels=1, seed=0)
    assert constant_figures(model, data, (0, 1), (2, 3)) == {}
    assert BY_NAME["embedding"].constant([0, 1], 4) is None
    assert torch.isfinite(BY_NAME["binary"].constant([0, 0], 1)).all()  # type: ignore[arg-type]
