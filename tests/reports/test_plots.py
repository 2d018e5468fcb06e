import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.reports.plots import curves, sheet
from zoo.spec.disk.history import best_row, read_history, write_json
from zoo.spec.errors import FormatError

ROWS = [
    {"epoch": i, "loss": 1 / i, "val_loss": v, "seconds": 0.1} for i, v in ((1, 0.9), (2, 0.5), (3, math.nan))
]


def test_curves_are_drawn_for_one_epoch_and_for_many(tmp_path: Path) -> None:
    for rows in (ROWS[:1], ROWS):
        path = curves(rows, rows[0], tmp_path / "curves.png", "a run")
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert pixels.shape[0] > 300
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_wrong_answers_are_red_on_the_sheet(tmp_path: Path) -> None:
    image = np.zeros((4, 4, 1), np.uint8)

    def red(truth: str) -> int:
        path = sheet([image], ["cat"], [0.9], tmp_path / "sheet.png", truths=[truth])
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        return int(((pixels[..., 0] - pixels[..., 1]) > 100).sum())

    assert red("dog") > 50
    assert red("cat") == 0


def test_history_survives_writing_and_undefined_numbers(tmp_path: Path) -> None:
    write_json(tmp_path / "history.json", ROWS)
    found = read_history(tmp_path)
    assert found[:2] == ROWS[:2]
    assert math.isnan(found[2]["val_loss"])
    assert [f.name for f in tmp_path.iterdir()] == ["history.json"]


def test_a_damaged_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text("[{")
    with pytest.raises(FormatError, match=r"history\.json: expected a list of epochs"):
        read_history(tmp_path)


def test_the_best_row_is_the_first_of_equals_and_never_undefined() -> None:
    assert best_row(ROWS, "val_loss", higher=False) == ROWS[1]
    assert best_row(ROWS, "val_loss", higher=True) == ROWS[0]
    assert best_row(ROWS[2:], "val_loss", higher=True) is None
