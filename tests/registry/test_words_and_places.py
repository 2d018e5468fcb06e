"""What is listed, taken by default, hinted at and told to install, word by word."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.registry import cache, catalogue, find, hints
from zoo.registry.catalogue import check_catalogue, dump, read_catalogue, read_registry, written_again
from zoo.registry.catalogue_index import read_for_listing
from zoo.registry.catalogue_writing import project_at
from zoo.registry.defaults import default_entry
from zoo.registry.environment import number
from zoo.registry.extras import require, way_to_have
from zoo.registry.hints import next_step, recipe_sources
from zoo.registry.listing import Row, Rows, info_of_all
from zoo.registry.loading import declare
from zoo.registry.lookup import recipe_series, registry
from zoo.registry.plugins.discovery import PluginChoice, discover
from zoo.registry.plugins.inspection import difference, inspect
from zoo.registry.plugins.install_command import way_to_install, way_to_upgrade
from zoo.registry.plugins.installed import Installed, installed, is_package, package_folder
from zoo.spec.errors import MissingPackageError, OptionError, PluginError, UnknownComponentError
from zoo.spec.names import normalise
from zoo.spec.reference import ComponentRef

Known = Callable[..., None]


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    """Writes a registry of known distributions into a checkout, `tmp_path / "checkout"`."""

    def write(*catalogues: dict[str, Any]) -> None:
        checkout = tmp_path / "checkout"
        (checkout / "zoo" / "registry").mkdir(parents=True, exist_ok=True)
        (checkout / "pyproject.toml").write_text("")
        (checkout / "registry.json").write_text(json.dumps({"format": 1, "distributions": catalogues}))
        monkeypatch.setattr(catalogue, "__file__", str(checkout / "zoo" / "registry" / "catalogue.py"))
        catalogue.known.cache_clear()

    return write


def component(name: str, kind: str = "backbone", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "target": "a:B", "summary": "s", **more}


def offered(distribution: str, *names: str, **more: Any) -> dict[str, Any]:
    rows = [component(name) for name in names]
    return {"format": 1, "distribution": distribution, "components": rows, **more}


# -- listing -------------------------------------------------------------------------------------------


def listed(count: int) -> Rows:
    rows = [
        Row(f"n{i:02}", f"n{i:02}", "x", "head", "s", "zoo-x", 1000 * i, (), None, (), i > 0)
        for i in range(count)
    ]
    return Rows(rows)


def test_a_list_is_cut_after_forty_and_its_table_is_not() -> None:
    lines = repr(listed(41)).splitlines()
    assert (len(lines), lines[-1]) == (42, "and 1 more components")
    assert lines[:3] == [
        "NAME   KIND  PARAMETERS  SUMMARY", "n00 *  head           0  s", "n01    head        1.0k  s",
    ]  # fmt: skip
    assert len(repr(listed(40)).splitlines()) == 41
    table = listed(41).table().splitlines()
    assert (len(table), table[:2], table[-1].split()[0]) == (42, lines[:2], "n40")
    page = listed(41)._repr_html_()
    assert (page.count("<tr"), "and 1 more components" in page) == (41, True)
    assert page.count("text-align:right") in (41, 40)


def test_a_row_is_plain_data() -> None:
    row = Row("x:n", "n", "x", "head", "s", "zoo-x", None, ("t",), "binary", ("w",), False)
    assert row.to_dict() == {
        "ref": "x:n", "name": "n", "namespace": "x", "kind": "head", "summary": "s", "distribution": "zoo-x",
        "parameters": None, "tags": ["t"], "task": "binary", "weights": ["w"], "installed": False,
    }  # fmt: skip


def test_rows_are_found_by_all_words_and_by_tag(shelf: Any, known: Known) -> None:
    known(offered("zoo-far", "farnet"), offered("zoo-fake", "other"))
    rows = [
        component("one", summary="A Red net.", tags=["small"], facts={"parameters": 7}),
        component("two", summary="A red net.", facts={"parameters": "many"}),
        component("three", "head", summary="Red too.", task="binary"),
    ]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)

    def refs(**options: Any) -> list[str]:
        return [row.ref for row in zoo.list(**options) if row.namespace in ("fake", "far")]

    assert refs(search="red net") == ["one", "two"]
    assert refs(search="RED binary") == ["three"]
    assert refs(tag="small") == ["one"]
    assert refs(tag="red") == []
    assert refs(kind=("head", "backbone"), installed=False) == ["farnet", "one", "two", "three"]
    assert [row.parameters for row in zoo.list("backbone") if row.namespace == "fake"] == [7, None]
    by_name = {row.ref: row.installed for row in zoo.list("backbone", installed=False)}
    assert (by_name["one"], by_name["farnet"], "other" in by_name) == (True, False, False)


def test_facts_of_a_name_of_two_kinds_are_those_of_each(shelf: Any) -> None:
    rows = [component("net"), component("net", "head"), component("lone")]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    assert [found["kind"] for found in info_of_all("net")] == ["backbone", "head"]
    (lone,) = info_of_all("lone")
    assert (lone["ref"], lone["qualified"], lone["distribution"], lone["version"]) == (
        "lone", "fake:lone", "zoo-fake", "1.0",
    )  # fmt: skip


def test_many_components_may_have_a_word(shelf: Any) -> None:
    shelf.plugin(
        "zoo-fake", rows=[component("a", summary="Zqx one."), component("b", summary="Zqx two.")],
        catalogue=True,
    )  # fmt: skip
    with pytest.raises(UnknownComponentError, match="2 components have the word: zoo list --search zqx"):
        zoo.list("zqx")  # type: ignore[arg-type]


# -- defaults ------------------------------------------------------------------------------------------


def test_a_default_is_that_of_the_models_own_plugin_and_task_before_the_cores(shelf: Any) -> None:
    rows = [
        component("any", "loss", tags=["default"]),
        component("mine", "loss", tags=["default"], task="binary"),
        component("plain", "loss", task="binary"),
    ]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)

    def chosen(task: str | None, *distributions: str) -> str | None:
        found = default_entry("loss", task, distributions)
        return found.qualified if found else None

    assert chosen("binary", "zoo-core", "zoo-fake") == "fake:mine"
    assert chosen("multiclass", "zoo-fake") == "fake:any"
    assert chosen(None, "zoo-fake") == "fake:any"
    own = chosen("binary", "zoo-core")
    assert own is not None
    assert own.startswith("core:")
    assert chosen("binary") == chosen("binary", "zoo-strange") == own
    assert default_entry("backbone", "binary", ["zoo-core"]) is None


# -- recipes -------------------------------------------------------------------------------------------


def test_a_series_are_all_recipes_that_begin_with_a_name(shelf: Any) -> None:
    def recipes(*names: str) -> dict[str, Any]:
        return {"format": 1, "components": [], "recipes": {name: f"recipes/{name}.toml" for name in names}}

    shelf.plugin("zoo-one", catalogue=recipes("show-2", "show-1", "other", "showing"))
    shelf.plugin("zoo-two", catalogue=recipes("show-3", "lone", "lone-1"))

    def names(ref: str) -> list[str]:
        return [f"{file.parent.parent.name}/{file.stem}" for file in recipe_series(ref)]

    assert names("show") == ["zoo_one/show-1", "zoo_one/show-2", "zoo_two/show-3"]
    assert names("one:show") == ["zoo_one/show-1", "zoo_one/show-2"]
    assert names("lone") == ["zoo_two/lone"]
    assert names("other") == ["zoo_one/other"]
    with pytest.raises(UnknownComponentError, match="no plugin ships a recipe 'two:other'"):
        recipe_series("two:other")


def test_a_known_recipe_is_one_of_that_name_or_the_beginning_of_a_series(known: Known) -> None:
    known({**offered("zoo-a"), "recipes": {"show": "x"}}, {**offered("zoo-b"), "recipes": {"show-1": "x"}},
          {**offered("zoo-c"), "recipes": {"shows": "x"}}, offered("zoo-d"))  # fmt: skip
    assert recipe_sources("show") == ["zoo-a", "zoo-b"]


# -- hints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "there is none to choose from"),
        (2, "choose from n00, n01"),
        (16, "choose from n00, n01, n02, .*n15"),
        (17, "zoo list shows all 17"),
    ],
)
def test_sixteen_names_are_shown_and_of_more_how_to_list_them(known: Known, count: int, words: str) -> None:
    known()
    rows = [(f"n{i:02}", component(f"n{i:02}")) for i in range(count)]
    step = next_step(ComponentRef("wholly-different"), ["backbone"], rows, [])
    assert re.fullmatch(words, step)


def test_a_namespace_whose_plugin_does_not_load_is_named(shelf: Any, known: Known) -> None:
    known()
    shelf.plugin("zoo-bad", code="1 / 0")
    shelf.plugin("zoo-good", "net", catalogue=True)
    with pytest.raises(UnknownComponentError, match="namespace bad is that of zoo-bad, which does not load"):
        find("bad:other")
    with pytest.raises(UnknownComponentError, match=r"no installed plugin has the namespace god: .*good"):
        find("god:other")


def test_a_namespace_of_a_plugin_that_is_not_installed_is_told_with_the_way_to_it(
    shelf: Any, known: Known
) -> None:
    known(offered("zoo-far", "net", published=True))
    with pytest.raises(UnknownComponentError, match=r"the namespace far is that of zoo-far: .*zoo-far"):
        find("far:other")


def test_a_name_that_a_plugin_elsewhere_has_is_offered_before_one_that_is_merely_alike(
    shelf: Any, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(offered("zoo-far", "res-net", published=True), offered("zoo-kept", "qqnet", bare=False))
    shelf.plugin("zoo-good", "resnat", catalogue=True)
    with pytest.raises(UnknownComponentError, match=r"did you mean res-net\?.* zoo-far has it: pip install"):
        find("resnet")
    with pytest.raises(UnknownComponentError, match=r"kept:qqnet\? zoo-kept has it: install zoo-kept from"):
        find("qq_net")
    monkeypatch.setenv("ZOO_PLUGINS", "zoo-good")
    with pytest.raises(UnknownComponentError, match=r"did you mean resnat\?"):
        find("resnet")


@pytest.mark.parametrize(
    ("catalogue", "words"),
    [({"components": []}, "its version 1.0 is installed without it"), ({}, "its version 1.0 does not load")],
)
def test_a_version_without_the_component_is_told(
    shelf: Any, known: Known, catalogue: dict[str, Any], words: str
) -> None:
    known(offered("zoo-one", "wanted"))
    shelf.plugin("zoo-one", catalogue={"format": 1, **catalogue})
    with pytest.raises(UnknownComponentError, match=f"`wanted` comes from zoo-one, but {words}"):
        find("wanted")


def test_a_name_of_another_kind_goes_to_another_argument(shelf: Any) -> None:
    shelf.plugin("zoo-fake", rows=[component("net", "head")], catalogue=True)
    with pytest.raises(
        UnknownComponentError, match=r"'fake:net' is the head fake:net: expected a backbone, g"
    ):
        find("fake:net", "backbone")


# -- installing ----------------------------------------------------------------------------------------


def test_what_is_published_is_installed_from_the_index(known: Known) -> None:
    known(offered("zoo-far", published=True), offered("zoo-own"))
    assert way_to_install("zoo-far") == "pip install zoo-far"
    assert way_to_install("zoo-far", version="2.0") == "pip install zoo-far==2.0"
    assert way_to_install("zoo-far", extra="x") == "pip install 'zoo-far[x]'"
    assert way_to_upgrade("zoo-far") == "pip install --upgrade zoo-far"
    for name in ("zoo-own", "zoo-strange"):
        assert way_to_install(name) == f"install {name} from where its author offers it"
        assert way_to_install(name, version="2") == f"install {name} 2 from where its author offers it"
        assert way_to_upgrade(name) == f"install a newer {name} from where its author offers it"


def test_what_lies_in_the_checkout_is_installed_from_there(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(offered("zoo-core", where="."), offered("zoo-p", where="plugins/p"), offered("zoo-q", where="a q"))
    checkout = tmp_path / "checkout"
    (checkout / "plugins" / "p").mkdir(parents=True)
    (checkout / "a q").mkdir()
    monkeypatch.chdir(tmp_path)
    assert way_to_install("zoo-p") == "pip install ./checkout/plugins/p"
    assert way_to_install("zoo-q") == "pip install './checkout/a q'"
    monkeypatch.chdir(checkout)
    assert way_to_install("zoo-core") == "pip install ."
    assert way_to_install("zoo-core", extra="plots") == "pip install '.[plots]'"
    assert way_to_install("zoo-p", here=False) == "pip install ./plugins/p  # in the checkout of zoo"
    assert way_to_install("zoo-core", here=False) == "pip install .  # in the checkout of zoo"
    assert way_to_upgrade("zoo-p") == "bring the checkout of zoo up to date, then pip install ./plugins/p"
    monkeypatch.chdir(checkout / "plugins" / "p")
    assert way_to_install("zoo-p") == "pip install ."
    assert way_to_install("zoo-core") == f"pip install {checkout.resolve()}"
    (checkout / "plugins" / "p").rename(checkout / "plugins" / "old")
    assert way_to_install("zoo-p") == "pip install ./plugins/p  # in the checkout of zoo"
    (checkout / "pyproject.toml").unlink()
    (checkout / "zoo" / "registry.json").write_text((checkout / "registry.json").read_text())
    catalogue.known.cache_clear()
    assert way_to_install("zoo-core") == "pip install .  # in the checkout of zoo"


def test_a_missing_package_is_told_with_the_extra_or_the_distribution_that_brings_it(known: Known) -> None:
    known(offered("zoo-core", published=True))
    assert way_to_have("matplotlib") == "pip install 'zoo-core[plots]'"
    assert way_to_have("no_such") == "pip install no_such"
    with pytest.raises(
        MissingPackageError, match="drawing: expected the package no_such, got none; pip inst"
    ):
        require("no_such", "drawing")


def test_a_catalogue_is_written_again_where_its_project_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "my plugin" / "src" / "pkg"
    package.mkdir(parents=True)
    installed_again = "install the plugin again"
    assert written_again(None) == written_again(Path("x/site-packages/pkg")) == installed_again
    assert written_again(package).startswith(f"{installed_again}, or, if it is yours")
    (package.parents[1] / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    for folder in (package, package.parent, package.parents[1]):
        assert written_again(folder) == "run zoo catalogue 'my plugin'"
    monkeypatch.chdir(package)
    assert written_again(package) == f"run zoo catalogue '{package.parents[1]}'"


# -- files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "expected a table, got list; install"),
        ({"format": 2}, "unknown format: expected 1, got 2; it was written for a newer zoo-core"),
        ({"format": 0}, "unknown format: expected 1, got 0; install the plugin again"),
        ({"format": "1"}, "unknown format: expected 1, got '1'; install the plugin again"),
        ({"format": 1, "components": {}}, "bad components: expected a list"),
        ({"format": 1, "components": [], "recipes": {"a": "../b"}}, "bad recipes: expected relative paths"),
        ({"format": 1, "components": [], "recipes": {"a": "/b"}}, "bad recipes"),
        ({"format": 1, "components": [], "recipes": {"a": 1}}, "bad recipes"),
        ({"format": 1, "components": [], "recipes": []}, "bad recipes"),
        ({"format": 1, "components": [{"kind": "head"}]}, "bad component: expected kind, name, target"),
        ({"format": 1, "components": [component("a", "wheel")]}, "bad component"),
        ({"format": 1, "components": [component("a", facts=[])]}, "component a: expected facts as a table"),
        (
            {"format": 1, "components": [component("a"), component("a")]},
            "backbone 'a': expected each name onc",
        ),
    ],
)
def test_a_catalogue_that_is_none_is_refused(data: Any, words: str) -> None:
    check_catalogue({"format": 1, "components": [component("a"), component("a", "head")]}, "x")
    with pytest.raises(PluginError, match=words):
        check_catalogue(data, "site-packages/catalogue.json")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"distribution": 3}, "bad distribution: expected a distribution's name, got 3"),
        ({"where": 3}, "bad where: expected its folder in the checkout, got 3"),
        ({"published": "yes"}, "bad published: expected true where an index has it"),
    ],
)
def test_a_registry_says_the_right_things_of_a_distribution(
    tmp_path: Path, item: dict[str, Any], words: str
) -> None:
    file = tmp_path / "registry.json"
    good = offered("zoo-a", where="a", published=False)
    file.write_text(json.dumps({"format": 1, "distributions": [good]}))
    assert read_registry(file) == [good]
    file.write_text(json.dumps({"format": 1, "distributions": [{**good, **item}]}))
    with pytest.raises(PluginError, match=words):
        read_registry(file)
    for wrong in ("{", "[]", '{"format": 2, "distributions": []}', '{"format": 1, "distributions": {}}'):
        file.write_text(wrong)
        with pytest.raises(PluginError, match=r"expected (JSON|a registry of format 1)"):
            read_registry(file)
    with pytest.raises(PluginError, match="expected a readable file"):
        read_registry(tmp_path / "none.json")
    with pytest.raises(PluginError, match="expected a readable file"):
        read_catalogue(tmp_path / "none.json")


@pytest.mark.parametrize(("length", "lines"), [(102, 1), (103, 3)])
def test_json_is_broken_up_where_a_line_is_wider_than_code(length: int, lines: int) -> None:
    """`{"a": "` and `"}` beside the text are nine columns."""
    text = dump({"a": "x" * (length - 1)})
    assert len(text.splitlines()) == lines
    assert json.loads(text) == {"a": "x" * (length - 1)}
    inside = dump({"b": [{"a": "x" * (length - 6)}, 1], "c": []})
    assert inside.splitlines()[1].startswith(' "b": [')
    assert inside.endswith(' "c": []\n}\n')
    assert json.loads(inside) == {"b": [{"a": "x" * (length - 6)}, 1], "c": []}


def test_what_is_remembered_is_so_for_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "c"))
    assert cache.cache_folder() == tmp_path / "c"
    assert cache.name("answers", "zoo-x", "place") == "answers/zoo-x-741d53cd.jsonl"
    cache.write("a/b.json", [1], {"x": 2})
    assert cache.read("a/b.json", [1]) == {"key": [1], "x": 2}
    assert cache.read("a/b.json", [2]) is None
    assert cache.read("a/none.json", [1]) is None
    (tmp_path / "c" / "a" / "b.json").write_text("[]")
    assert cache.read("a/b.json", [1]) is None


# -- environment ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "value"), [("", 30), ("0.5", 0.5), ("7", 7), ("0", 0)])
def test_a_number_of_the_environment_is_taken_from_its_least_on(
    monkeypatch: pytest.MonkeyPatch, given: str, value: float
) -> None:
    monkeypatch.setenv("ZOO_LIMIT", given)
    assert number("ZOO_LIMIT", 30, "seconds") == value
    for wrong in ("x", "inf", "nan", "-0.1"):
        monkeypatch.setenv("ZOO_LIMIT", wrong)
        with pytest.raises(
            OptionError, match=f"ZOO_LIMIT: expected a number of seconds from 0, got '{wrong}'"
        ):
            number("ZOO_LIMIT", 30, "seconds")


@pytest.mark.parametrize(("said", "strict"), [("", False), ("0", False), ("No", False), ("1", True)])
def test_plugins_are_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, said: str, strict: bool
) -> None:
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", said)
    monkeypatch.setenv("ZOO_PLUGINS", "Zoo_A, zoo-b,")
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-b,zoo-core")
    choice = PluginChoice.from_environment()
    assert choice.strict == strict
    assert [choice.takes(name) for name in ("zoo-a", "zoo-b", "zoo-c", "zoo-core")] == [
        True, False, False, True,
    ]  # fmt: skip
    assert PluginChoice().takes("zoo-c")


def test_distributions_are_read_off_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(entry: str, points: str, **files: str) -> None:
        (tmp_path / entry).mkdir()
        (tmp_path / entry / "entry_points.txt").write_text(points)
        for name, text in files.items():
            (tmp_path / entry / name.replace("_", "-")).write_text(text)

    head = "Name: Zoo_Egg\nVersion: 3.1\n\nName: not-this\nVersion: 9\n"
    distribution("zoo_a-1.2.dist-info", "[other]\nx = y\n[zoo]\n# c = d\n; e = f\na = a.plugin\n[z]\nb = c\n")
    distribution("old-name.egg-info", "[zoo]\nx = egg.plugin\n", PKG_INFO=head)
    distribution("bare.egg-info", "[zoo]\nx = bare.plugin\n")
    distribution("none-1.dist-info", "[other]\nx = y\n")
    distribution("noversion.dist-info", "[zoo]\nx = n.plugin\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "gone")])
    assert [(item.distribution, item.version, item.values) for item in installed()] == [
        ("bare", "unknown", ("bare.plugin",)), ("noversion", "unknown", ("n.plugin",)),
        ("zoo-a", "1.2", ("a.plugin",)), ("zoo-core", "unknown", ("zoo.builtin.plugin",)),
        ("zoo-egg", "3.1", ("egg.plugin",)),
    ]  # fmt: skip


@pytest.mark.parametrize("values", [("a.b", "c.d"), ("a.b:c",), ("",), ()])
def test_a_plugin_has_one_entry_point_that_is_a_module(values: tuple[str, ...]) -> None:
    assert Installed("zoo-x", "1", ("a.b_c",)).module == "a.b_c"
    with pytest.raises(PluginError, match="zoo-x's entry points in the group 'zoo': expected"):
        _ = Installed("zoo-x", "1", values).module


def test_packages_are_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pkgq" / "sub").mkdir(parents=True)
    (tmp_path / "pkgq" / "__init__.py").write_text("1 / 0")
    (tmp_path / "modq.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert package_folder("pkgq.plugin") == tmp_path / "pkgq"
    assert package_folder("pkgq.sub.plugin") == tmp_path / "pkgq" / "sub"
    assert package_folder("modq") == tmp_path
    for module, words in (("gone_q.plugin", "a package on sys.path"), ("pkgq.no.x", "the folder pkgq/no")):
        with pytest.raises(PluginError, match=f"expected {words}, got none"):
            package_folder(module)
    assert [is_package(m, Path("a/pkg")) for m in ("pkg.plugin", "pkg", "mod")] == [True, True, False]
    assert normalise("A__b.-C") == "a-b-c"


# -- inspection ----------------------------------------------------------------------------------------


def test_all_that_is_wrong_with_plugins_is_said_of_each(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.plugin("zoo-one", "net1", namespace="same", catalogue=True)
    shelf.plugin("zoo-two", "net2", namespace="same", catalogue=True)
    shelf.plugin("zoo-bad", code="1 / 0")
    shelf.plugin("zoo-good", "net1", catalogue=True)
    shelf.plugin("zoo-off", "net9", catalogue=True)
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", f"{os.environ['ZOO_DISABLED_PLUGINS']},zoo-off")
    found = inspect(ask=False)
    said = {report.plugin.distribution: report.problems for report in found.reports}
    assert said["zoo-one"] == ("namespace 'same' is also claimed by zoo-two",)
    assert said["zoo-two"] == ("namespace 'same' is also claimed by zoo-one",)
    assert (said["zoo-good"], "zoo-off" in said) == ((), False)
    assert "division by zero" in said["zoo-bad"][0]
    assert "zoo-off" in found.disabled
    assert "zoo-good" not in found.disabled
    assert found.conflicts == {("backbone", "net1"): ("zoo-good", "zoo-one")}
    assert not found.fine


def test_a_catalogue_and_code_that_disagree_are_told_apart(shelf: Any) -> None:
    rows = [{**component("net"), "target": "zoo_one.net:Net", "summary": "Another."}]
    content = {"format": 1, "distribution": "zoo-one", "components": rows}
    shelf.plugin("zoo-one", "net", catalogue=content)
    shelf.plugin("zoo-two", "neq", catalogue=True)
    shelf.plugin("zoo-raises", "ner", catalogue=True, code="1 / 0")
    said = {r.plugin.distribution: r.problems for r in inspect(refresh=True).reports}
    assert said["zoo-two"] == ()
    assert "catalogue and code disagree on backbone 'net' (summary)" in said["zoo-one"][0]
    assert said["zoo-raises"][0].startswith("its hook: ")
    trusted = {r.plugin.distribution: r.problems for r in inspect(ask=False).reports}
    assert trusted["zoo-one"] == ()


def test_the_first_difference_of_rows_is_named() -> None:
    one, other = component("a"), component("b")
    assert difference([one], [one]) is None
    assert difference([one, other], [one]) == "backbone 'b' (only in the catalogue)"
    assert difference([one], [one, other]) == "backbone 'b' (only in the code)"
    assert difference([one], [{**one, "tags": []}]) is None
    assert difference([one], [{**one, "facts": {"x": 1}}]) is None
    assert difference([one], [{**one, "summary": "t"}]) == "backbone 'a' (summary)"


def test_options_that_a_plugin_without_catalogue_has_are_known_by_their_schema(shelf: Any) -> None:
    rows = [component("net", config="zoo_opts.net:Config", target="zoo_opts.net:Net")]
    folder = shelf.plugin("zoo-opts", rows=rows)
    (folder / "net.py").write_text(
        "import zoo\n\nclass Config(zoo.Options):\n    depth: int = 3\n\nclass Net: pass\n"
    )
    registry()
    facts = find("net").facts
    assert facts["options"]["properties"]["depth"]["default"] == 3


def test_a_namespace_that_only_the_code_or_the_catalogue_says_is_a_difference(shelf: Any) -> None:
    rows = [{**component("net"), "target": "zoo_one.net:Net", "summary": "The net."}]
    content = {"format": 1, "distribution": "zoo-one", "namespace": "uno", "components": rows}
    shelf.plugin("zoo-one", "net", catalogue=content)
    shelf.plugin("zoo-two", "neq", namespace="due", catalogue=True)
    said = {r.plugin.distribution: r.problems for r in inspect(refresh=True).reports}
    assert "catalogue and code disagree on namespace" in said["zoo-one"][0]
    assert said["zoo-two"] == ()


def test_what_is_near_in_an_older_registry_of_an_installed_plugin_is_not_offered(
    shelf: Any, known: Known
) -> None:
    known(offered("zoo-good", "qqq-net", published=True))
    shelf.plugin("zoo-good", "other", catalogue=True)
    with pytest.raises(UnknownComponentError) as error:
        find("qqqnet")
    assert "zoo-good has it" not in str(error.value)


def test_a_hook_that_names_a_component_twice_is_refused(shelf: Any) -> None:
    shelf.plugin("zoo-twice", rows=[component("net"), component("net", "head"), component("net")])
    with pytest.raises(PluginError, match="plugin zoo-twice: backbone 'net': expected each name once per ki"):
        declare("zoo_twice.plugin", "zoo-twice")


@pytest.mark.parametrize(("size", "facts"), [(29_999, {"blocks": 1}), (30_000, {})])
def test_a_catalogue_is_indexed_from_thirty_thousand_bytes_on(
    shelf: Any, tmp_path: Path, size: int, facts: dict[str, int]
) -> None:
    file = tmp_path / "catalogue.json"
    text = json.dumps(offered("zoo-a") | {"components": [component("net", facts={"blocks": 1})]})
    file.write_text(text + " " * (size - len(text)))
    for _ in range(2):  # read, then remembered
        assert read_for_listing(file, "zoo-a")["components"][0]["facts"] == facts


def asked(shelf: Any, distribution: str) -> list[str]:
    """The names that a plugin without a catalogue has now."""
    found = next(plugin for plugin in discover() if plugin.distribution == distribution)
    return [row["name"] for row in found.rows]


def test_a_single_module_is_asked_again_where_it_changed(shelf: Any) -> None:
    code = "import zoo\n@zoo.hookimpl\ndef zoo_components():\n    return [zoo.Component.from_dict({row!r})]\n"
    shelf.plugin("zoo-lone")
    (metadata,) = shelf.folder.glob("zoo_lone-*.dist-info")
    (metadata / "entry_points.txt").write_text("[zoo]\nplugin = lonely\n")
    for name in ("one", "three"):
        (shelf.folder / "lonely.py").write_text(code.format(row=component(name)))
        assert asked(shelf, "zoo-lone") == [name]


def test_hidden_files_and_what_importing_writes_are_no_change(shelf: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        f"import zoo\nopen({str(log)!r}, 'a').write('x')\n"
        "@zoo.hookimpl\ndef zoo_components():\n    return []\n"
    )
    folder = shelf.plugin("zoo-counts", code=code)
    asked(shelf, "zoo-counts")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / "x.pyc").write_text("x")
    (folder / ".hidden").write_text("x")
    asked(shelf, "zoo-counts")
    assert log.read_text() == "x"
    (folder / "inner").mkdir()
    (folder / "inner" / "data.txt").write_text("x")
    asked(shelf, "zoo-counts")
    assert log.read_text() == "xx"


def test_a_project_is_that_of_its_folder_whatever_copy_is_on_the_path(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("first", "mine/src"):
        package = tmp_path / place / "zoo_here"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
    (tmp_path / "mine" / "pyproject.toml").write_text(
        '[project]\nname = "zoo-here"\n[project.entry-points.zoo]\nhere = "zoo_here.plugin"\n'
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), *sys.path])
    assert project_at(tmp_path / "mine").folder == tmp_path / "mine" / "src" / "zoo_here"


def test_several_distributions_are_installed_by_one_command_that_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {
        "zoo-a": "pip install ./plugins/a  # in the checkout of zoo",
        "zoo-b": "install zoo-b from where its author offers it",
        "zoo-c": "pip install './plugins/c[d]'  # in the checkout of zoo",
    }
    monkeypatch.setattr(hints, "way_to_install", lambda name, **needed: known[name])
    assert hints.ways(["zoo-a", "zoo-b", "zoo-c"]) == (
        "zoo-b: install zoo-b from where its author offers it, "
        "zoo-a, zoo-c: pip install ./plugins/a './plugins/c[d]'  # in the checkout of zoo"
    )
    assert hints.ways(["zoo-a"]) == "zoo-a: pip install ./plugins/a  # in the checkout of zoo"
