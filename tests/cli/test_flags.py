"""Flags of `zoo fit` and `zoo build`: where they go, and the answer to those that there are not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.cli import fit as fit_command
from zoo.cli._fit import model_and_options
from zoo.cli._flags import PATHS
from zoo.cli._kept import kept
from zoo.cli._recipe import apply
from zoo.spec.errors import OptionError, RecipeError, ZooWarning
from zoo.spec.kinds import KINDS

from .conftest import Zoo

RECIPE = """
data = {name = "faces", per_class = 12}
augment = {name = "noise"}
trainer = {name = "supervised", epochs = 2, batch_size = 6}

[model]
name = "tiny_resnet"
head = {name = "binary", dropout = 0.2}
in_channels = 1
input_size = 16
"""
PIECES = ["fit", "--model", "tiny_resnet", "--head", "binary"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(RECIPE)
    (tmp_path / "pets.csv").write_text("file,kind\na.png,a\n")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "pets" / name / "0.png")
    return tmp_path


def words(line: str) -> list[str]:
    """A line as a shell splits it."""
    return shlex.split(line)


def recipe_of(*arguments: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a line asks for, without training it: recipe and options of the default trainer."""
    context = fit_command.command.make_context("fit", [*arguments])
    values = context.params
    checked, _, options = model_and_options(values["recipe"], values["name"], values, values["sets"])
    return checked.to_dict(), options


@pytest.mark.usefixtures("place")
def test_what_people_type_most_has_a_flag_of_its_own() -> None:
    line = (
        "--model vgg16 --head binary --freeze block1-4 --weights imagenet --data ./pets --augment photo "
        "--epochs 10 --lr 1e-4 --classes cat,dog --input-size 150x200 --in-channels 1 --batch-size 8 "
        "--seed 3 --loss bce --set trainer.schedule=cosine --set head.dropout=0.5 --metric recall"
    )
    recipe, options = recipe_of(*line.split())
    assert recipe["model"] == {
        "name": "vgg16", "head": {"name": "binary", "dropout": 0.5}, "freeze": "block1-4",
        "weights": "imagenet", "in_channels": 1, "classes": ["cat", "dog"], "input_size": [150, 200],
    }  # fmt: skip
    assert {k: v for k, v in recipe.items() if k != "model"} == {
        "data": "file:./pets", "augment": "photo", "loss": "bce", "seed": 3,
    }  # fmt: skip
    said = {"epochs": 10, "lr": 1e-4, "batch_size": 8, "schedule": "cosine", "metrics": ["recall"]}
    assert options == said


@pytest.mark.parametrize("kind", [*KINDS])
def test_how_a_component_is_used_is_said_in_flags_that_there_are(kind: str) -> None:
    verb, *said = shlex.split(KINDS[kind].used("thing", "imagenet")[1])[1:]
    known = [name for param in import_module(f"zoo.cli.{verb}").command.params for name in param.opts]
    flags = [word for word in said if word.startswith("--")]
    assert set(flags) <= set(known)
    assert "--set" not in flags


@pytest.mark.usefixtures("place")
def test_a_flag_goes_before_the_file_and_keeps_the_options_beside_the_same_name() -> None:
    line = "r.toml --epochs 5 --lr backbone=1e-5,head=1e-3 --head binary --augment flip --augment noise"
    recipe, options = recipe_of(*line.split())
    assert options == {}
    trainer = {"epochs": 5, "batch_size": 6, "lr": {"backbone": 1e-5, "head": 1e-3}}
    assert recipe["trainer"] == {"name": "supervised", **trainer}
    assert recipe["model"]["head"] == {"name": "binary", "dropout": 0.2}
    assert recipe["augment"] == ["flip", "noise"]
    assert recipe["data"] == {"name": "faces", "per_class": 12}


