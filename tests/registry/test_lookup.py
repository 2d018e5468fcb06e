"""A name means one component, or the error says what to do."""

from __future__ import annotations

import json

import pytest

from zoo.registry import catalogue, entries, find, info, list_components, recipe_file
from zoo.registry.lookup import registry
from zoo.spec.errors import AmbiguousNameError, BadReferenceError, PluginError, UnknownComponentError
from zoo.spec.reference import ComponentRef


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Writes a registry of known distributions, in place of the released one."""

    def write(*catalogues):
        checkout = tmp_path / "checkout"
        (checkout / "zoo" / "registry").mkdir(parents=True)
        (checkout / "pyproject.toml").write_text("")
        (checkout / "registry.json").write_text(json.dumps({"format": 1, "distributions": catalogues}))
        monkeypatch.setattr(catalogue, "__file__", str(checkout / "zoo" / "registry" / "catalogue.py"))
        catalogue.known.cache_clear()

    return write


def offered(distribution, *names, **more):
    rows = [{"kind": "backbone", "name": name, "target": "a:B", "summary": "s"} for name in names]
    return {"format": 1, "distribution": distribution, "components": rows, **more}


def test_a_bare_name_and_its_qualified_form_mean_the_same(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    assert find("net") == find("fake:net") == find(ComponentRef("net")) == find({"name": "net", "depth": 3})
    assert (find("net").ref, find("net").qualified) == ("net", "fake:net")


def test_facts_come_with_the_entry(shelf):
    rows = [{"kind": "head", "name": "h", "target": "a:B", "summary": "s", "facts": {"parameters": 7}}]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    assert find("h").facts == {"parameters": 7}


def test_two_claimants_are_an_error_only_for_that_name(shelf):
    shelf.plugin("zoo-one", "net", "mine", catalogue=True)
    shelf.plugin("zoo-two", "net", catalogue=True)
    with pytest.raises(AmbiguousNameError, match=r"one:net \(backbone of zoo-one\) or two:net"):
        find("net")
    assert find("mine").ref == "mine"
    assert find("two:net").ref == "two:net"
    assert registry().conflicts == {("backbone", "net"): ("zoo-one", "zoo-two")}


def test_the_kind_tells_two_claimants_apart(shelf):
    for name, kind in (("zoo-one", "head"), ("zoo-two", "loss")):
        shelf.plugin(
            name, rows=[{"kind": kind, "name": "x", "target": "a:B", "summary": "s"}], catalogue=True
        )
    assert find("x", "loss").plugin.distribution == "zoo-two"
    assert find("x", ("loss", "backbone")).plugin.distribution == "zoo-two"
    with pytest.raises(AmbiguousNameError):
        find("x")


def test_a_name_of_two_kinds_needs_its_kind(shelf):
    rows = [{"kind": kind, "name": "x", "target": "a:B", "summary": "s"} for kind in ("head", "loss")]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    with pytest.raises(AmbiguousNameError, match="head and loss of zoo-fake; say kind='head'"):
        find("fake:x")
    assert find("x", "head").component.kind == "head"


@pytest.mark.parametrize("bare", [False, ["other"]])
def test_a_name_kept_to_its_namespace_is_not_found_bare(shelf, bare):
    shelf.plugin("zoo-fake", "net", "other", bare=bare, namespace="fake", catalogue=True)
    with pytest.raises(UnknownComponentError, match="it is fake:net"):
        find("net")
    assert find("fake:net").ref == "fake:net"
    if bare:
        assert find("other").ref == "other"


def test_a_name_kept_to_its_namespace_disputes_nothing(shelf):
    shelf.plugin("zoo-big", "net", bare=False, namespace="big", catalogue=True)
    shelf.plugin("zoo-own", "net", catalogue=True)
    assert find("net").plugin.distribution == "zoo-own"


def test_a_namespace_of_two_distributions_is_an_error_on_use(shelf):
    shelf.plugin("zoo-one", "net1", namespace="same", catalogue=True)
    shelf.plugin("zoo-two", "net2", namespace="same", catalogue=True)
    for name in ("same:net1", "net2"):
        with pytest.raises(PluginError, match=r"zoo-one, zoo-two.*ZOO_DISABLED_PLUGINS=zoo-two"):
            find(name)
    assert registry().clashes == {"same": ("zoo-one", "zoo-two")}
    assert not [entry for entry in entries() if entry.plugin.namespace.name == "same"]


def test_near_names_are_offered_with_their_namespace(shelf):
    shelf.plugin("zoo-one", "convnet16", catalogue=True)
    shelf.plugin("zoo-two", "convnet19", bare=False, namespace="two", catalogue=True)
    with pytest.raises(UnknownComponentError, match="did you mean two:convnet19 or convnet16"):
        find("convnet61")
    with pytest.raises(UnknownComponentError, match="did you mean two:convnet19"):
        find("two:convnet91")


def test_a_nearer_name_of_a_plugin_that_is_not_installed_goes_before_a_far_one_that_is(shelf, known):
    known(
        offered("zoo-many", "net18x", bare=False, namespace="many", published=True),
        offered("zoo-net", "net18x", published=True),
    )
    shelf.plugin("zoo-tiny", "tiny_net", catalogue=True)
    with pytest.raises(UnknownComponentError, match=r"mean net18x\? zoo-net has it: pip install zoo-net"):
        find("net17x")
    shelf.plugin("zoo-two", "net19x", catalogue=True)
    with pytest.raises(UnknownComponentError, match=r"did you mean net19x"):
        find("net17x")


def test_where_nothing_of_a_kind_is_installed_the_plugins_that_have_some_are_named(shelf, known):
    known(offered("zoo-far", "farnet", published=True))
    with pytest.raises(UnknownComponentError, match="none is installed; zoo-far: pip install zoo-far"):
        find("qqq", "backbone")


def test_an_unknown_namespace_names_the_known_ones(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    with pytest.raises(UnknownComponentError, match="namespace fakk: did you mean fake"):
        find("fakk:xyz")
    with pytest.raises(UnknownComponentError, match="it is fake:net"):
        find("fakk:net")


def test_another_kind_of_that_name_is_named(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    with pytest.raises(UnknownComponentError, match="'net' is the backbone fake:net: expected a head"):
        find("net", "head")


def test_a_known_distribution_is_offered_for_installation(shelf, known):
    nasa = offered("zoo-space", "shuttle", bare=False, namespace="nasa", published=True)
    known(offered("zoo-far", "farnet", where="plugins/zoo-far"), nasa)
    with pytest.raises(
        UnknownComponentError, match=r"`farnet` comes from zoo-far: pip install \./plugins/zoo-far"
    ):
        find("farnet", "backbone")
    with pytest.raises(
        UnknownComponentError, match="`nasa:shuttle` comes from zoo-space: pip install zoo-space"
    ):
        find("nasa:shuttle")


def test_a_known_distribution_that_is_disabled_says_so(shelf, known, monkeypatch):
    known(offered("zoo-far", "farnet"))
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-far")
    with pytest.raises(UnknownComponentError, match="ZOO_DISABLED_PLUGINS excludes"):
        find("farnet")


def test_a_broken_plugin_is_named_beside_an_unknown_name(shelf, known):
    known(offered("zoo-bad", "badnet"))
    shelf.plugin("zoo-bad", code="raise ValueError('boom')")
    with pytest.raises(
        UnknownComponentError, match=r"does not load; plugin zoo-bad 1.0 failed to load: .*boom"
    ):
        find("badnet")


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": 1}', '{"format": 1, "distributions": [{"format": 1}]}']
)
def test_a_damaged_registry_gives_no_hints(shelf, known, text):
    known()
    path = catalogue.Path(catalogue.__file__).parents[2] / "registry.json"
    path.write_text(text)
    with pytest.raises(UnknownComponentError):
        find("farnet")


def test_the_registry_beside_the_package_counts_without_a_checkout(known):
    known(offered("zoo-far", "farnet"))
    checkout = catalogue.Path(catalogue.__file__).parents[2]
    (checkout / "pyproject.toml").unlink()
    assert catalogue.known() == ()
    (checkout / "registry.json").rename(checkout / "zoo" / "registry.json")
    catalogue.known.cache_clear()
    assert [item["distribution"] for item in catalogue.known()] == ["zoo-far"]


@pytest.mark.parametrize("ref", ["hf://me/cats", "./cats"])
def test_a_reference_to_something_else_is_refused(shelf, ref):
    with pytest.raises(BadReferenceError, match="expected the name of a head"):
        find(ref, "head")


def test_an_unknown_kind_is_refused(shelf):
    with pytest.raises(UnknownComponentError, match="expected backbone, head"):
        list_components("bckbone")


def test_rows_are_sorted_and_filtered(shelf, known):
    rows = [
        {
            "kind": "loss",
            "name": "b",
            "target": "a:B",
            "summary": "Soft.",
            "tags": ["x"],
            "facts": {"parameters": 3},
        },
        {"kind": "head", "name": "c", "target": "a:B", "summary": "Hard things.", "task": "binary"},
    ]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    known(offered("zoo-far", "farnet"), offered("zoo-fake", "old"))
    mine = {"fake", "far"}
    assert [row.name for row in list_components() if row.namespace in mine] == ["c", "b"]
    assert [row.name for row in list_components(search="HARD binary")] == ["c"]
    assert [row.parameters for row in list_components("loss", tag="x") if row.namespace in mine] == [3]
    everything = [
        (row.name, row.installed) for row in list_components(installed=False) if row.namespace in mine
    ]
    assert everything == [("farnet", False), ("c", True), ("b", True)]


def test_info_is_plain_data(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    data = info("net")
    assert json.loads(json.dumps(data)) == data
    assert (data["qualified"], data["version"], data["summary"]) == ("fake:net", "1.0", "The net.")


def test_entries_are_those_of_a_kind(shelf):
    shelf.plugin("zoo-fake", "net", "net2", catalogue=True)
    found = [entry.ref for entry in entries("backbone") if entry.plugin.namespace.name == "fake"]
    assert found == ["net", "net2"]


def test_a_new_installation_is_seen_by_a_running_process(shelf):
    shelf.plugin("zoo-one", "net1", catalogue=True)
    before = registry()
    find("net1")
    assert registry() is before
    shelf.plugin("zoo-two", "net2", catalogue=True)
    assert find("net2")


def test_recipes_are_found_by_name(shelf):
    content = {"format": 1, "components": [], "recipes": {"demo": "recipes/demo.toml"}}
    shelf.plugin("zoo-one", catalogue=content)
    assert (
        recipe_file("demo") == recipe_file("one:demo") == shelf.folder / "zoo_one" / "recipes" / "demo.toml"
    )
    with pytest.raises(UnknownComponentError, match="did you mean one:demo"):
        recipe_file("one:dema")
    shelf.plugin("zoo-two", catalogue=content)
    with pytest.raises(AmbiguousNameError, match="one:demo or two:demo"):
        recipe_file("demo")


def test_what_moved_to_another_distribution_is_found_under_its_old_namespace(shelf):
    shelf.plugin("zoo-old", "stays")
    shelf.plugin("zoo-new", "moved", namespace="new", formerly=["old"], catalogue=True)
    entry = find("old:moved", "backbone")
    assert (entry.qualified, entry.ref) == ("new:moved", "moved")
    with pytest.raises(UnknownComponentError, match="no backbone is called 'old:strange'"):
        find("old:strange", "backbone")
    shelf.plugin("zoo-asked", "gone", namespace="asked", formerly=["old"])  # through its hook
    assert find("old:gone").qualified == "asked:gone"


def test_an_old_namespace_that_still_has_the_name_keeps_it(shelf, known):
    shelf.plugin("zoo-old", "net")
    shelf.plugin("zoo-thief", "net", "far", formerly=["old", "away"], namespace="thief", catalogue=True)
    assert find("old:net").qualified == "old:net"
    known(offered("zoo-away", "far", namespace="away", published=True))
    with pytest.raises(UnknownComponentError, match="comes from zoo-away: pip install zoo-away"):
        find("away:far")


def test_two_heirs_of_a_name_are_an_error_that_names_both(shelf):
    for name in ("one", "two"):
        shelf.plugin(f"zoo-{name}", "net", namespace=name, formerly=["old"], catalogue=True)
    with pytest.raises(AmbiguousNameError, match=r"one:net .* or two:net"):
        find("old:net")


def test_who_has_it_now_is_named_where_it_is_not_installed(shelf, known):
    shelf.plugin("zoo-old", "stays")
    known(offered("zoo-new", "moved", namespace="new", formerly=["old"], published=True))
    for wanted in ("old:moved", "moved"):
        with pytest.raises(
            UnknownComponentError, match=f"`{wanted}` comes from zoo-new: pip install zoo-new"
        ):
            find(wanted)


@pytest.mark.parametrize("formerly", ["old", ["old", 3], ["fake"], ["A B"]])
def test_former_namespaces_that_are_none_are_refused(shelf, formerly):
    rows = offered("zoo-fake", "net")["components"]
    catalogue = {"format": 1, "distribution": "zoo-fake", "namespace": "fake", "components": rows}
    shelf.plugin("zoo-fake", "net", catalogue={**catalogue, "formerly": formerly})
    (plugin,) = [plugin for plugin in registry().plugins if plugin.distribution == "zoo-fake"]
    assert "formerly" in plugin.error


def test_a_recipe_or_series_of_a_known_distribution_says_where_it_comes_from(shelf, known):
    known(
        {
            **offered("zoo-far", "farnet", published=True),
            "recipes": {"show-1-first": "recipes/show-1-first.toml"},
        }
    )
    for name in ("show", "show-1-first"):
        with pytest.raises(UnknownComponentError, match="it comes from zoo-far: pip install zoo-far"):
            recipe_file(name)
