"""When a run ends before its last epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.interfaces.model import Model
from zoo.spec.disk.history import best_row, last_better
from zoo.spec.errors import OptionError
from zoo.spec.options import validate
from zoo.spec.trainers.early_stopping import EarlyStopping
from zoo.spec.trainers.options import TrainerOptions

NAN = float("nan")


def rows(*values: float) -> list[dict[str, float]]:
    return [{"epoch": float(i), "val_loss": value} for i, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "min_delta", "higher", "epoch"),
    [
        ((1.0, 0.9, 0.85, 0.84), 0.0, False, 4),
        ((1.0, 0.9, 0.85, 0.84), 0.1, False, 3),  # 0.85 is better than 1.0, not by more than 0.1 than 0.9
        ((1.0, 0.95, 0.92, 0.84), 0.1, False, 4),  # small gains add up, as in Keras
        ((0.5, 0.6, 0.6, 0.55), 0.0, True, 2),
        ((NAN, NAN, 1.0, NAN), 0.0, False, 3),
        ((NAN,), 0.0, False, 0),
    ],
)
def test_a_gain_counts_where_it_is_larger_than_min_delta(
    values: tuple[float, ...], min_delta: float, higher: bool, epoch: int
) -> None:
    assert last_better(rows(*values), "val_loss", higher, min_delta) == epoch


def test_without_min_delta_it_is_the_best_epoch() -> None:
    for values in ((3.0, 1.0, 2.0, 1.0), (1.0, 1.0), (2.0, NAN, 1.0), (float("inf"), 5.0)):
        for higher in (True, False):
            best = best_row(rows(*values), "val_loss", higher)
            assert best is not None
            assert last_better(rows(*values), "val_loss", higher) == best["epoch"]


def test_a_number_is_the_patience() -> None:
    def read(value: Any) -> Any:
        return validate(TrainerOptions, {"early_stopping": value}, "trainer").early_stopping

    assert read(3) == EarlyStopping(patience=3) == read({"patience": 3})
    assert read(None) is None
    for value, words in ((0, "greater than 0"), ({"min_delta": 1}, "lacks"), ({"patince": 3}, "lacks")):
        with pytest.raises(OptionError, match=words):
            read(value)


def test_a_run_stops_where_gains_are_too_small(make_model: Callable[..., Model], tmp_path: Path) -> None:
    how: dict[str, Any] = {"epochs": 5, "lr": 1e-3, "progress": False}
    data = {"name": "faces", "per_class": 12}
    run = zoo.fit(
        make_model(), data, early_stopping={"patience": 2, "min_delta": 10.0}, out=tmp_path / "a", **how
    )
    assert (run.stopped_early, len(run.history)) == (True, 3)
    patient = zoo.fit(make_model(), data, early_stopping={"patience": 4}, out=tmp_path / "b", **how)
    assert len(patient.history) == 5
    assert '"min_delta": 10.0' in (run.folder / "run.json").read_text()
