"""Data to be measured on, read as those that a model was trained on."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import data as data_command
from zoo.cli import evaluate as evaluate_command
from zoo.cli._flags import Flag, combined
from zoo.data.as_trained import as_trained, in_place
from zoo.data.section import WithOptions, section_of
from zoo.data.view import Grouped
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.spec.data_options import DataOptions, called
from zoo.spec.errors import DataError, OptionError
from zoo.spec.hints.spoken import Spoken, speaking
from zoo.spec.recipe import Recipe

Make = Callable[..., Path]

TRAINED = {
    "name": "core:table", "path": "labels.csv", "image": "file", "target": ["age"], "group": "person",
    "split": None, "order": None, "separator": None, "folder": None, "sampler": "balanced",
}  # fmt: skip


def effective(data: Any, trained: Any) -> dict[str, Any]:
    source = as_trained(data, trained, "evaluate").source
    return {k: v for k, v in source.options.items() if v not in (None, (), [])}


def test_columns_of_the_same_table_are_those_of_the_training() -> None:
    assert effective("./x/labels.csv", TRAINED) == {
        "path": "./x/labels.csv", "image": "file", "target": ["age"], "group": "person"
    }  # fmt: skip
    other = {"path": "./x/labels.csv", "target": "years"}
    assert effective(other, TRAINED)["target"] == "years"


def test_another_table_has_the_sides_of_the_training_where_its_columns_are_there(tmp_path: Path) -> None:
    assert effective("./other.csv", TRAINED)["group"] == "person"
    assert as_trained("./other.csv", TRAINED, "evaluate").unsure == {"group"}
    lines = [f"{i}.png,{i}.5,{'abc'[i % 3]}" for i in range(6)]
    for i in range(6):
        Image.fromarray(np.full((4, 4), i * 40, np.uint8)).save(tmp_path / f"{i}.png")
    for header, group in (("file,age,person", "c"), ("file,age,who", None)):
        (tmp_path / "other.csv").write_text("\n".join([header, *lines]))
        found = as_dataset(
            as_trained(tmp_path / "other.csv", TRAINED, "evaluate"), task=BY_NAME["regression"]
        )
        assert found.group_of(2) == group


def test_options_of_masks_go_along_and_data_of_another_kind_stay() -> None:
    trained = {"path": "file:street", "ignore": 0, "group": "town"}
    found = as_trained("./street", trained, "evaluate")
    assert found.folder.ignore == 0
    assert found.options == DataOptions(group="town")
    assert as_trained("./other", trained, "evaluate").options == DataOptions()
    assert as_trained("./street", TRAINED, "evaluate") == section_of("./street")
    assert as_trained("digits", TRAINED, "evaluate") == section_of("digits")
    own = object()
    assert as_trained(own, TRAINED, "evaluate").source is own


COLUMNS: dict[str, list[Any]] = {
    "file": [np.full((8, 8), i, np.uint8) for i in range(6)],
    "age": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
    "height": [9.5, 8.5, 7.5, 6.5, 5.5, 4.5],
    "person": ["a", "a", "b", "b", "c", "c"],
}
IN_MEMORY = {"memory": "DataFrame", "target": ["age"], "group": "person", "sampler": "balanced"}


def test_what_is_kept_of_columns_in_memory_holds_no_place_and_no_object(tmp_path: Path) -> None:
    colors = tmp_path / "colors.json"
    colors.write_text('{"road": "#804080", "sky": "#000000"}')
    said = {"mask": "file", "folder": str(tmp_path), "colors": str(colors), "group": "person"}
    kept = data_value(WithOptions(COLUMNS, {**said, "fold": "1/2"}))
    table = {"road": "#804080", "sky": "#000000"}
    assert kept == {"memory": "dict", "mask": "file", "colors": table, "group": "person", "fold": "1/2"}
    assert data_value(kept) == kept
    assert data_value({"sources": ["digits", kept]})["sources"][1] == kept  # type: ignore[index, call-overload]
    recipe = Recipe.from_dict({"model": {"name": "mlp"}, "data": kept})
    assert recipe.data == kept
    assert called(kept) == ("dict", False)


def test_columns_are_read_as_those_in_memory_were_that_a_model_was_trained_on() -> None:
    found = as_trained(COLUMNS, IN_MEMORY, "evaluate")
    assert found.beside == {"target": ["age"], "group": "person"}
    assert found.unsure == {"group"}
    read = as_dataset(found, task=BY_NAME["regression"])
    assert read.labels == ("age",)
    assert [read.group_of(i) for i in range(6)] == COLUMNS["person"]
    # Of others there are no such groups, and what is said goes before what is known
    less = {name: column for name, column in COLUMNS.items() if name != "person"}
    other = as_dataset(as_trained(WithOptions(less, {"target": "height"}), IN_MEMORY, "evaluate"))
    assert (other.labels, other.group_of(0)) == (("height",), None)
    parts = as_dataset(as_trained({"train": COLUMNS, "test": less}, IN_MEMORY, "evaluate"))
    assert [parts.group_of(i) is None for i in (0, 6)] == [False, True]
    with pytest.raises(DataError, match=r"target: expected a column among 'file'.*, got 'age'"):
        as_dataset(as_trained({"file": COLUMNS["file"], "height": COLUMNS["height"]}, IN_MEMORY, "evaluate"))


def test_tables_in_files_and_in_memory_are_read_alike(tmp_path: Path) -> None:
    assert effective("./x/labels.csv", IN_MEMORY) == {
        "path": "./x/labels.csv", "target": ["age"], "group": "person"
    }  # fmt: skip
    assert as_trained(COLUMNS, TRAINED, "evaluate").beside == {
        "image": "file", "target": ["age"], "group": "person"
    }  # fmt: skip
    table = tmp_path / "labels.csv"
    table.write_text("file,age\n" + "".join(f"{i}.png,{i}.5\n" for i in range(6)))
    for i in range(6):
        Image.new("L", (8, 8), i).save(tmp_path / f"{i}.png")
    read = as_dataset(as_trained(table, IN_MEMORY, "evaluate"))
    assert (read.labels, read.group_of(0)) == (("age",), None)
    for other in ("./photos", "digits"):
        assert as_trained(other, IN_MEMORY, "evaluate") == section_of(other)


def test_groups_by_name_hold_where_names_have_them() -> None:
    known = {"memory": "list", "group": r"p\d", "target": ["age"]}
    pairs = [(np.zeros((8, 8), np.uint8), "b"), (np.ones((8, 8), np.uint8), "a")]
    assert as_trained(pairs, known, "evaluate").beside == {"group": r"p\d"}
    assert as_dataset(as_trained(pairs, known, "evaluate")).group_of(0) is None
    rows = as_dataset(as_trained(pairs, {**known, "group": r"\d"}, "evaluate"))
    assert isinstance(rows, Grouped)


def test_data_take_the_place_of_those_in_memory_in_a_recipe() -> None:
    assert section_of(in_place(COLUMNS, IN_MEMORY)).beside == {
        "target": ["age"], "group": "person", "sampler": "balanced"
    }  # fmt: skip
    assert in_place("labels.csv", IN_MEMORY) == "labels.csv"
    assert in_place(COLUMNS, TRAINED) is COLUMNS
    several = {"sources": [{"memory": "dict", "classes": {"b": "c"}}, "digits"], "group": "source"}
    found = in_place({"sources": [COLUMNS, "digits"]}, several)
    assert data_value(found) == data_value(several)
    with pytest.raises(DataError, match=r"data: expected the DataFrame that was in memory.*; give them, or"):
        as_dataset(IN_MEMORY)
    with (
        speaking(Spoken(way="shell")),
        pytest.raises(DataError, match=r"none; train it in Python with data=\.\.\., or on a file: --data"),
    ):
        as_dataset(IN_MEMORY)
    flag = Flag("data", ("data",), "labels.csv")
    assert combined({"model": {"name": "mlp"}, "data": IN_MEMORY}, [flag], [])["data"] == "labels.csv"


def test_a_model_trained_in_memory_is_measured_on_its_own_test_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / "images" / f"{i}.png")
    rows = [{"file": f"{i}.png", "age": i % 7 + 0.5, "target": 0.5, "who": f"p{i // 4}"} for i in range(40)]
    recipe: Any = {"model": {"name": "mlp", "head": "regression", "input_size": 8, "in_channels": 1}}
    own: Any = {"folder": str(tmp_path / "images")}
    how: Any = {"progress": False}
    run = zoo.fit(
        recipe, rows, target="age", group="who", seed=0, epochs=1, out=tmp_path / "run", **own, **how
    )  # fmt: skip
    recipe = zoo.load(tmp_path / "run").recipe
    assert recipe.data == {"memory": "list", "target": ["age"], "group": "who"}
    assert str(tmp_path) not in (tmp_path / "run" / "config.json").read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = zoo.evaluate(tmp_path / "run", rows, **own, **how)
    assert found.on.hash == recipe.data_hash
    again = zoo.fit(recipe, rows, out=tmp_path / "again", **own, **how)
    assert again.metrics == run.metrics
    with pytest.raises(DataError, match=r"40 of 40 missing .*; say from where paths are read: folder="):
        zoo.evaluate(run.model, rows, **how)
    with pytest.raises(OptionError, match=r"evaluate: foldr: expected options of data.* did you mean folder"):
        zoo.evaluate(run.model, rows, foldr="images")


def test_a_sampler_is_of_training_alone() -> None:
    with pytest.raises(OptionError, match="evaluate: sampler: expected no such option"):
        as_trained({"path": "./street", "sampler": "balanced"}, None, "evaluate")


def test_a_model_is_measured_on_its_own_test_split_without_a_word(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 7}.5,{i % 3}.5,p{i // 4}\n" for i in range(40))
    (tmp_path / "labels.csv").write_text("file,age,target,person\n" + rows)
    recipe = {"model": {"name": "mlp", "head": "regression", "input_size": 8, "in_channels": 1}, "seed": 0}
    data = tmp_path / "labels.csv"
    zoo.fit(recipe, data, target="age", group="person", epochs=1, out=tmp_path / "run", progress=False)
    found = zoo.evaluate(tmp_path / "run", data, progress=False)
    assert found.on.data["target"] == ["age"]  # type: ignore[index, call-overload]
    assert found.on.hash == zoo.load(tmp_path / "run").recipe.data_hash
    # Of other targets there are other splits, which is warned of
    warnings.simplefilter("ignore")
    shown = CliRunner().invoke(
        evaluate_command.command, [str(tmp_path / "run"), str(data), "--json", "--set", "target=target"]
    )
    assert shown.exit_code == 0, shown.output
    assert '"target"' in shown.output
    looked = CliRunner().invoke(data_command.command, [str(data), "--set", "target=age", "--as", "values"])
    assert "task regression" in looked.output
    with pytest.raises(OptionError, match="expected a folder, or classes, labels, values, masks of a table"):
        CliRunner().invoke(data_command.command, ["digits", "--as", "values"], catch_exceptions=False)
