"""Recipes in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.spec.errors import RecipeError
from zoo.spec.recipe import Recipe


@pytest.mark.parametrize(("name", "form"), [("r.json", "JSON"), ("r.JSON", "JSON"), ("r.toml", "TOML")])
def test_a_broken_file_is_said_to_lack_the_form_that_its_name_promises(
    tmp_path: Path, name: str, form: str
) -> None:
    (tmp_path / name).write_text("{")
    with pytest.raises(RecipeError, match=f"{name}: expected {form}, got"):
        Recipe.from_file(tmp_path / name)


def test_a_json_file_is_read_however_its_name_is_written(tmp_path: Path) -> None:
    (tmp_path / "r.JSON").write_text('{"model": {"name": "vgg16"}}')
    assert Recipe.from_file(tmp_path / "r.JSON").model.name == "vgg16"


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"model": {"name": "net", "channels": [4]}}, "stands in model.options: options = {channels = ...}"),
        (
            {"model": {"name": "net"}, "trainer": {"epochs": 2}},
            "recipe: trainer: expected the name of a trainer beside its options, got {'epochs': 2}; "
            "add name = ..., one of zoo list trainer",
        ),
        (
            {"model": {"name": "net"}, "augment": ["flip", {"share": 1}]},
            "recipe: augment: expected the name of",
        ),
        ({"model": {"name": "net", "freez": "all"}}, "did you mean freeze"),
        ({"model": {"name": "net", "pretrained": True}}, "zoo calls it weights"),
    ],
)
def test_what_stands_in_the_wrong_place_is_answered_with_the_right_one(table, line):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(table)
    assert line in str(caught.value)


def test_classes_named_in_other_bytes_are_plain_data_too() -> None:
    recipe = Recipe.from_dict({"model": {"name": "mlp", "classes": ["caf\udce9", "b"]}})
    found = recipe.to_dict()
    assert found["model"]["classes"] == ["caf\udce9", "b"]
    plain = Recipe.from_dict({"model": {"name": "mlp", "classes": ["cafe", "b"]}}).to_dict()
    assert found == {**plain, "model": {**plain["model"], "classes": ["caf\udce9", "b"]}}
    assert Recipe.from_dict(found) == recipe
