"""A model is trained on some of its classes: by name, with a word on those that are left out."""

from __future__ import annotations

import json
import math
import random
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import Subset

import zoo
from zoo.cli import main
from zoo.interfaces.model import Model
from zoo.runtime.data_arguments import as_dataset
from zoo.runtime.data_checks import for_model
from zoo.spec.errors import DataError, ZooWarning

from ..inference.test_labels import Images

COLOURS = {"ant": (200, 30, 30), "bee": (30, 200, 30), "cow": (30, 30, 200), "dog": (190, 190, 30)}
NAMES = tuple(COLOURS)
PER_CLASS = 8
LACKING = "no image is of {}: the network learns never to give that answer"

pytestmark = pytest.mark.filterwarnings("ignore:left out of the figures:zoo.errors.ZooWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label, colour in COLOURS.items():
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(PER_CLASS):
            pixels = (np.array(colour) + rng.integers(-20, 20, (8, 8, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{i}.png")
    return tmp_path / "data"


def model_of(labels: tuple[str, ...], head: str = "multiclass") -> Model:
    return zoo.build("mlp", head=head, classes=labels, in_channels=3, input_size=8, seed=0)


def keep(folder: Path, *names: str) -> Path:
    for name in {*NAMES} - {*names}:
        shutil.rmtree(folder / name)
    return folder


def trained(model: Any, data: Any, out: Path, **options: Any) -> zoo.Run:
    options = {"epochs": 12, "lr": 0.01, "batch_size": 8, "out": out, "progress": False} | options
    return zoo.fit(model, data, **options)


def warned(found: list[warnings.WarningMessage]) -> list[str]:
    return [str(w.message) for w in found if issubclass(w.category, ZooWarning)]


@pytest.mark.parametrize("seed", range(20))
def test_permuted_left_out_and_renamed_folders_never_change_what_an_image_is_called(
    folder: Path, seed: int
) -> None:
    draw = random.Random(seed)
    labels = tuple(draw.sample(NAMES, draw.choice([2, 3, 4])))
    kept = draw.sample(labels, draw.randint(2, len(labels)))
    keep(folder, *kept)
    model = model_of(labels)
    renamed = {name: name for name in labels}
    if draw.random() < 0.5:  # the model calls its classes otherwise, and so do the folders
        renamed = {name: draw.choice("xyz") + name for name in labels}
        for name in kept:
            (folder / name).rename(folder / renamed[name])
        model.labels = tuple(renamed[name] for name in labels)
    shuffled = [renamed[name] for name in draw.sample(kept, len(kept))]
    for data in (folder, Images(folder, shuffled)):
        own = as_dataset(data, task=model.task)
        found = for_model(model, own, "fit")
        assert [model.labels[t] for t in found.targets] == [own.labels[t] for t in own.targets]
        assert len({*found.targets}) == len(kept)


@pytest.mark.parametrize("labels", [("cow", "ant", "bee"), ("bee", "dog", "cow", "ant")])
def test_what_was_learnt_from_a_part_is_answered_by_its_name(
    folder: Path, tmp_path: Path, labels: tuple[str, ...]
) -> None:
    images = [folder / name / "0.png" for name in ("ant", "cow")]
    model = model_of(labels)
    without = [name for name in labels if name not in ("ant", "cow")]
    said = LACKING.format(f"{', '.join(map(repr, without))} .{len(without)} of {len(labels)} classes.")
    with pytest.warns(ZooWarning, match=said) as found:
        run = trained(model, keep(folder, "ant", "cow"), tmp_path / "run")
    assert len(warned(list(found))) == 1
    answers = zoo.predict(run.model, images)
    assert [answer.label for answer in answers] == ["ant", "cow"]
    assert run.model.labels == labels == zoo.load(run.folder).labels
    assert json.loads((run.folder / "run.json").read_text())["labels"] == [*labels]
    assert all(math.isfinite(row["loss"]) for row in run.history)


@pytest.mark.parametrize("numbered", [False, True])
def test_a_subset_may_lack_a_class(folder: Path, tmp_path: Path, numbered: bool) -> None:
    whole = Images(folder, [*NAMES])
    part = Subset(whole, [i for i, target in enumerate(whole.targets) if target != 1])
    if numbered:
        del whole.classes
    with pytest.warns(ZooWarning, match=LACKING.format("'bee'.*")):
        run = trained(model_of(NAMES), part, tmp_path / "run")
    assert [p.label for p in zoo.predict(run.model, [folder / "cow" / "1.png"])] == ["cow"]


def test_the_validation_may_be_a_smaller_part_than_the_training(folder: Path, tmp_path: Path) -> None:
    for name in ("ant", "bee", "cow"):
        (tmp_path / "split" / "train" / name).mkdir(parents=True)
        for i in range(6):
            shutil.copy(folder / name / f"{i}.png", tmp_path / "split" / "train" / name)
    for name in ("ant", "cow"):
        (tmp_path / "split" / "val" / name).mkdir(parents=True)
        for i in (6, 7):
            shutil.copy(folder / name / f"{i}.png", tmp_path / "split" / "val" / name)
    with pytest.warns(ZooWarning, match=LACKING.format("'dog'.*")):
        run = trained(model_of(("dog", "cow", "bee", "ant")), tmp_path / "split", tmp_path / "run")
    assert run.history[-1]["val_accuracy"] == 1.0


@pytest.mark.parametrize("head", ["multiclass", "ordinal"])
def test_a_class_that_nobody_shows_has_a_finite_weight(folder: Path, tmp_path: Path, head: str) -> None:
    loss = {"name": "cross-entropy", "class_weights": [1.0, 5.0, 2.0]} if head == "multiclass" else None
    model = model_of(("ant", "bee", "cow"), head)
    with pytest.warns(ZooWarning, match=LACKING.format("'bee'.*")) as found:
        run = trained(model, keep(folder, "ant", "cow"), tmp_path / "run", loss=loss, epochs=2)
    assert not [words for words in warned(list(found)) if "unbalanced" in words]
    assert all(math.isfinite(value) for row in run.history for value in row.values())
    assert all(bool(p.isfinite().all()) for p in run.model.parameters())


@pytest.mark.filterwarnings("ignore:no image is of:zoo.errors.ZooWarning")
def test_a_run_on_a_part_is_resumed_and_goes_on_with_all_classes(folder: Path, tmp_path: Path) -> None:
    labels = ("dog", "cow", "bee", "ant")
    whole = shutil.copytree(folder, tmp_path / "whole")
    run = trained(model_of(labels), keep(folder, "ant", "cow"), tmp_path / "run", epochs=2)
    longer = zoo.fit(resume=run.folder, epochs=4, progress=False)
    assert longer.model.labels == labels
    assert [p.label for p in zoo.predict(longer.model, [folder / "ant" / "1.png"])] == ["ant"]
    assert "dog" in (run.folder / "README.md").read_text()
    further = trained(longer.folder, whole, tmp_path / "further", epochs=20)
    images = [whole / name / "0.png" for name in NAMES]
    assert [p.label for p in zoo.predict(further.model, images)] == [*NAMES]


@pytest.mark.filterwarnings("default")
def test_command_line_and_recipe_take_a_part_too(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(folder, "ant", "cow")
    options = ["--data", str(folder), "--epochs", "1", "--batch-size", "8", "--quiet"]
    flags = ["--model", "mlp", "--head", "multiclass", "--classes", "cow,bee,ant", "--input-size", "8"]
    recipe = tmp_path / "recipe.toml"
    model = '[model]\nname = "mlp"\nhead = "multiclass"\nclasses = ["cow", "bee", "ant"]\ninput_size = 8\n'
    recipe.write_text(model)
    for i, asked in enumerate((flags, [str(recipe)])):
        out = tmp_path / f"run{i}"
        with pytest.raises(SystemExit) as ended:
            main(["fit", *asked, *options, "--out", str(out)])
        assert not ended.value.code
        said = LACKING.format("'bee' (1 of 3 classes)")
        assert capsys.readouterr().err.count(f"warning: {said}") == 1
        assert zoo.load(out).labels == ("cow", "bee", "ant")


def test_a_class_that_the_model_lacks_is_refused_with_the_way_to_have_it(
    folder: Path, tmp_path: Path
) -> None:
    keep(folder, "ant", "dog")
    words = "got 1 that it does not know .'dog'.; say zoo.build.*'dog'..; leave these out"
    with pytest.raises(DataError, match=words):
        trained(model_of(("ant", "bee", "cow")), folder, tmp_path / "run")


@pytest.mark.filterwarnings("ignore:unbalanced:zoo.errors.ZooWarning")
def test_masks_whose_names_are_a_part_are_learnt_by_name(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(8):
        mask = rng.integers(0, 2, (4, 4)).repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)
        pixels = np.where(mask[..., None] == 1, 220, 30).astype(np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(root / "images" / f"{i}.png")
        Image.fromarray(mask).save(root / "masks" / f"{i}.png")
    (root / "classes.txt").write_text("road\nsky\n")
    encoder = {"name": "unet_encoder", "widths": [4, 8]}
    labels = ("sky", "tree", "road")
    model = zoo.build("unet", encoder=encoder, classes=labels, input_size=16, seed=0)
    with pytest.warns(ZooWarning, match="no mask has a pixel of 'tree': the model learns nothing of it"):
        run = trained(model, root, tmp_path / "run", batch_size=2, epochs=20)
    answer = zoo.predict(run.model, [root / "images" / "0.png"])[0]
    truth = np.array(Image.open(root / "masks" / "0.png"))
    names = np.array(labels)[np.asarray(answer.mask)]
    assert (names == np.array(["road", "sky"])[truth]).mean() > 0.9
    assert run.model.labels == labels
