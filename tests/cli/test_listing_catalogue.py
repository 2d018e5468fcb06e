"""`zoo catalogue`: writes, merges, checks."""

from __future__ import annotations

import json
import re

import pytest

STUB = """
import sys, types
stub = types.ModuleType("zoo.compose.catalogue_facts")
stub.component_facts = lambda component: {"parameters": 5}
sys.modules["zoo.compose.catalogue_facts"] = stub
from zoo.cli import main
main(sys.argv[1:])
"""


def run(shelf, *arguments):
    return shelf._run(["-c", STUB, *map(str, arguments)], {})


def project(shelf, tmp_path):
    folder = tmp_path / "zoo-new"
    (folder / "src").mkdir(parents=True)
    type(shelf)(folder / "src").plugin("zoo-new", "net")
    (folder / "pyproject.toml").write_text(
        '[project]\nname="zoo-new"\nentry-points.zoo={new="zoo_new.plugin"}\n'
    )
    return folder, folder / "src" / "zoo_new" / "catalogue.json"


def test_it_writes_once_and_is_then_up_to_date(shelf, tmp_path):
    folder, file = project(shelf, tmp_path)
    registry = tmp_path / "registry.json"
    answer = run(shelf, "catalogue", folder, "--merge", registry)
    assert answer.returncode == 0, answer.stderr
    made = json.loads(file.read_text())
    assert made["components"][0]["facts"] == {"parameters": 5}
    # The registry knows besides where a project lies that is beside it.
    assert json.loads(registry.read_text()) == {"format": 1, "distributions": [{**made, "where": "zoo-new"}]}
    assert run(shelf, "catalogue", folder, "--merge", registry).stdout == "up to date: 2 files\n"


def test_check_writes_nothing_and_names_what_differs(shelf, tmp_path):
    folder, file = project(shelf, tmp_path)
    answer = run(shelf, "catalogue", folder, "--check")
    assert (answer.returncode, file.exists()) == (1, False)
    assert f"out of date: {file}: it does not exist" in answer.stderr
    run(shelf, "catalogue", folder)
    assert run(shelf, "catalogue", folder, "--check").returncode == 0
    data = json.loads(file.read_text())
    data["components"][0]["summary"] = "Old."
    file.write_text(json.dumps(data))
    answer = run(shelf, "catalogue", folder, "--check")
    assert "backbone 'net' (summary)" in answer.stderr
    assert json.loads(file.read_text()) == data


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class Net", "class Other", "head 'net': zoo_new.net has no 'Net'"),
        ("class Net", "import nothing_there\nclass Net", "a module that it needs is missing"),
        (
            "class Net",
            "1 / 0\nclass Net",
            r"importing zoo_new.net raised ZeroDivisionError: .*net.py, line 1",
        ),
    ],
)
def test_a_target_that_cannot_be_had_is_found(shelf, tmp_path, old, new, said):
    folder, file = project(shelf, tmp_path)
    row = {"kind": "head", "name": "net", "target": "zoo_new.net:Net", "summary": "A net."}
    type(shelf)(folder / "src").plugin("zoo-new", rows=[row])
    module = file.parent / "net.py"
    module.write_text(module.read_text().replace(old, new))
    answer = run(shelf, "catalogue", folder)
    assert (answer.returncode, file.exists()) == (2, False)
    assert re.search(said, answer.stderr), answer.stderr


def test_a_folder_that_is_no_plugin_is_one_line(shelf, tmp_path):
    answer = run(shelf, "catalogue", tmp_path)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "expected a folder with a pyproject.toml" in answer.stderr


OPTIONS = """
from pydantic import Field
from zoo import Options


class NetOptions(Options):
    width: int = Field({}, description="Channels.")
"""


@pytest.mark.slow
def test_the_check_of_plugins_finds_a_catalogue_whose_facts_are_old(shelf, tmp_path):
    root = tmp_path / "shelf"
    (root / "pyproject.toml").write_text(
        '[project]\nname="zoo-new"\nentry-points.zoo={new="zoo_new.plugin"}\n'
    )
    row = {"kind": "head", "name": "net", "target": "zoo_new.net:Net", "summary": "A net."}
    folder = shelf.plugin("zoo-new", rows=[{**row, "config": "zoo_new.config:NetOptions"}])
    (folder / "config.py").write_text(OPTIONS.format(8))
    assert shelf.zoo("catalogue", root).returncode == 0
    answer = shelf.zoo("plugins", "--check")
    assert (answer.returncode, "error" in answer.stdout) == (0, False), answer.stdout
    (folder / "config.py").write_text(OPTIONS.format(16))
    assert shelf.zoo("catalogue", root, "--check").returncode == 1
    answer = shelf.zoo("plugins", "--check")
    assert answer.returncode == 1
    step = f"run zoo catalogue {root}"
    assert f"error: zoo-new 1.0: its catalogue is out of date: facts of head 'net'; {step}\n" in answer.stdout


@pytest.mark.slow
def test_the_check_of_plugins_finds_a_recipe_that_the_catalogue_does_not_list(shelf):
    folder = shelf.plugin("zoo-new", rows=[], catalogue=True)
    assert shelf.zoo("plugins", "--check").returncode == 0
    (folder / "recipes").mkdir()
    (folder / "recipes" / "small.toml").write_text("")
    assert "out of date: recipes" in shelf.zoo("plugins", "--check").stdout


def test_tiny_options_that_are_none_are_refused(shelf, tmp_path):
    folder, file = project(shelf, tmp_path)
    plugin = folder / "src" / "zoo_new" / "plugin.py"
    row = '{"kind": "trainer", "name": "net", "target": "zoo_new.net:Net", "summary": "s", "tiny": {"a": 1}}'
    plugin.write_text(
        f"import zoo\n\n@zoo.hookimpl\ndef zoo_components():\n    return [zoo.Component.from_dict({row})]\n"
    )
    answer = run(shelf, "catalogue", folder)
    assert (answer.returncode != 0, file.exists()) == (True, False)
    assert "trainer 'net': tiny: expected options of a config, got no config; declare one" in answer.stderr
    (plugin.parent / "config.py").write_text(
        "from zoo import Options\n\n\nclass NetOptions(Options):\n    channels: int = 1\n"
    )
    row = row.replace('"a"', '"chanels"').replace(
        '"summary"', '"config": "zoo_new.config:NetOptions", "summary"'
    )
    plugin.write_text(
        f"import zoo\n\n@zoo.hookimpl\ndef zoo_components():\n    return [zoo.Component.from_dict({row})]\n"
    )
    answer = run(shelf, "catalogue", folder)
    assert (answer.returncode != 0, file.exists()) == (True, False)
    assert "trainer 'net': tiny" in answer.stderr
    assert "chanels" in answer.stderr
    assert "did you mean channels" in answer.stderr


def test_imports_of_torch_and_around_the_doors_are_told_once(shelf, tmp_path):
    folder, file = project(shelf, tmp_path)
    plugin = folder / "src" / "zoo_new" / "plugin.py"
    plugin.write_text("import torch\n" + plugin.read_text())
    (plugin.parent / "deep.py").write_text("def f():\n    from zoo.compose.build import build\n")
    answer = run(shelf, "catalogue", folder)
    assert file.exists()
    assert answer.stderr.count("warning: zoo-new: zoo_new/plugin.py:1 imports torch; declarations") == 1
    said = "warning: zoo-new: zoo_new/deep.py:2 imports zoo.compose.build.build: behind the doors"
    assert answer.stderr.count(said) == 1
