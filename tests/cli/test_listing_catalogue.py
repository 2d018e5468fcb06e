"""`zoo catalogue`: writes, merges, checks."""

from __future__ import annotations

import json

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


def test_a_folder_that_is_no_plugin_is_one_line(shelf, tmp_path):
    answer = run(shelf, "catalogue", tmp_path)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "expected a folder with a pyproject.toml" in answer.stderr
