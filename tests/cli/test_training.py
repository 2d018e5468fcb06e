"""`zoo fit`, `evaluate`, `predict`: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main
from zoo.cli._recipe import apply
from zoo.spec.errors import RecipeError

RECIPE = """
data = {name = "faces", per_class = 12}
trainer = {name = "supervised", epochs = 2, batch_size = 6}

[model]
name = "tiny_resnet"
head = "binary"
in_channels = 1
input_size = 16
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path / "r.toml"


class Zoo:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    def json(self, *arguments: object) -> Any:
        status, out, err = self(*arguments, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def zoo(capsys: pytest.CaptureFixture[str]) -> Zoo:
    return Zoo(capsys)


@pytest.mark.filterwarnings("default")
def test_fit_evaluate_predict_one_after_the_other(zoo: Zoo, recipe: Path) -> None:
    run = zoo.json("fit", recipe, "--set", "trainer.epochs=1", "--set", "head.dropout=0.5", "--out", "run")
    assert (run["folder"], run["epochs"], run["pictures"]["test"]) == ("run", 1, 4)
    config = json.loads(Path("run/config.json").read_text())
    assert config["recipe"]["model"]["head"] == {"name": "binary", "dropout": 0.5}
    assert config["labels"] == ["no face", "face"]
    status, out, err = zoo("evaluate", "run", "faces", "--split", "all", "--save", "--json")
    assert status == 0
    assert err.startswith("warning: 16 of 200 pictures of the all split were trained on")
    figures = json.loads(out)
    assert figures["pictures"] == 200
    metrics = json.loads(Path("run/config.json").read_text())["metrics"]
    assert metrics["all"]["accuracy"] == figures["accuracy"]
    assert metrics["val"] == run["metrics"]
    Image.fromarray(np.zeros((9, 9), np.uint8)).save("dark.png")
    (found,) = zoo.json("predict", "run", "dark.png")
    assert found["source"] == "dark.png"
    assert found["label"] in config["labels"]
    status, out, _ = zoo("predict", "run", "dark.png")
    assert status == 0
    assert f"dark.png  {found['label']}" in out


def test_tables_for_people_are_silent_on_stderr(zoo: Zoo, recipe: Path) -> None:
    status, out, err = zoo("fit", recipe, "--out", "run")
    assert (status, err) == (0, "")
    assert out.startswith("trained 2 epochs in")
    _, out, _ = zoo("evaluate", "run", "faces")
    assert "test split, 30 pictures" in out
    assert "TRUTH \\ ANSWER" in out


def test_a_model_is_trained_without_a_recipe_and_gets_its_classes_from_the_data(
    zoo: Zoo, recipe: Path
) -> None:
    sets = ["--set", "trainer.epochs=1", "--set", "data.per_class=4", "--set", "data.name=digits"]
    sets += ["--set", "in_channels=1", "--set", "input_size=16"]
    run = zoo.json("fit", "--model", "tiny_resnet", "--head", "multiclass", *sets, "--out", "run")
    assert run["epochs"] == 1
    assert json.loads(Path("run/config.json").read_text())["labels"] == list("0123456789")


def test_a_saved_model_is_trained_on(zoo: Zoo, recipe: Path) -> None:
    zoo.json("fit", recipe, "--out", "one")
    run = zoo.json("fit", "one", "--set", "trainer.epochs=1", "--data", "faces", "--out", "two")
    assert run["epochs"] == 1
    config = json.loads(Path("two/config.json").read_text())
    assert config["origin"] == "trained on faces, starting from trained on faces"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit"], "expected a recipe or --model, got neither"),
        (["fit", "nowhere.toml"], "nowhere.toml"),
        (["fit", "r.toml", "--model", "tiny_resnet"], "got both"),
        (["fit", "r.toml", "--set", "trainer.epoch=1"], "did you mean epochs"),
        (["fit", "r.toml", "--set", "epochs"], "expected path=value"),
        (["fit", "r.toml", "--set", "seed.x=1", "--seed", "1"], "expected seed to be a table, got 1"),
        (["fit", "r.toml", "--data", "./nowhere"], "got nothing there"),
        (["fit", "--model", "tiny_resnet", "--head", "binary"], "fit: expected data, got none"),
        (["evaluate", "nowhere", "faces"], "not a saved model"),
        (["predict", "nowhere", "a.png"], "not a saved model"),
        (["demo", "nothing"], "no plugin ships a recipe 'nothing'"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    zoo: Zoo, recipe: Path, arguments: list[str], words: str
) -> None:
    status, out, err = zoo(*arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not Path("runs").exists()


def test_values_are_toml_and_else_texts() -> None:
    table = apply({"model": {}}, ["trainer.lr={backbone=1e-5, head=1e-3}", "freeze=block1-4", "classes=3"])
    assert table["trainer"]["lr"] == {"backbone": 1e-5, "head": 1e-3}
    assert table["model"] == {"freeze": "block1-4", "classes": 3}
    with pytest.raises(RecipeError, match=r"model\.classes to be a table"):
        apply(table, ["classes.a=1"])