@pytest.mark.usefixtures("place")
def test_several_metrics_are_a_list_in_the_place_of_the_files() -> None:
    recipe, _ = recipe_of(*words("r.toml --set 'trainer.metrics=[\"mcc\"]'"))
    assert recipe["trainer"]["metrics"] == ["mcc"]
    recipe, _ = recipe_of(*words("r.toml --metric recall --metric top-k"))
    assert recipe["trainer"]["metrics"] == ["recall", "top-k"]
    recipe, _ = recipe_of(*words("r.toml --metric mcc --set 'trainer.metrics=[\"mcc\"]'"))
    assert recipe["trainer"]["metrics"] == ["mcc"]
    with pytest.raises(
        RecipeError, match=r"--metric and --set trainer.metrics=.*: expected one of them, got two"
    ):
        recipe_of(*words("r.toml --metric recall --set 'trainer.metrics=[\"mcc\"]'"))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--trainer gan", "--trainer gan takes the place of supervised with its epochs, batch_size"),
        ("--head multiclass", "--head multiclass takes the place of binary with its dropout"),
    ],
)
def test_options_that_another_name_pushes_out_are_said(line: str, said: str) -> None:
    with pytest.warns(ZooWarning, match=said):
        recipe_of("r.toml", *line.split())


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("trainer.schedule", ("trainer", "schedule")),
        ("loss.backbone", ("loss", "backbone")),
        ("options.encoder", ("model", "options", "encoder")),
        ("head", ("model", "head")),
    ],
)
def test_a_name_and_its_options_are_set_in_any_order(path: str, where: tuple[str, ...]) -> None:
    for sets in ([f"{path}=x", f"{path}.y=3"], [f"{path}.y=3", f"{path}=x"]):
        found: Any = apply({"model": {"name": "any"}}, sets)
        for key in where:
            found = found[key]
        assert found == {"name": "x", "y": 3}


@pytest.mark.usefixtures("place")
def test_a_schedule_and_its_options_are_set_one_by_one() -> None:
    recipe, _ = recipe_of(*words("r.toml --set trainer.schedule=plateau --set trainer.schedule.patience=3"))
    assert recipe["trainer"]["schedule"] == {"name": "plateau", "patience": 3}
    for line in ("--set trainer.early_stopping.min_delta=0.1 --set trainer.early_stopping=3",
                 "--set trainer.early_stopping=3 --set trainer.early_stopping.min_delta=0.1",
                 "--set freeze=block1 --set freeze.x=1"):  # fmt: skip
        with pytest.raises(RecipeError, match="expected"):
            recipe_of(*words(f"r.toml {line}"))


@pytest.mark.usefixtures("place")
def test_a_flag_and_set_agree_or_it_is_an_error() -> None:
    recipe, _ = recipe_of(*words("r.toml --epochs 5 --set trainer.epochs=5 --set trainer=autoencoder"))
    assert recipe["trainer"] == {"name": "autoencoder", "epochs": 5}
    recipe, _ = recipe_of(*words("r.toml --augment noise --set augment.std=0.3"))
    assert recipe["augment"] == {"name": "noise", "std": 0.3}
    _, options = recipe_of(*words("--model vgg16 --data ./pets --lr 1 --set trainer.lr=1.0"))
    assert options == {"lr": 1.0}
    for line in (
        "--epochs 5 --set trainer.epochs=6", "--epochs 5 --set trainer={name='gan',epochs=6}",
        "--head binary --set head=multiclass", "--head binary --set head.name=multiclass",
        "--seed 1 --set seed=2", "--classes 2 --set classes=3",
    ):  # fmt: skip
        with pytest.raises(RecipeError, match=r"^--\w+ and --set .*: expected one of them, got two values"):
            recipe_of("r.toml", *line.split())


