"""Catalogues are made from the code, merged, and checked."""

from __future__ import annotations

import json

import pytest

from zoo.registry import catalogue_writing as writing
from zoo.registry import discover
from zoo.registry.catalogue import dump, read_catalogue
from zoo.registry.plugins.inspection import difference, inspect
from zoo.spec.disk.atomic_write import write_text
from zoo.spec.errors import PluginError


def facts(component):
    return {"parameters": len(component.name), "shape": (1, 2)}


@pytest.fixture
def project(shelf):
    def make(*names, **more):
        shelf.plugin("zoo-fake", *names, **more)
        (found,) = [item for item in writing.projects() if item.distribution == "zoo-fake"]
        return found

    return make


def test_a_catalogue_says_what_the_code_says(project):
    mine = project("net", "another", namespace="mine", bare=["net"], formerly=["old"])
    (mine.folder / "recipes").mkdir()
    (mine.folder / "recipes" / "demo.toml").write_text("")
    made = writing.make(mine, facts)
    assert [row["name"] for row in made["components"]] == ["another", "net"]
    assert made["components"][1]["facts"] == {"parameters": 3, "shape": [1, 2]}
    assert (made["namespace"], made["bare"], made["formerly"], made["recipes"]) == (
        "mine",
        ["net"],
        ["old"],
        {"demo": "recipes/demo.toml"},
    )


def test_a_written_catalogue_is_read_and_agrees_with_the_hook(project):
    mine = project("net", namespace="mine", bare=["net"], formerly=["old"])
    write_text(mine.file, dump(writing.make(mine, facts)))
    (found,) = [item for item in discover() if item.distribution == "zoo-fake"]
    assert (found.source, found.error) == ("catalogue", None)
    assert [report.problems for report in inspect().reports if report.plugin.distribution == "zoo-fake"] == [
        ()
    ]
    assert [file.name for file in mine.folder.glob(".*")] == []


def test_code_that_would_end_the_process_is_an_error_of_its_component(project):
    def ends(_):
        raise SystemExit(0)

    with pytest.raises(PluginError, match=r"zoo-fake, backbone 'net': its code raised SystemExit: 0"):
        writing.make(project("net"), ends)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data["components"][0].update(summary="Other."), "backbone 'net' (summary)"),
        (lambda data: data["components"][0]["facts"].update(parameters=4), "facts of backbone 'net'"),
        (lambda data: data["components"].clear(), "backbone 'net' (only in the code)"),
        (lambda data: data.update(bare=False), "form"),
        (lambda data: data.update(components=3), "it is damaged"),
    ],
)
def test_what_is_out_of_date_is_named(project, tmp_path, change, said):
    data = writing.make(project("net"), facts)
    text = dump(data)
    file = tmp_path / "catalogue.json"
    assert writing.changed(file, text) == "it does not exist"
    file.write_text(text)
    assert writing.changed(file, text) is None
    change(data)
    file.write_text(dump(data))
    assert writing.changed(file, text) == said


def test_one_name_in_two_distributions_is_two_components(tmp_path):
    def text(first, second):
        rows = {"zoo-a": first, "zoo-b": second}
        return dump({"distributions": [{"distribution": k, "components": [v]} for k, v in rows.items()]})

    net = {"kind": "backbone", "name": "net", "facts": {"parameters": 1}}
    file = tmp_path / "registry.json"
    file.write_text(text(net, net))
    other = {**net, "facts": {"parameters": 2}}
    assert writing.changed(file, text(other, net)) == "zoo-a: facts of backbone 'net'"
    assert writing.changed(file, text(net, other)) == "zoo-b: facts of backbone 'net'"
    assert writing.changed(file, text({**net, "tags": ["x"]}, net)) == "zoo-a: backbone 'net' (tags)"


def test_facts_that_fail_name_the_component(project):
    def fail(component):
        raise ValueError("no")

    with pytest.raises(PluginError, match="zoo-fake, backbone 'net': ValueError: no"):
        writing.make(project("net"), fail)


def test_merging_replaces_one_and_keeps_the_others(project, tmp_path):
    file = tmp_path / "registry.json"
    made = writing.make(project("net"), facts)
    other = {"format": 1, "distribution": "zoo-abc", "components": []}
    file.write_text(json.dumps({"format": 1, "distributions": [{**made, "components": []}, other]}))
    assert writing.merged(file, [made])["distributions"] == [other, made]
    assert writing.merged(tmp_path / "new.json", [made])["distributions"] == [made]


def test_a_registry_that_is_damaged_is_not_overwritten(project, tmp_path):
    file = tmp_path / "registry.json"
    file.write_text("{")
    with pytest.raises(PluginError, match="expected JSON"):
        writing.merged(file, [])


def test_a_project_that_is_not_installed_is_found_by_its_folder(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    source = tmp_path / "zoo-new" / "src"
    source.mkdir(parents=True)
    type(shelf)(source).plugin("zoo-new", "net")
    (source.parent / "pyproject.toml").write_text(
        '[project]\nname="zoo-new"\nentry-points.zoo={new="zoo_new.plugin"}\n'
    )
    found = writing.project_at(source.parent)
    assert (found.distribution, found.folder) == ("zoo-new", source / "zoo_new")


@pytest.mark.parametrize("text", [None, "[", "[project]\nname = 'zoo-x'\n"])
def test_a_folder_that_is_no_plugin_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(PluginError):
        writing.project_at(tmp_path)


def test_a_long_catalogue_breaks_into_lines_that_fit(tmp_path):
    data = {"components": [{"name": f"net{i}", "facts": {"taps": list(range(60))}} for i in range(3)]}
    text = dump(data)
    assert json.loads(text) == data
    assert max(map(len, text.splitlines())) <= 110
    assert text.endswith("}\n")


def test_a_difference_names_the_first_component():
    old = [{"kind": "head", "name": "a"}, {"kind": "head", "name": "b", "tags": ["x"]}]
    assert difference(old, old) is None
    assert difference(old, [old[0], {"kind": "head", "name": "b"}]) == "head 'b' (tags)"
    assert difference(old[:1], old) == "head 'b' (only in the code)"


def test_a_catalogue_round_trips(project):
    mine = project("net")
    made = writing.make(mine, facts)
    write_text(mine.file, dump(made))
    assert read_catalogue(mine.file) == made
