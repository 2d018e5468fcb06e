"""A bare word that is a component and a folder here has one answer in every verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import main
from zoo.interfaces.model import Model
from zoo.spec.errors import AmbiguousNameError

pytestmark = pytest.mark.filterwarnings("ignore::zoo.errors.ZooWarning")  # of random weights and few images


def built() -> Model:
    return zoo.build("basic:mlp", head="binary", in_channels=1, input_size=8, seed=0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images called like a data set, and a saved model called like a backbone."""
    monkeypatch.chdir(tmp_path)
    for label in ("a", "b"):
        Path("digits", label).mkdir(parents=True)
        for i in range(8):
            pixels = np.random.default_rng(i).integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(Path("digits", label, f"{i}.png"))
    zoo.save(built(), "mlp")
    return tmp_path


DATA = "'digits' is a dataset and a folder here: .*say 'datasets:digits' or './digits'"
MODEL = "'mlp' is a backbone and a folder here: .*say 'basic:mlp' or './mlp'"


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: zoo.fit(built(), "digits"), DATA),
        (lambda: zoo.evaluate(built(), "digits"), DATA),
        (lambda: zoo.build("mlp", head="binary"), MODEL),
    ],
)
def test_a_word_that_may_be_either_is_refused_with_both_spellings(
    here: Path, use: Callable[[], Any], words: str
) -> None:
    with pytest.raises(AmbiguousNameError, match=words):
        use()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "--model", "basic:mlp", "--head", "binary", "--data", "digits"], "'./digits'"),
        (["fit", "--model", "mlp", "--head", "binary", "--data", "./digits"], "'./mlp'"),
        (["evaluate", "mlp", "digits"], "'./digits'"),
        (["data", "digits"], "'./digits'"),
        (["build", "mlp", "--head", "binary"], "'./mlp'"),
    ],
)
def test_the_command_line_refuses_it_in_one_line(
    here: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err.strip()
    assert (ended.value.code, said.count("\n")) == (2, 0)
    assert "a folder here" in said
    assert said.endswith(words)


def test_where_a_folder_alone_can_be_meant_it_is_taken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = str(Path("digits", "a", "0.png"))
    # Images to answer, and saved models, have no names beside their folders'
    assert str(zoo.predict(built(), "digits")[0]).startswith(f"{first}: ")
    assert zoo.predict("mlp", first)[0].label
    assert zoo.load("mlp").recipe.model.called == "mlp"
    run = zoo.fit("mlp", "./digits", epochs=1, progress=False)
    assert run.images["train"] == 12
    with pytest.raises(SystemExit) as ended:
        main(["predict", "mlp", "digits"])
    assert not ended.value.code
    assert first in capsys.readouterr().out


def test_both_spellings_that_are_told_mean_what_they_say(here: Path) -> None:
    assert zoo.evaluate(built(), "./digits", split="all", progress=False).on.count == 16
    assert zoo.build("./mlp").labels == zoo.load("mlp").labels
    assert zoo.build("basic:mlp", head="binary", in_channels=1, input_size=8).labels == ()
