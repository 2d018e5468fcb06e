"""Folders that cannot be read or written: one line of zoo's own, and nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import FormatError, PluginError, RecipeError, SaveError, WeightsError, ZooError
from zoo.spec.inputs import InputSpec

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@pytest.fixture
def folder(tmp_path, make):
    return zoo.save(make("mlp"), tmp_path / "model")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(action, kind: type[ZooError], message: str, folder: Path) -> None:
    """The action fails in one line, and the folder is as it was."""
    before = content(folder)
    with pytest.raises(kind, match=message) as caught:
        action(folder)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert content(folder) == before


def edited(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    for path, value in changes.items():
        *inside, last = path.split("__")
        table = config
        for key in inside:
            table = table[key]
        if value is None:
            del table[last]
        else:
            table[last] = value
    (folder / CONFIG).write_text(json.dumps(config))


TEXTS = {
    "not JSON": ("model = vgg16", "expected JSON"),
    "nothing": ("", "expected JSON"),
    "braces": ("{" * 100_000, "expected JSON"),
    "brackets": ("[" * 100_000, "expected JSON"),
    "nested": ('{"a":' * 100_000 + "1" + "}" * 100_000, "expected JSON"),
    "a huge number": ('{"format": ' + "9" * 10_000 + "}", "expected JSON"),
    "too large": (" " * (8 << 20) + "{}", "at most 8,388,608 bytes, got 8,388,610"),
    "a list": ("[]", "not a model saved by zoo"),
    "another library's": ('{"architecture": "resnet18", "num_classes": 1000}', "not a model saved by zoo"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_a_config_that_is_none(folder, text, message):
    (folder / CONFIG).write_text(text)
    refused(zoo.load, FormatError, message, folder)


def test_a_config_that_is_no_text(folder):
    (folder / CONFIG).write_bytes(b'{"format": 1, "zoo": "\xff"}')
    refused(zoo.load, FormatError, "expected JSON", folder)


@pytest.mark.parametrize("depth", [50, 200, 400, 800, 990])
def test_options_nested_without_end(folder, depth):
    text = (folder / CONFIG).read_text()
    nested = '{"a":' * depth + "1" + "}" * depth
    (folder / CONFIG).write_text(text.replace('"hidden"', f'"deep": {nested}, "hidden"'))
    with pytest.raises(ZooError) as caught:
        zoo.load(folder)
    assert "\n" not in str(caught.value)


CHANGES = {
    "newer": ({"format": 99}, FormatError, "got format 99; bring"),
    "no format": ({"format": None}, FormatError, "not a model saved by zoo"),
    "no recipe": ({"recipe": None}, FormatError, "recipe as a table"),
    "recipe of another kind": ({"recipe": [1]}, FormatError, "recipe as a table"),
    "no plugins": ({"plugins": {}}, FormatError, "plugins as versions by distribution"),
    "plugins of another kind": ({"plugins": ["zoo-basic"]}, FormatError, "plugins as versions"),
    "a version of another kind": ({"plugins": {"zoo-basic": {"a": 1}}}, FormatError, "plugins as versions"),
    "a command as plugin": ({"plugins": {"x; rm -rf ~": "1"}}, FormatError, "plugins as versions"),
    "an option of pip": ({"plugins": {"--index-url=http://x": "1"}}, FormatError, "plugins as versions"),
    "labels of another kind": ({"labels": 3}, FormatError, "labels as a list of texts"),
    "labels that are numbers": ({"labels": [1, 2]}, FormatError, "labels as a list of texts"),
    "metrics of another kind": ({"metrics": [1]}, FormatError, "metrics as numbers"),
    "metrics that are texts": ({"metrics": {"val": {"accuracy": "high"}}}, FormatError, "metrics as numbers"),
    "an origin of another kind": ({"origin": {"a": 1}}, FormatError, "origin as a text"),
    "an input spec of another kind": ({"input__channels": "three"}, FormatError, "input spec"),
    "an input spec that does not fit": ({"input__mean": [0.5, 0.5]}, FormatError, "bad mean"),
    "an input spec with more": ({"input__colour": "RGB"}, FormatError, "input spec"),
    "an unknown section": ({"recipe__run": "os.system"}, RecipeError, "run"),
    "an unknown option": ({"recipe__model__options__depth": 3}, ZooError, "depth"),
    "a value that does not fit": ({"recipe__model__classes": -1}, RecipeError, "classes"),
    "an unknown component": ({"recipe__model__name": "mlq"}, ZooError, "mlp"),
    "a path as component": ({"recipe__model__name": "./other"}, ZooError, "other"),
    "a class as component": ({"recipe__model__name": "os.path:join"}, ZooError, "os.path"),
    "another network": ({"recipe__model__options__hidden": [16, 9]}, WeightsError, "another shape"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "kind", "message"), CHANGES.values(), ids=CHANGES)
def test_a_config_that_does_not_fit(folder, changes, kind, message):
    edited(folder, **changes)
    before = content(folder)
    with pytest.raises(kind, match=message) as caught:
        zoo.load(folder)
    assert "\n" not in str(caught.value)
    assert content(folder) == before


def test_a_missing_plugin_is_named_with_its_version_and_the_command(folder):
    edited(
        folder,
        plugins={"zoo-basic": "0.1.0", "zoo-quantum": "2.3", "zoo-core": "0.1.0", "zoo-warp": "1!1.0+c"},
    )
    message = (
        r"zoo-quantum==2.3, zoo-warp==1!1.0\+c.* install zoo-quantum 2.3 from .* install zoo-warp 1!1.0\+c"
    )
    refused(zoo.load, PluginError, message, folder)


def keys(folder: Path, change) -> None:
    state = load_file(folder / WEIGHTS)
    state = {k: t.clone() for k, t in state.items()}
    change(state)
    (folder / WEIGHTS).unlink()
    save_file(state, folder / WEIGHTS)


def renamed(state):
    state["head.other"] = state.pop("head.last.bias")


def reshaped(state):
    state["head.last.bias"] = torch.zeros(7)


def test_missing_and_unexpected_tensors_are_listed(folder):
    keys(folder, renamed)
    refused(zoo.load, WeightsError, "1 missing: head.last.bias; 1 unexpected: head.other", folder)


def test_tensors_of_another_shape_are_listed(folder):
    keys(folder, reshaped)
    refused(zoo.load, WeightsError, r"1 of another shape: head.last.bias \(7,\) for \(3,\)", folder)


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
@pytest.mark.parametrize("copy", [False, True])
def test_truncated_weights(folder, keep, copy):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:keep])
    refused(lambda f: zoo.load(f, copy=copy), WeightsError, "cannot be read.*fetch or save it again", folder)


def test_weights_that_are_a_pickle(folder):
    torch.save({"a": torch.zeros(3)}, folder / WEIGHTS)
    refused(zoo.load, WeightsError, "cannot be read", folder)


@pytest.mark.parametrize(("file", "kind"), [(WEIGHTS, WeightsError), (CONFIG, FormatError)])
def test_a_missing_file(folder, file, kind):
    (folder / file).unlink()
    refused(zoo.load, kind, "no such file|a folder without it", folder)


@pytest.mark.parametrize(("file", "kind"), [(WEIGHTS, WeightsError), (CONFIG, FormatError)])
def test_a_folder_in_the_place_of_a_file(folder, file, kind):
    (folder / file).unlink()
    (folder / file).mkdir()
    refused(zoo.load, kind, file, folder)


@pytest.mark.parametrize("path", ["nowhere", "a file"])
def test_no_folder_at_all(tmp_path, path):
    (tmp_path / "a file").write_text("")
    refused(lambda f: zoo.load(f / path), FormatError, "not a saved model", tmp_path)


FOREIGN = {
    CONFIG: '{"architecture": "resnet18"}',
    "README.md": "# My notes",
    WEIGHTS: "weights of mine",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_with_other_files_of_these_names_is_not_written(tmp_path, make, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text(FOREIGN[name])
    refused(
        lambda f: zoo.save(make("mlp"), f),
        SaveError,
        f"other files named {name}; choose another",
        tmp_path / "mine",
    )


def test_a_file_in_the_place_of_the_folder(tmp_path, make):
    (tmp_path / "file").write_text("mine")
    refused(lambda f: zoo.save(make("mlp"), f / "file"), SaveError, "expected a folder, got a file", tmp_path)
    refused(lambda f: zoo.save(make("mlp"), f / "file" / "model"), SaveError, "cannot save", tmp_path)


def test_a_folder_that_only_holds_other_names_is_taken(tmp_path, make):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.txt").write_text("mine")
    zoo.load(zoo.save(make("mlp"), tmp_path / "run"))
    assert (tmp_path / "run" / "log.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "thing", [torch.nn.Linear(2, 2), Model(task=None, input_spec=InputSpec()), "vgg16", None]
)
def test_what_is_no_model_is_not_saved(tmp_path, thing):
    refused(lambda f: zoo.save(thing, f / "model"), SaveError, "expected a model from zoo.build", tmp_path)


def test_tensors_of_a_type_that_the_format_does_not_know_are_not_saved(tmp_path, make):
    model = make("mlp")
    weight = model.head.last.weight
    model.head.last.weight = torch.nn.Parameter(weight.detach().to(torch.complex64))
    refused(lambda f: zoo.save(model, f / "model"), SaveError, "complex64", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_many_classes_is_read_again(tmp_path, make):
    labels = tuple(f"class number {i} of very many" for i in range(15_000))
    folder = zoo.save(make("mlp", classes=labels), tmp_path / "many")
    assert (folder / CONFIG).stat().st_size > 1 << 20
    assert zoo.load(folder).labels == labels


UNREADABLE = {
    "too much": (("a" * (8 << 20), "b", "c"), "at most 8388608 bytes, got 8[0-9]+; shorten the labels"),
    "numbers": ((1, 2, 3), r"expected labels as a list of texts, got \[1, 2, 3\]"),
    "bytes": ((b"a", b"b", b"c"), "expected plain data, got Object of type bytes"),
}


@pytest.mark.parametrize(("labels", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_not_be_read_again_is_refused_before_anything_is_written(tmp_path, make, labels, message):
    model = make("mlp")
    model.labels = labels
    with pytest.raises(SaveError, match=f"cannot save to .*/new: .*{message}"):
        zoo.save(model, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_model_without_a_hash_of_its_weights_is_refused(folder):
    edited(folder, sha256=None)
    refused(zoo.load, FormatError, "expected sha256 as 64 hexadecimal digits, got None", folder)
    refused(lambda f: zoo.pull(f"file:{f}"), FormatError, "expected sha256 as 64 hexadecimal", folder)
