"""What the verbs have in common: what they take by one name, and what they return."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

import zoo
from zoo.data.splits import NAMES, Split
from zoo.errors import ZooError
from zoo.runtime.arguments import BATCH_SIZE
from zoo.runtime.processes import PRECISIONS, Precision
from zoo.spec.kinds import KINDS, KindName

NAMED = ("fit", "evaluate", "predict", "latents", "verify", "sample", "list", "info")
VERBS = {name: getattr(zoo, name) for name in NAMED}


def parameters(name: str) -> Any:
    return inspect.signature(VERBS[name]).parameters


def test_words_that_editors_complete_are_those_that_are_taken() -> None:
    assert get_args(KindName) == tuple(KINDS)
    assert get_args(Split) == (*NAMES, "all")
    assert get_args(Precision) == PRECISIONS


@pytest.mark.parametrize(
    ("argument", "words"), [("split", "Split"), ("kind", "KindName"), ("precision", "Precision")]
)
def test_each_verb_says_which_words_it_takes(argument: str, words: str) -> None:
    said = {name: parameters(name)[argument].annotation for name in VERBS if argument in parameters(name)}
    assert said
    for name, annotation in said.items():
        assert words in annotation, name


def test_one_batch_size_where_nothing_is_trained() -> None:
    said = {
        name: parameters(name)["batch_size"].default for name in VERBS if "batch_size" in parameters(name)
    }
    assert said.keys() >= {"evaluate", "predict", "latents"}
    assert {*said.values()} == {BATCH_SIZE}


def test_freezing_returns_what_was_frozen_as_torchs_own_verbs_do() -> None:
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
    pair = zoo.build("dcgan", in_channels=1, input_size=16, seed=0)
    for part in (model, model.backbone, model.backbone.block1, pair, pair.discriminator):
        given = () if part is model.backbone.block1 else ("none",)
        assert part.freeze(*given) is part
        assert part.freeze(*given) is part  # where there is nothing left to do, too
        assert part.unfreeze() is part
        assert part.unfreeze() is part


def test_a_folder_is_not_called_like_an_image(tmp_path: Path) -> None:
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
    data, wrong = {"name": "faces", "per_class": 8}, tmp_path / "run.png"
    for verb in (
        lambda: zoo.fit(model, data, epochs=1, out=wrong),
        lambda: zoo.evaluate(model, data, out=wrong),
        lambda: zoo.save(model, wrong),
    ):
        with pytest.raises(ZooError, match=r"run\.png: expected a folder's name, got an image's; say .*run$"):
            verb()
    assert not wrong.exists()


def test_an_image_is_not_called_like_a_folder(tmp_path: Path) -> None:
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
    with pytest.raises(ZooError, match="expected the name of an image"):
        zoo.predict(model, torch.rand(1, 32, 32).numpy().transpose(1, 2, 0), out=tmp_path / "drawn")


def test_models_are_in_inference_mode_when_they_are_built_and_when_they_are_loaded(tmp_path: Path) -> None:
    built = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
    assert not any(module.training for module in built.modules())
    zoo.save(built.train(), tmp_path / "saved")
    assert not any(module.training for module in zoo.load(tmp_path / "saved").modules())
