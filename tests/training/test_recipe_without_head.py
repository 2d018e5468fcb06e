"""A recipe that says no head: the data choose it, and a line says which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zoo
from zoo.errors import DataError, TrainingError, ZooWarning
from zoo.spec.recipe import Recipe
from zoo.training.recipe_data import with_data

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
BARE = Recipe.from_dict({"model": {"name": "small_cnn", "input_size": 8}})


@pytest.mark.parametrize(
    ("targets", "head", "named"),
    [
        (["cat", "dog"] * 6, "binary", "cat, dog"),
        (["a", "b", "c"] * 4, "multiclass", "a, b, c"),
        ([["a"], ["a", "b"]] * 6, "multilabel", "a, b"),
        ([0.5 + i for i in range(12)], "regression", ""),
    ],
)
def test_the_data_choose_the_head(targets: list[Any], head: str, named: str) -> None:
    with pytest.warns(ZooWarning, match=rf"no head was given: {head} is taken, as fits the data .*{named}"):
        filled, _ = with_data(BARE, [*zip(IMAGES, targets, strict=True)])
    assert zoo.build(filled).task.name == head  # type: ignore[union-attr]


def test_a_head_that_is_given_is_not_spoken_of(recwarn: pytest.WarningsRecorder) -> None:
    given = Recipe.from_dict({"model": {"name": "small_cnn", "head": "multiclass", "input_size": 8}})
    filled, _ = with_data(given, [*zip(IMAGES, ["cat", "dog"] * 6, strict=True)])
    assert zoo.build(filled).task.name == "multiclass"  # type: ignore[union-attr]
    assert not [w for w in recwarn if "head" in str(w.message)]


def test_a_saved_head_that_is_left_aside_is_said(tmp_path: Any) -> None:
    model = zoo.build("small_cnn", head="binary", classes=["x", "y"], input_size=8, seed=0)
    place = str(zoo.save(model, tmp_path / "saved"))
    recipe = Recipe.from_dict({"model": {"name": place}})
    with pytest.warns(
        ZooWarning, match=r"saved with is left aside, and zoo\.fit\('.*saved', data\) keeps it"
    ):
        filled, _ = with_data(recipe, [*zip(IMAGES, ["a", "b", "c"] * 4, strict=True)])
    assert zoo.build(filled).labels == ("a", "b", "c")


def test_masks_need_a_model_of_their_own() -> None:
    expected = "expected a head for segmentation, as the data are, got none; take a model for it: .*unet"
    with pytest.raises(TrainingError, match=expected):
        with_data(BARE, {"name": "shapes", "count": 8})


def test_images_alone_choose_nothing(tmp_path: Any) -> None:
    with pytest.raises(DataError, match="expected the column of what is to be learnt"):
        zoo.fit(BARE, IMAGES, out=tmp_path / "run", progress=False)


def test_a_mask_beside_an_image_of_its_length_is_told_apart_by_the_model(tmp_path: Any) -> None:
    masks = np.zeros((12, 8, 8), np.uint8)
    with pytest.raises(DataError, match="a mask needs a model for masks"):
        zoo.fit(BARE, [*zip(IMAGES, masks, strict=True)], out=tmp_path / "run", progress=False)