@pytest.mark.parametrize("path", ["options.dropout", "model.options.dropout"])
def test_an_idle_option_that_was_typed_is_refused_with_its_default_too(zoo: Zoo, path: str) -> None:
    status, _, err = zoo("build", "vgg16", "--head", "binary", "--input-size", "64", "--set", f"{path}=0.5")
    assert status != 0
    assert 'option dropout=0.5: expected head="original", which alone looks at it' in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "r.toml", "--lr", "abc"], "expected 1e-4, or a rate for each part: backbone=1e-5,head=1e-3"),
        (["fit", "r.toml", "--lr", "head=1,head=2"], "expected 1e-4, or a rate for each part"),
        (["fit", "r.toml", "--classes", "cat,"], "labels with commas between: cat,dog; got 'cat,'"),
        (["fit", "r.toml", "--input-size", "1x2x3"], "expected 150 or 150x200, got '1x2x3'"),
        (["build", "vgg16", "--input-size", "wide"], "expected 150 or 150x200, got 'wide'"),
        (["fit", "r.toml", "--augment", "flip,noise"], "several: --augment flip --augment noise"),
        (["fit", "r.toml", "--epochs", "0"], "bad epochs: expected greater than 0, got 0"),
        (["fit", "r.toml", "--schedule", "cosine"],
         "--schedule is an option of the trainer: --set trainer.schedule=cosine;"),
        (["fit", "r.toml", "--early-stopping=3"], "--set trainer.early_stopping=3;"),
        ([*PIECES, "--weight_decay", "0.1"], "an option of the trainer: --set trainer.weight_decay=0.1"),
        ([*PIECES, "--trainer", "autoencoder", "--mask", "0.1"], "the trainer: --set trainer.mask=0.1"),
        (["fit", "--model", "dcgan", "--ema", "0.9"], "--ema is an option of the trainer"),
        (["fit", "--target", "age"], "--target is an option of the data: --set data.target=age"),
        (["fit", "r.toml", "--dropout", "0.5"], "--dropout is an option of the head: --set head.dropout=0.5"),
        (["fit", "r.toml", "--per-class", "3"], "an option of the data set: --set data.per_class=3"),
        (["fit", "r.toml", "--metric", "recal"], "recall"),
        (["fit", "r.toml", "--metric", "mae"], "metric mae: expected a task whose answers are values"),
        (["fit", "--model", "dcgan", "--data", "faces", "--metric", "mae"], "--metric: expected options"),
        (["fit", "--resume", "runs/x", "--metric", "recall"], "got --metric; leave it out"),
        (["fit", "r.toml", "--std", "0.2"], "an option of the augmenter: --set augment.std=0.2"),
        (["fit", "--model", "mlp", "--head", "binary", "--hidden", "[8]"],
         "of the head and the model: --set 'head.hidden=[8]' or --set 'options.hidden=[8]'"),
        (["fit", "r.toml", "--schedul", "cosine"], "did you mean --set trainer.schedule=...?"),
        (["fit", "r.toml", "--epoch", "3"], "no such option --epoch; did you mean --epochs?"),
        (["fit", "r.toml", "--foo"], "no such option --foo; zoo fit --help"),
        (["fit", "pets"], "say --data ./pets, and which model: --model NAME --head multiclass"),
        (["fit", "./pets", "--model", "vgg16"], "got a folder of images; say --data ./pets"),
        (["fit", "pets.csv"], "got a table; say --data ./pets.csv, and which model: --model NAME"),
        (["fit", "pets", "--data", "faces", "--model", "vgg16"], "leave it out: --data says it"),
        ([*PIECES, "--set", "trainer.precision=bf16"], "belongs beside: --precision"),
        ([*PIECES, "--set", "trainer.seed=3"], "beside: --seed, in a recipe seed above all sections"),
        ([*PIECES, "--set", "trainer.loss=mse"], "an option of the trainer, got an argument of the run"),
        ([*PIECES, "--set", "trainer.progress=false"], "belongs beside: --quiet"),
        ([*PIECES, "--set", "blocks=block1-2"], "got blocks; say --set options.blocks=block1-2"),
        ([*PIECES, "--set", "learning_rate=1"], "say --set trainer.lr=1"),
        ([*PIECES, "--set", "num_classes=3"], "say --classes 3"),
        ([*PIECES, "--set", "augment.std=2"], "got none; add --augment NAME (zoo list augmenter)"),
        (["build", "mlp", "--set", "head.dropout=2"], "got none; add --head NAME (zoo list head)"),
        (["build", "mlp", "--blocks", "block1"], "an option of the model: --set options.blocks=block1"),
        (["fit", "--resume", "runs/x", "--lr", "1"], "got --lr; leave it out"),
        (["fit", "--resume", "runs/x", "--epochs", "3", "r.toml", "--set", "a=b"], "got RECIPE, --set;"),
        (["fit", "--resume", "runs/x", "--epochs", "3"], "expected the folder of a run"),
        (["fit", "--cache", "r.toml"], "nothing behind it, got 'r.toml'; put --cache behind RECIPE"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_way_out(
    zoo: Zoo, place: Path, arguments: list[str], said: str
) -> None:
    status, out, err = zoo(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_flag_that_the_trainer_lacks_is_named_with_what_the_trainer_has(
    zoo: Zoo, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.cli import _fit

    monkeypatch.setattr(_fit, "options_of_trainer", lambda name: ("passes", "batch_size"))
    status, _, err = zoo("fit", "r.toml", "--batch-size", "4", "--epochs", "3")
    assert status == 2
    said = "error: --epochs: expected options that trainer supervised has: passes, batch_size, got epochs;"
    assert err.startswith(said)


@pytest.mark.filterwarnings("default")
def test_flags_train_and_a_run_goes_on_for_longer(zoo: Zoo, place: Path) -> None:
    short = ["--epochs", "1", "--lr", "1e-4", "--batch-size", "8", "--metric", "recall", "--metric", "mcc"]
    run = zoo.json("fit", "r.toml", *short, "--out", "run")
    assert run["epochs"] == 1
    assert {"recall", "mcc"} < set(run["metrics"])
    found = zoo.json("evaluate", "run", "faces", "--metric", "recall", "--metric", "average-precision")
    assert {"recall", "average_precision"} < set(found)
    trainer = json.loads(Path("run/config.json").read_text())["recipe"]["trainer"]
    assert trainer == {**trainer, "name": "core:supervised", "epochs": 1, "batch_size": 8, "lr": 1e-4}
    status, _, err = zoo("fit", "run", "--head", "binary", "--freeze", "all")
    assert (status, "got --head, --freeze; set trainer" in err) == (2, True)
    status, out, err = zoo("fit", "--resume", "run", "--epochs", "3", "--json")
    assert (status, json.loads(out)["epochs"]) == (0, 3)
    first, *epochs = err.splitlines()
    assert first == "goes on after epoch 1 to epoch 3 at learning rate 0.0001"
    assert [line.split()[1] for line in epochs] == ["2/3", "3/3"]
    status, _, err = zoo("fit", "--resume", "run", "--epochs", "3")
    assert (status, err.count("\n")) == (2, 1)
    assert "epochs: expected more than the 3 behind, got 3" in err
    status, _, _ = zoo("fit", "run", "--data", "faces", "--epochs", "1", "--augment", "flip", "--out", "b")
    assert status == 0
    recipe = json.loads(Path("b/config.json").read_text())["recipe"]
    assert recipe["augment"]["name"] == "augment:flip"
    assert (recipe["trainer"]["epochs"], recipe["trainer"]["lr"]) == (1, 1e-4)


def test_help_has_every_option_under_one_heading_within_80_columns(zoo: Zoo, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = zoo("fit", "--help")
    assert max(map(len, out.splitlines())) <= 80
    headings = re.findall(r"^(\w+):$", out, re.MULTILINE)
    assert headings == ["Model", "Data", "Training", "Run", "Computing", "Other"]
    assert re.search(r"Training:\n(  .*\n)*  --epochs ", out)
    listed = [name for names in fit_command.command.sections.values() for name in names]
    options = {p.name for p in fit_command.command.params}
    assert len(listed) == len({*listed})
    assert {*listed} == options - {"recipe", "as_json"}
    assert {*PATHS} <= options


def test_zoo_build_reads_the_same_flags(zoo: Zoo, place: Path) -> None:
    flags = ["--head", "multiclass", "--classes", "a, b,c", "--input-size", "24x32", "--in-channels", "1"]
    built = zoo.json("build", "tiny_resnet", *flags)
    assert built["recipe"]["model"]["classes"] == ["a", "b", "c"]
    assert built["recipe"]["model"]["input_size"] == [24, 32]
    status, _, err = zoo("build", "tiny_resnet", "--head", "binary", "--set", "head=multiclass")
    assert (status, "--head and --set head=multiclass" in err) == (2, True)


@pytest.mark.slow
def test_closed_standard_streams_do_not_stop_a_training(place: Path) -> None:
    code = "import os, sys; sys.stdout = sys.stderr = None; from zoo.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", "r.toml", "--epochs", "1", "--out", "closed"], check=False
    )
    assert done.returncode == 0
    assert Path("closed/model.safetensors").is_file()


def test_to_keep_and_not_to_keep_is_refused() -> None:
    with pytest.raises(OptionError, match="--no-cache: expected it alone, got --cache too"):
        kept("pixels", none=True)


def test_an_augmenter_with_options_is_answered_with_the_line_that_takes_it(zoo: Zoo, place: Path) -> None:
    value = '{name = "flip", p = 0.5}'
    status, _, err = zoo("fit", "r.toml", "--augment", value)
    assert (status, f"with options say --set 'augment={value}'" in err) == (2, True)
    assert apply({}, [f"augment={value}"])["augment"] == {"name": "flip", "p": 0.5}
