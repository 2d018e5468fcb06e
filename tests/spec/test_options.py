"""Pydantic's complaints in one line of ours."""

from __future__ import annotations

import pytest

from zoo.compose.parts import part
from zoo.spec.errors import OptionError, ZooError
from zoo.spec.recipe import Recipe


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1}, "bad lr: expected greater than 0, got -1"),
        ({"lr": "fast"}, "bad lr: .*got 'fast'"),
        ({"lr": {"head": -1}}, r"bad lr\.head: expected greater than 0, got -1"),
        ({"epochs": 0}, "bad epochs: expected greater than 0, got 0"),
        ({"optimizer": "adamm"}, "bad optimizer: expected adam, .*, muon, got 'adamm'; did you mean adam"),
        ({"epocs": 3}, "has no option 'epocs'.*did you mean epochs"),
    ],
)
def test_an_option_that_does_not_fit_is_named_with_what_would(options, message):
    with pytest.raises(OptionError, match=message):
        part("trainer", {"name": "supervised", **options})


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"pool": "mean"}, "got 'mean'; zoo calls it 'avg'"),
        ({"pool": "gap"}, "; zoo calls it 'avg'"),
        ({"pool": "CLS"}, "; zoo calls it 'token'"),
        ({"pool": "avg_max"}, "; did you mean 'avgmax'"),
        ({"activation": "ReLU"}, "; did you mean 'relu'"),
        # No choice is called so by anybody
        ({"activation": "mean"}, "got 'mean'$"),
        ({"pool": 3}, "got 3$"),
    ],
)
def test_a_choice_that_others_call_otherwise_is_answered_by_its_name(options, hint):
    with pytest.raises(OptionError, match=hint):
        part("head", {"name": "binary", **options})


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (
            "loss",
            {"name": "cross-entropy", "class_weights": "balance"},
            "expected 'balanced' or a list, got 'balance'; did you mean 'balanced'",
        ),
        ("loss", {"name": "cross-entropy", "class_weights": 2}, "expected a list, got 2$"),
        ("augmenter", {"name": "sharpen", "factor": 2}, r"expected a list, such as \[1\.0, 3\.0\], got 2$"),
    ],
)
def test_a_list_is_asked_for_with_the_words_that_may_stand_there(kind, value, message):
    with pytest.raises(OptionError, match=message):
        part(kind, value)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({}, "lacks 'model'"),
        ({"modl": {"name": "vgg16"}}, "'model'|'modl'"),
        ({"model": {"name": "vgg16", "hed": "binary"}}, r"model\.hed"),
        (
            {"model": {"name": "vgg16", "classes": 0}},
            r"bad model\.classes: .*equal to 1",
        ),
        ({"model": {"name": "vgg16", "freeze": "block4-1"}}, "expected block1-4"),
        ({"model": {"name": "vgg16"}, "data": 3}, "reference: expected a component"),
        ({"model": {"name": "vgg16"}, "seed": "x"}, "bad seed"),
    ],
)
def test_a_recipe_that_cannot_be_read_says_where(recipe, message):
    with pytest.raises(ZooError, match=message) as caught:
        Recipe.from_dict(recipe)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["model = ", "{" * 100_000, '{"model": ' * 10_000])
def test_a_recipe_file_that_is_no_recipe_is_refused(tmp_path, text):
    for name in ("recipe.toml", "recipe.json"):
        (tmp_path / name).write_text(text)
        with pytest.raises(ZooError, match="recipe"):
            Recipe.from_file(tmp_path / name)


def test_a_recipe_survives_toml_and_json(tmp_path):
    data = {
        "model": {"name": "vgg16", "head": {"name": "binary", "hidden": [256]}, "input_size": [150, 150]},
        "data": "faces",
        "augment": ["photo", {"name": "noise", "std": 0.1}],
        "trainer": {"name": "supervised", "epochs": 3},
        "seed": 1,
    }
    recipe = Recipe.from_dict(data)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.to_dict() == data
