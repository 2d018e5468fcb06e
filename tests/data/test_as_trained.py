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
from zoo.data.as_trained import as_trained
from zoo.data.section import section_of
from zoo.spec.data_options import DataOptions
from zoo.spec.errors import OptionError

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


def test_sides_of_another_table_are_its_own() -> None:
    assert effective("./other.csv", TRAINED) == {"path": "./other.csv", "image": "file", "target": ["age"]}


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
