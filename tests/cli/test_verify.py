"""`zoo verify`, and `zoo evaluate` of embeddings: what they print, and how they end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo as library

from .conftest import Zoo


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved model, and two images."""
    monkeypatch.chdir(tmp_path)
    head = {"name": "embedding", "dim": 6}
    library.save(library.build("mlp", hidden=[8], head=head, in_channels=1, input_size=8, seed=0), "model")
    rng = np.random.default_rng(0)
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(f"{name}.png")


@pytest.mark.usefixtures("here")
def test_both_answers_end_with_0(zoo: Zoo) -> None:
    found = zoo.json("verify", "model", "a.png", "b.png", "--threshold", "0.99")
    assert set(found) == {"similarity", "same", "threshold", "source"}
    assert (found["same"], found["threshold"], found["source"]) == (False, 0.99, "given")
    words = f"different: similarity {found['similarity']:.3f}, below 0.990 (given)\n"
    assert zoo("verify", "model", "a.png", "b.png", "--threshold", "0.99") == (0, words, "")
    words = "same: similarity 1.000, at least 0.990 (given)\n"
    assert zoo("verify", "model", "a.png", "a.png", "--threshold", "0.99") == (0, words, "")


@pytest.mark.usefixtures("here")
def test_an_evaluation_that_is_saved_chooses_the_threshold(zoo: Zoo) -> None:
    status, out, err = zoo("verify", "model", "a.png", "b.png")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "expected a threshold, got none in the model's metrics" in err
    status, out, _ = zoo("evaluate", "model", "digits", "--split", "val", "--save")
    assert status == 0
    assert "FALSE ACCEPTS  THRESHOLD  TRUE ACCEPTS\n        10.0%" in out
    found = zoo.json("verify", "model", "a.png", "b.png")
    assert found["source"] == "val split"
    assert f"threshold  {found['threshold']:.4f}" in out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "a.png", "b.png"], "not a saved model"),
        (
            ["model", "a.png", "c.png", "--threshold", "0"],
            "image c.png: expected a file or folder, got nothing there",
        ),
        (["model", "a.png"], "missing argument"),
        (["model", "a.png", "b.png", "--threshold", "2"], "expected a cosine in [-1, 1]"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(zoo: Zoo, arguments: list[str], words: str) -> None:
    status, out, err = zoo("verify", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
