"""Options of data: beside a folder, a name or an object; in Python, in a recipe and in a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.data.resolve import resolve
from zoo.data.section import DataSection, WithOptions, data_options, section_of
from zoo.data.splits import split
from zoo.data.view import Grouped, source_of
from zoo.runtime.data_arguments import as_dataset, data_value, kept_value
from zoo.spec.errors import DataError, OptionError, RecipeError
from zoo.spec.recipe import Recipe
from zoo.spec.reference import ComponentRef, PathRef

Make = Callable[..., Path]


def renamed(root: Path, people: int) -> Path:
    """Files called after one of several people, who are each in all classes."""
    for folder in sorted(root.iterdir()):
        for i, file in enumerate(sorted(folder.iterdir())):
            file.rename(folder / f"p{i % people}-{i}{file.suffix}")
    return root


def test_a_table_with_a_path_is_a_folder_with_options(make: Make) -> None:
    root = make({"a": 2, "b": 2})
    found = section_of({"path": str(root), "group": r"p\d"})
    assert found.source == PathRef(str(root))
    assert found.options.group == r"p\d"
    assert found.beside == {"group": r"p\d"}
    assert section_of(found) is found


def test_options_given_apart_join_those_that_data_have() -> None:
    found = section_of(WithOptions({"name": "digits", "per_class": 3}, {"group": "x"}))
    assert found.source == ComponentRef("digits", None, {"per_class": 3})
    assert found.options.group == "x"
    own = object()
    assert section_of(WithOptions(own, {"group": "y"})).source is own
    assert "group" in data_options()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"path": "./photos", "grup": "x"}, "has no option 'grup'.*did you mean group"),
        ({"path": "./photos", "group": "("}, r"bad group: expected a regular expression \("),
        ({"name": "digits", "per_clas": 3}, "has no option 'per_clas'"),
    ],
)
def test_a_wrong_option_is_told(value: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        as_dataset(value)


def test_a_file_that_nothing_reads_is_told(tmp_path: Path) -> None:
    file = tmp_path / "labels.xyz"
    file.write_text("x")
    with pytest.raises(DataError, match=r"labels\.xyz: expected a folder, or a file of .*, got a file"):
        as_dataset(file)


def test_a_recipe_takes_a_path_with_options_and_no_path_that_is_none() -> None:
    model = {"name": "mlp"}
    data = {"path": "./photos", "group": "p[0-9]"}
    assert Recipe.from_dict({"model": model, "data": data}).data == data
    with pytest.raises(RecipeError, match=r"data\.path: expected a file or folder, got 3"):
        Recipe.from_dict({"model": model, "data": {"path": 3}})


def test_what_a_recipe_keeps_of_a_path_is_its_last_part(make: Make) -> None:
    root = make({"a": 2, "b": 2})
    data = {"path": str(root), "group": "p"}
    assert data_value(data) == {"path": f"file:{root.name}", "group": "p"}
    assert data_value(data, whole=True) == {"path": f"file:{root.resolve()}", "group": "p"}
    assert data_value(WithOptions(object(), {"group": "p"})) == {"memory": "object", "group": "p"}
    assert kept_value(WithOptions(object(), {"group": "p"})) == {"group": "p"}
    assert kept_value(object()) is None
    assert data_value({"name": "faces", "group": "p"})["group"] == "p"  # type: ignore[index]


def test_groups_by_name_stay_in_one_split(make: Make) -> None:
    root = renamed(make({"a": 12, "b": 12}), 6)
    data = as_dataset({"path": str(root), "group": r"(p\d+)-"})
    assert isinstance(data, Grouped)
    sides = split(data, 0)
    people = [{data.group_of(i) for i in side} for side in (sides.train, sides.val, sides.test)]
    assert all(people)
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    assert {data.group_of(i) for i in range(len(data))} == {f"p{i}" for i in range(6)}


def test_groups_of_two_parts_of_a_name_are_told_apart(make: Make) -> None:
    root = renamed(make({"a": 4, "b": 4}), 2)
    data = as_dataset({"path": str(root), "group": r"([ab])/(p\d)"})
    assert len({data.group_of(i) for i in range(8)}) == 4


@pytest.mark.parametrize(
    ("pattern", "words"), [("nobody", "'nobody' in no name; names are such as"), ("p", "got all in one")]
)
def test_a_group_that_is_none_is_told(make: Make, pattern: str, words: str) -> None:
    root = renamed(make({"a": 4, "b": 4}), 2)
    with pytest.raises(
        DataError, match=f"data: group: expected two groups or more, {'got ' * (pattern == 'nobody')}{words}"
    ):
        as_dataset({"path": str(root), "group": pattern})


def test_data_with_groups_of_their_own_take_no_others(make: Make) -> None:
    inner = Grouped(as_dataset(renamed(make({"a": 4, "b": 4}), 2)), r"p\d")
    with pytest.raises(
        DataError, match=r"one kind of group, got the data's own .'p0' first. and another; leave out group"
    ):
        resolve(WithOptions(inner, {"group": r"p\d"}), _unasked)
    assert source_of(inner) is inner.source


def test_a_run_keeps_the_options_and_goes_on_with_them(make: Make, tmp_path: Path) -> None:
    root = renamed(make({"a": 12, "b": 12}), 6)
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    zoo.fit(model, root, group=r"p\d", epochs=1, out=tmp_path / "run", progress=False)
    assert model.recipe.data == {"path": f"file:{root.name}", "group": r"p\d"}
    longer = zoo.fit(resume=tmp_path / "run", epochs=2, progress=False)
    assert [row["epoch"] for row in longer.history] == [1, 2]
    with pytest.raises(OptionError, match="expected nothing that the run was begun with, got group"):
        zoo.fit(resume=tmp_path / "run", epochs=3, group="p")


def test_an_object_with_options_goes_on_with_them(make: Make, tmp_path: Path) -> None:
    data = as_dataset(renamed(make({"a": 12, "b": 12}), 6))
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    zoo.fit(model, data, group=r"p\d", epochs=1, out=tmp_path / "run", progress=False)
    longer = zoo.fit(resume=tmp_path / "run", data=data, epochs=2, progress=False)
    assert len(longer.history) == 2


def test_options_without_data_are_asked_for_the_data() -> None:
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    with pytest.raises(DataError, match="fit: expected data, got none"):
        zoo.fit(model, group="x")


def _unasked(ref: object) -> DataSection:
    raise AssertionError
