"""Answers by name: whatever order, part or form the classes of data come in, a label says the same images."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, ZooWarning

NAMES = ("ant", "bee", "cow")
NEARLY_NONE = 1e-12
"""A learning rate."""

TINY = {"in_channels": 3, "input_size": 8, "seed": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for k, label in enumerate(NAMES):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(6):
            pixels = (90 * k + rng.integers(0, 70, (8, 8, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{i}.png")
    return tmp_path / "data"


class Images:
    """The images of a folder as a torch set, in any order of classes."""

    def __init__(self, folder: Path, classes: list[str]) -> None:
        self.classes = classes
        self.items = [(f, classes.index(name)) for name in classes for f in sorted((folder / name).iterdir())]
        self.targets = [target for _, target in self.items]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.open(self.items[index][0]), self.items[index][1]


def model_of(labels: tuple[str, ...], head: str = "multiclass") -> Model:
    """A model whose outputs are of these names, whatever their order."""
    whole = zoo.build("mlp", head=head, classes=NAMES, **TINY)
    model = zoo.build("mlp", head=head, classes=labels, **TINY)
    rows = [NAMES.index(label) for label in labels]
    state = whole.state_dict()
    for name, value in state.items():
        if name.startswith("head") and value.shape[0] == len(NAMES):
            state[name] = value[rows]
    model.load_state_dict(state)
    return model.eval()


def told(found: zoo.Evaluation) -> dict[str, Any]:
    """What an evaluation says, by name alone."""
    names = [*found.labels]
    return {
        "hits": {
            truth: {names[j]: n for j, n in enumerate(found.confusion[i]) if n}
            for i, truth in enumerate(names)
        },
        "wrong": sorted((Path(m.name).parts[-2:], m.label, m.truth) for m in found.worst),
    }


@pytest.mark.parametrize("seed", range(12))
def test_permuted_left_out_and_renamed_folders_change_no_named_answer(folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    whole = told(zoo.evaluate(model_of(NAMES), folder, split="all", progress=False))
    model = model_of(tuple(draw.sample(NAMES, 3)))
    kept = sorted(draw.sample(NAMES, draw.choice([2, 3])))
    for name in {*NAMES} - {*kept}:
        shutil.rmtree(folder / name)
    expected = {
        "hits": {name: whole["hits"][name] if name in kept else {} for name in NAMES},
        "wrong": [wrong for wrong in whole["wrong"] if wrong[2] in kept],
    }
    found = zoo.evaluate(model, folder, split="all", progress=False)
    assert told(found) == expected
    assert found.on.classes == (
        () if len(kept) == 3 else tuple(name for name in found.labels if name in kept)
    )
    other = zoo.evaluate(model, Images(folder, draw.sample(kept, len(kept))), split="all", progress=False)
    assert told(other)["hits"] == expected["hits"]
    label = {Path(p.source).parts[-2:]: p.label for p in zoo.predict(model, folder, progress=False)}
    assert all(label[wrong[0]] == wrong[1] for wrong in expected["wrong"])
    # A name that the model does not know is no answer at all, and never that of another class
    renamed = draw.choice(kept)
    (folder / renamed).rename(folder / f"zz {renamed}")
    with pytest.raises(DataError, match=f"does not know .'zz {renamed}'"):
        zoo.evaluate(model, folder, split="all", progress=False)


def test_figures_say_over_which_classes_they_are(folder: Path) -> None:
    shutil.rmtree(folder / "ant")
    found = zoo.evaluate(model_of(NAMES), folder, split="all", progress=False, metrics=["recall"])
    assert found.on.classes == ("bee", "cow")
    assert "12 images of 2 of 3 classes (bee, cow)" in repr(found)
    assert found.to_dict()["on"]["classes"] == ["bee", "cow"]
    assert found.left_out["recall"] == "no image is of class 0"
    recalls = [found.per_class[name]["recall"] for name in ("bee", "cow")]
    assert found.metrics["balanced_accuracy"] == pytest.approx(sum(recalls) / 2)


def test_one_class_can_be_measured_and_not_be_learnt(folder: Path, tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        shutil.rmtree(folder / name)
    found = zoo.evaluate(model_of(NAMES), folder, split="all", progress=False)
    assert found.on.classes == ("cow",)
    with pytest.raises(DataError, match="expected at least 2 classes, got one, 'cow'"):
        zoo.fit(model_of(NAMES), folder, out=tmp_path / "run")
    two = zoo.build("mlp", head="binary", classes=("ant", "cow"), **TINY)
    left_out = zoo.evaluate(two, folder, split="all", progress=False).left_out
    assert left_out["auroc"] == "no image is of class 0"


def test_a_saved_model_is_trained_further_by_name(folder: Path, tmp_path: Path) -> None:
    first = zoo.fit(
        model_of(("cow", "ant", "bee")), folder, epochs=1, lr=NEARLY_NONE, out=tmp_path / "a", progress=False
    )
    saved = zoo.load(first.folder)
    data = Images(folder, ["bee", "cow", "ant"])
    run = zoo.fit(saved, data, epochs=1, lr=NEARLY_NONE, out=tmp_path / "b", progress=False)
    assert run.model.labels == ("cow", "ant", "bee")
    # Nothing was learnt at such a rate: what differs would be the numbers of the classes
    a, b = (told(zoo.evaluate(m, folder, split="all", progress=False)) for m in (first.model, run.model))
    assert a == b
    loss = zoo.evaluate(saved, folder, split="all", progress=False).metrics["loss"]
    assert zoo.evaluate(saved, data, split="all", progress=False).metrics["loss"] == pytest.approx(loss)


@pytest.mark.filterwarnings("ignore::zoo.errors.ZooWarning")  # of few images to verify
@pytest.mark.parametrize("head", ["multiclass", "embedding"])
def test_a_run_goes_on_with_the_numbers_that_it_began_with(folder: Path, tmp_path: Path, head: str) -> None:
    model = zoo.build("mlp", head=head, classes=3, **TINY)
    options = {"lr": NEARLY_NONE, "epochs": 1, "progress": False}
    begun = zoo.fit(model, Images(folder, [*NAMES]), out=tmp_path / "run", **options)
    assert json.loads((begun.folder / "run.json").read_text())["labels"] == [*NAMES]
    again = zoo.fit(resume=begun.folder, data=Images(folder, ["cow", "ant", "bee"]), epochs=2, progress=False)
    # At such a rate another loss would come of other numbers alone
    assert again.history[1]["val_loss"] == pytest.approx(again.history[0]["val_loss"], rel=1e-4)
    assert again.model.labels == (NAMES if head == "multiclass" else ())


def test_cached_features_have_the_classes_of_the_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    losses = []
    for cache in (False, True):
        with pytest.warns(ZooWarning, match="random weights"):
            model = zoo.build(
                "small_cnn",
                head="multiclass",
                classes=("cow", "ant", "bee"),
                freeze="all",
                **{**TINY, "input_size": 32},
            )
        run = zoo.fit(
            model, folder, epochs=1, lr=NEARLY_NONE, cache=cache, out=tmp_path / f"{cache}", progress=False
        )
        losses.append(run.history[0]["val_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_masks_without_names_are_measured_by_the_names_of_the_model(tmp_path: Path) -> None:
    model = zoo.build(
        "unet", encoder={"name": "unet_encoder", "widths": [4, 8]}, classes=NAMES, input_size=16, seed=0
    )
    for i in range(4):
        for name, values in (
            ("images", np.full((16, 16, 3), 40 * i)),
            ("masks", np.full((16, 16), 2 * (i % 2))),
        ):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / "data" / name / f"{i}.png")
    found = zoo.evaluate(model, tmp_path / "data", split="all", progress=False)
    assert [row["pixels"] for row in found.per_class.values()] == [512, 0, 512]
    assert found.on.classes == ("ant", "cow")
    with pytest.warns(ZooWarning, match="no mask has a pixel of 'bee': the model learns nothing of it"):
        zoo.fit(model, tmp_path / "data", epochs=1, out=tmp_path / "run", progress=False)


class Numbered:
    """Three classes by number, whose names somebody else says."""

    targets = (0, 1, 2) * 4

    def __init__(self, classes: Any) -> None:
        self.classes = classes

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.full((4, 4), index, np.uint8), index % 3


def test_classes_of_a_torch_data_set_are_taken_in_the_order_of_their_numbers() -> None:
    for classes in (
        {2: "cow", 0: "cat", 1: "dog"},
        {"dog": 1, "cow": 2, "cat": 0},
        np.array(["cat", "dog", "cow"]),
    ):
        assert TorchData(Numbered(classes)).labels == ("cat", "dog", "cow")
    assert TorchData(Numbered(3)).labels == ("0", "1", "2")
    for classes in ({"cat", "dog", "cow"}, {"cat": 1, "dog": 2, "cow": 3}, "cat"):
        with pytest.raises(zoo.ZooError, match=r"data Numbered: classes: expected (names in an order|a )"):
            TorchData(Numbered(classes))


def test_classes_of_a_model_have_an_order() -> None:
    made = {"head": "multiclass", "in_channels": 1, "input_size": 8}
    assert zoo.build("mlp", classes={"dog": 1, "cat": 0, "cow": 2}, **made).labels == ("cat", "dog", "cow")
    with pytest.raises(zoo.ZooError, match="expected names in an order, which a set has not"):
        zoo.build("mlp", classes={"dog", "cat", "cow"}, **made)
