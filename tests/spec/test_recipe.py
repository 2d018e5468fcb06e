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
