"""The answer that is the same for all images, beside a model's figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score, root_mean_squared_error

import zoo
from zoo.data.section import WithOptions
from zoo.data.splits import split
from zoo.inference.measuring.constant import constant_figures
from zoo.interfaces.records.records import Records
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import OptionError
from zoo.trainers.score import Score

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
        middle = DummyRegressor(strategy="median").fit(nothing[0], y).predict(nothing[1])
        answer = DummyRegressor().fit(nothing[0], y).predict(nothing[1])
        assert found["mae"] == pytest.approx(mean_absolute_error(targets, middle), rel=1e-5)
        assert found["rmse"] == pytest.approx(root_mean_squared_error(targets, answer), rel=1e-5)
    elif head == "multilabel":
        # The mean over labels of the share of right answers
        answer = DummyClassifier(strategy="most_frequent").fit(nothing[0], y).predict(nothing[1])
        assert found["accuracy"] == pytest.approx((answer == targets).mean(0).mean(), rel=1e-5)
        every = np.ones_like(targets)
        assert found["f1"] == pytest.approx(f1_score(targets, every, average="macro"), rel=1e-5)
    else:
        answer = DummyClassifier(strategy="most_frequent").fit(nothing[0], y).predict(nothing[1])
        assert found["accuracy"] == pytest.approx(accuracy_score(targets, answer), rel=1e-5)
        if head == "binary":
            assert found["f1"] == pytest.approx(f1_score(targets, np.ones_like(targets)), rel=1e-5)
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


def test_several_values_with_names_have_errors_of_their_own() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 8, 8), dtype=np.uint8)
    columns = {"image": images, "age": rng.exponential(5, 40).tolist(), "height": rng.uniform(900, 2000, 40)}
    model = zoo.build(
        "mlp", head="regression", classes=["age", "height"], input_size=8, in_channels=1, seed=0
    )
    found = zoo.evaluate(model, columns, target=["age", "height"], metrics=["mae", "r2"], progress=False)
    sides = split(as_dataset(WithOptions(columns, {"target": ["age", "height"]}), task=model.task), 0)
    y = np.stack([columns["age"], columns["height"]], axis=1)
    truth = y[[*sides.test]]
    with torch.no_grad():
        pixels = torch.from_numpy(images[[*sides.test]]).unsqueeze(1).float() / 255
        answer = model.eval()(pixels).numpy()
    trained = y[[*sides.train]]
    middle, mean = [np.broadcast_to(of(trained, axis=0), truth.shape) for of in (np.median, np.mean)]
    for figures, nearest, squared in ((found.metrics, answer, answer), (found.constant, middle, mean)):
        expected: dict[str, float] = {}
        for name, of, said in (
            ("mae", mean_absolute_error, nearest), ("rmse", root_mean_squared_error, squared),
        ):  # fmt: skip
            raw = of(truth, said, multioutput="raw_values")
            expected |= {
                f"{name}_{column}": error for column, error in zip(("age", "height"), raw, strict=True)
            }
        own = {name: value for name, value in figures.items() if name not in {"loss", "r2"}}
        assert own == pytest.approx(expected, rel=1e-4)
    assert found.metrics["r2"] == pytest.approx(r2_score(truth, answer), rel=1e-3)
    assert "mae_height" in repr(found)
    assert "mae_height" in found.to_dict()["constant"]


def test_errors_of_several_values_are_watched_by_name() -> None:
    score = Score(BY_NAME["regression"], 2, None, labels=("age", "height"))
    assert score.higher_is_better("val_mae_age") is False
    with pytest.raises(OptionError, match="got 'val_mae'; did you mean val_mae_age or val_mae_height"):
        score.higher_is_better("val_mae")
    # Rows of coordinates are one thing
    rows = Score(BY_NAME["regression"], 2, None)
    rows.add(torch.zeros(2, 2), {"target": torch.tensor([[1.0, 3.0], [1.0, 3.0]])})
    assert rows.values()["mae"] == 2.0


def test_a_model_is_told_by_its_values_from_the_first_epoch_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 8, 8), dtype=np.uint8)
    columns = {"image": images, "age": rng.uniform(1, 90, 40), "height": rng.uniform(900, 2000, 40)}
    model = zoo.build("mlp", head="regression", classes=2, input_size=8, in_channels=1, seed=0)
    run = zoo.fit(
        model, columns, target=["age", "height"], epochs=1, monitor="val_mae_age", out=tmp_path / "run",
        progress=False,
    )  # fmt: skip
    assert [*run.metrics] == ["loss", "mae_age", "mae_height", "rmse_age", "rmse_height"]
    assert {"mae_age", "mae_height"} <= run.history[0].keys()
    assert "mae_height" in repr(run)
