"""`zoo fit`, `evaluate`, `predict`: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.cli._recipe import apply
from zoo.runtime import data_arguments as common
from zoo.spec.errors import RecipeError

from .conftest import Zoo

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


@pytest.mark.filterwarnings("default")
def test_fit_evaluate_predict_one_after_the_other(zoo: Zoo, recipe: Path) -> None:
    run = zoo.json("fit", recipe, "--set", "trainer.epochs=1", "--set", "head.dropout=0.5", "--out", "run")
    assert (run["folder"], run["epochs"], run["images"]["test"]) == ("run", 1, 4)
    config = json.loads(Path("run/config.json").read_text())
    head = config["recipe"]["model"]["head"]
    assert (head["name"], head["dropout"]) == ("core:binary", 0.5)
    assert config["labels"] == ["no face", "face"]
    status, out, err = zoo("evaluate", "run", "faces", "--split", "all", "--save", "--json")
    assert status == 0
    assert err.startswith("warning: 16 of 200 images of the all split were trained on")
    figures = json.loads(out)
    assert figures["images"] == 200
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


def test_a_training_tells_a_line_an_epoch_where_there_is_no_terminal(zoo: Zoo, recipe: Path) -> None:
    status, out, err = zoo("fit", recipe, "--out", "run", "--json")
    assert status == 0
    assert json.loads(out)["epochs"] == 2  # standard output is the result's alone
    assert [line[:9] for line in err.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert "val_accuracy 0." in err
    assert "\x1b" not in err


def test_tables_for_people_are_silent_on_stderr(zoo: Zoo, recipe: Path) -> None:
    status, out, err = zoo("fit", recipe, "--out", "run", "--quiet")
    assert (status, err) == (0, "")
    assert out.startswith("trained 2 epochs in")
    _, out, _ = zoo("evaluate", "run", "faces")
    assert "test split, 30 images" in out
    assert "TRUTH \\ ANSWER" in out


def test_a_model_is_trained_without_a_recipe_and_gets_its_classes_from_the_data(
    zoo: Zoo, recipe: Path
) -> None:
    sets = ["--set", "trainer.epochs=1", "--set", "data.per_class=4", "--set", "data.name=digits"]
    sets += ["--set", "in_channels=1", "--set", "input_size=16"]
    run = zoo.json("fit", "--model", "tiny_resnet", "--head", "multiclass", *sets, "--out", "run")
    assert run["epochs"] == 1
    assert json.loads(Path("run/config.json").read_text())["labels"] == list("0123456789")


def test_the_data_are_read_once(zoo: Zoo, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    resolve = common.resolve

    def counted(data: object, *arguments: object, **named: object) -> object:
        read.append(data)
        return resolve(data, *arguments, **named)

    monkeypatch.setattr(common, "resolve", counted)
    zoo.json("fit", recipe, "--set", "trainer.epochs=1", "--out", "run")
    assert read == [{"name": "faces", "per_class": 12}]


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Images with masks of three classes."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / "cells" / part).mkdir(parents=True)
    for i in range(8):
        mask = np.zeros((16, 16), np.uint8)
        mask[:8, i:], mask[12:] = 1, 2
        Image.fromarray(mask).save(tmp_path / f"cells/masks/{i}.png")
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / f"cells/images/{i}.png")
    return tmp_path / "cells"


@pytest.mark.parametrize(
    ("model", "folder", "labels"),
    [("sequential_cnn", "cells", ["0", "1", "2"]), ("autoencoder", "cells/images", [])],
)
def test_data_are_read_as_the_models_task_needs_them(  # noqa: PLR0917 - fixtures
    zoo: Zoo, recipe: Path, cells: Path, model: str, folder: str, labels: list[str]
) -> None:
    sets = ["--set", "trainer.epochs=1", "--set", "input_size=16"]
    if model == "autoencoder":
        sets += ["--set", "model.options.encoder={name='small_cnn', channels=[4, 8]}"]
    run = zoo.json("fit", "--model", model, "--data", f"./{folder}", *sets, "--out", "run")
    assert run["images"] == {"train": 6, "val": 1, "test": 1}
    config = json.loads(Path("run/config.json").read_text())
    assert config["labels"] == labels
    assert config["recipe"]["model"].get("classes", []) == labels


def test_a_saved_model_is_trained_on(zoo: Zoo, recipe: Path) -> None:
    zoo.json("fit", recipe, "--out", "one")
    run = zoo.json("fit", "one", "--set", "trainer.epochs=1", "--data", "faces", "--out", "two")
    assert run["epochs"] == 1
    config = json.loads(Path("two/config.json").read_text())
    assert config["origin"] == "trained on faces 2 times"


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


def test_folds_are_trained_shown_and_told_as_json(zoo: Zoo, recipe: Path) -> None:
    found = zoo.json("fit", recipe, "--folds", "2", "--epochs", "1", "--out", "f")
    assert (found["folder"], [fold["folder"] for fold in found["folds"]]) == ("f", ["fold-1", "fold-2"])
    assert found["spread"]["accuracy"] >= 0
    status, out, _ = zoo("fit", recipe, "--folds", "2", "--epochs", "1", "--quiet")
    assert status == 0
    assert "(spread: standard deviation over the folds)" in out
    assert "saved in runs/tiny_resnet-folds-1" in out
    status, _, err = zoo("fit", "--resume", "f", "--folds", "3")
    assert (status, "expected unfinished folds, got finished ones" in err) == (2, True)
