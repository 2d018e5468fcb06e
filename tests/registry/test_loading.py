"""Loading imports one plugin and checks that its code keeps what its catalogue says."""

from __future__ import annotations

import builtins
import inspect
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import zoo
from zoo.registry import find, listing, load, resolve_config, resolve_target
from zoo.registry.loading import declare
from zoo.registry.plugins.inspection import inspect as inspected
from zoo.spec.component import API, Component
from zoo.spec.errors import PluginError, UnknownComponentError


def loaded():
    """Modules of the fake plugins; other tests may have imported real ones."""
    return sorted(name for name in sys.modules if name.split(".")[0] in ("zoo_fake", "zoo_other"))


def component(target="zoo_fake.net:Net", **more):
    return Component(kind="backbone", name="net", summary="s", target=target, **more)


def test_loading_imports_the_one_plugin_and_no_target(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    shelf.plugin("zoo-other", "net2", catalogue=True)
    got = load(find("net"))
    assert (got.component.name, got.plugin.distribution) == ("net", "zoo-fake")
    assert loaded() == ["zoo_fake", "zoo_fake.plugin"]


def test_the_target_is_resolved_on_demand(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    assert resolve_target(load(find("net")).component)(depth=2).options == {"depth": 2}


def test_a_catalogue_that_points_elsewhere_is_an_error(shelf):
    entry = {"kind": "backbone", "name": "net", "target": "zoo_fake.net:Old", "summary": "s"}
    shelf.plugin("zoo-fake", "net", catalogue={"format": 1, "components": [entry]})
    with pytest.raises(
        PluginError, match=r"expected zoo_fake.net:Old as in its catalogue, got zoo_fake.net:Net"
    ):
        load(find("net"))


def test_a_catalogue_that_lists_too_much_is_an_error(shelf):
    entry = {"kind": "backbone", "name": "gone", "target": "zoo_fake.net:Net", "summary": "s"}
    shelf.plugin("zoo-fake", "net", catalogue={"format": 1, "components": [entry]})
    with pytest.raises(PluginError, match="its catalogue lists the backbone 'gone', its code does not"):
        load(find("gone"))


@pytest.mark.parametrize(
    ("named", "root", "said"),
    [
        ("gone", "mine", "run zoo catalogue mine$"),
        ("gone", "mine/src", "run zoo catalogue mine/src$"),
        ("gone", None, "install the plugin again, or, if it is yours, run zoo catalogue in its folder$"),
        ("net", "mine", "run zoo catalogue mine$"),
    ],
)
def test_a_catalogue_that_is_out_of_date_names_the_command(
    shelf, tmp_path, monkeypatch, *, named, root, said
):
    entry = {"kind": "backbone", "name": named, "target": "zoo_fake.net:Old", "summary": "s"}
    folder = shelf.plugin("zoo-fake", "net", catalogue={"format": 1, "components": [entry]})
    checkout = tmp_path / "mine" / "src" / "zoo_fake"
    checkout.parent.mkdir(parents=True)
    shutil.copytree(folder, checkout)
    if root is not None:
        (tmp_path / root / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    found = find(named)
    with pytest.raises(PluginError, match=said):
        load(replace(found, plugin=replace(found.plugin, folder=checkout)))


def test_a_component_for_a_newer_core_says_which(shelf):
    rows = [{"kind": "backbone", "name": "net", "target": "zoo_fake.net:Net", "summary": "s", "api": 99}]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True, requires="zoo_core>=7.2; python_version>'3'")
    with pytest.raises(
        PluginError,
        match=r"got 99 of zoo-fake; upgrade zoo-core, for it wants 'zoo_core>=7.2': bring the checkout",
    ):
        load(find("net"))


def test_a_component_for_an_older_core_is_refused_before_it_is_imported(shelf):
    row = {"kind": "backbone", "name": "net", "target": "zoo_fake.net:Net", "summary": "s", "api": API - 1}
    shelf.plugin(
        "zoo-fake", "net", catalogue={"format": 1, "components": [row]}, code="raise OSError('boom')"
    )
    with pytest.raises(
        PluginError,
        match=rf"'net' was written for an older zoo-core: expected interface version {API}, as the "
        rf"zoo-core here has, got {API - 1} of zoo-fake; upgrade zoo-fake: "
        r"install a newer zoo-fake from where its author offers it; if it is yours, .* once it fits",
    ):
        load(find("net"))


def test_the_inspection_says_which_interfaces_differ_and_no_stale_catalogue(shelf):
    row = {"kind": "backbone", "name": "net", "target": "zoo_fake.net:Net", "summary": "s", "api": API - 1}
    shelf.plugin("zoo-fake", "net", catalogue={"format": 1, "components": [row]})
    ((problem,),) = [
        r.problems for r in inspected(refresh=True).reports if r.plugin.distribution == "zoo-fake"
    ]
    # Without the plugin's name, which whoever shows the report says
    assert problem.startswith("'net' was written for an older zoo-core: expected interface")
    assert "; upgrade zoo-fake: " in problem


def test_a_component_that_the_catalogue_lacks_is_said_to_be_in_the_code(shelf):
    row = {"kind": "backbone", "name": "net", "target": "zoo_fake.net:Net", "summary": "s"}
    shelf.plugin("zoo-fake", "net", "later", catalogue={"format": 1, "components": [row]})
    with pytest.raises(
        UnknownComponentError,
        match=r"the code of zoo-fake has 'later', its catalogue lacks it: .*zoo catalogue",
    ):
        find("later")
    with pytest.raises(UnknownComponentError) as caught:
        find("late")
    assert "catalogue" not in str(caught.value)


@pytest.mark.parametrize("code", ["raise ValueError('boom')", "raise SystemExit('boom')"])
def test_a_plugin_that_does_not_import_is_one_line(shelf, code):
    shelf.plugin("zoo-fake", "net", catalogue=True, code=code)
    with pytest.raises(
        PluginError, match=r"plugin zoo-fake failed to import: \w+: boom \(.*plugin.py, line 1\)"
    ):
        load(find("net"))


TARGETS = {
    "zoo_fake.nowhere:Net": "no such module",
    "nowhere.net:Net": "no such module",
    "zoo_fake.net:Nat": "has no 'Nat'; did you mean Net",
    "zoo_fake.needs:Net": "a module that it needs is missing.*install what has not_there",
    "zoo_fake.raises:Net": "importing zoo_fake.raises raised OSError: lost",
    "zoo_fake.ends:Net": r"importing zoo_fake.ends raised SystemExit: 0 \(.*ends.py, line 1\)",
    "zoo_fake.asked:Net": r"'Net' of zoo_fake.asked raised GeneratorExit \(.*asked.py, line 1\)",
}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("", "bad summary: expected a value"),
        ("summary='A.', license='mit'", "unknown field"),
        ("summary='A.', tags='cnn'", "bad tags"),
        ("summary='A.', weights={'a': zoo.Weights(repo='a')}", "weights of a: bad repo"),
        ("summary='A.', weights={'a': zoo.Weights(repo='a/b', input=zoo.InputSpec(size=3))}", "bad size"),
    ],
)
def test_a_mistake_in_a_declaration_is_found_at_the_line_that_made_it(shelf, field, said):
    made = f"zoo.Component(kind='head', name='a', target='b:C',\n{field})"
    code = f"import zoo\n\n\n@zoo.hookimpl\ndef zoo_components():\n    return [{made}]\n"
    folder = shelf.plugin("zoo-fake", code=code)
    with pytest.raises(PluginError) as error:
        declare("zoo_fake.plugin", "zoo-fake")
    assert said in str(error.value)
    assert re.search(rf"\({re.escape(str(folder / 'plugin.py'))}, line [67]\)$", str(error.value))


def test_options_that_pydantic_refuses_are_found_in_the_file_that_has_them(shelf):
    row = {"kind": "head", "name": "a", "target": "b:C", "summary": "A.", "config": "zoo_fake.config:A"}
    folder = shelf.plugin("zoo-fake", rows=[row])
    (folder / "config.py").write_text("import zoo\n\n\nclass A(zoo.Options):\n    kind = 3\n")
    with pytest.raises(PluginError, match=re.escape(f"({folder / 'config.py'}, line 4)")):
        resolve_config(Component(**row))


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_cannot_be_had_says_why(shelf, target):
    folder = shelf.plugin("zoo-fake", "net", catalogue=True)
    (folder / "needs.py").write_text("import not_there.at_all\n")
    (folder / "raises.py").write_text("raise OSError('lost')\n")
    (folder / "ends.py").write_text("raise SystemExit(0)\n")
    (folder / "asked.py").write_text("def __getattr__(name): raise GeneratorExit\n")
    with pytest.raises(PluginError, match=TARGETS[target]) as error:
        resolve_target(component(target))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("net", r"backbone 'net' of zoo-fake: zoo_fake.net:Net raised SystemExit: 0 \(.*net.py, line 2\)$"),
        ({"name": "net", "depth": 3}, r"backbone net of zoo-fake: its options raised SystemExit: 0 \("),
    ],
)
def test_a_component_that_would_end_the_process_is_an_error_of_its_plugin(shelf, reference, said):
    row = {"kind": "backbone", "name": "net", "target": "zoo_fake.net:Net", "summary": "A net."}
    folder = shelf.plugin("zoo-fake", rows=[{**row, "config": "zoo_fake.config:Config"}], catalogue=True)
    (folder / "net.py").write_text("class Net:\n    def __init__(self, **options): raise SystemExit(0)\n")
    (folder / "config.py").write_text(
        "import zoo, pydantic\nclass Config(zoo.Options):\n    depth: int = 1\n"
        "    @pydantic.field_validator('depth')\n    def check(cls, value): raise SystemExit(0)\n"
    )
    with pytest.raises(PluginError, match=said):
        zoo.build(reference, input_size=32)


@pytest.fixture
def hat(shelf, monkeypatch):
    """The module of a plugin's head `hat`, to be written, beside the backbones of zoo-basic."""
    monkeypatch.setenv("ZOO_PLUGINS", "zoo-fake,zoo-basic")
    monkeypatch.delenv("ZOO_DISABLED_PLUGINS")
    row = {"kind": "head", "name": "hat", "target": "zoo_fake.net:Hat", "summary": "A head."}
    return shelf.plugin("zoo-fake", rows=[row], catalogue=True) / "net.py"


def test_a_head_that_would_end_the_process_is_an_error_of_its_plugin(hat):
    hat.write_text("class Hat:\n    @classmethod\n    def tap_names(cls, options): raise SystemExit(0)\n")
    with pytest.raises(PluginError, match=r"head 'hat': its tap_names raised SystemExit: 0 \(.*, line 3\)$"):
        zoo.build("small_cnn", head="hat", input_size=32)


def test_a_part_that_would_end_the_process_when_it_runs_is_an_error(hat):
    hat.write_text(
        "from zoo.interfaces import Head, Task\nclass Hat(Head):\n"
        "    def __init__(self, *, inputs, classes=None):\n"
        "        super().__init__(task=Task(), inputs=inputs, outputs=1)\n"
        "    def forward(self, *features): raise SystemExit(0)\n"
    )
    with pytest.raises(PluginError, match=r"a part of the model raised SystemExit: 0 \(.*net.py, line 5\)$"):
        zoo.build("small_cnn", head="hat", input_size=32)


def test_an_interruption_while_a_plugin_is_at_work_is_the_users(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True, code="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load(find("net"))


def test_options_are_resolved_and_checked(shelf):
    folder = shelf.plugin("zoo-fake", "net", catalogue=True)
    (folder / "config.py").write_text(
        "import zoo\nclass Config(zoo.Options):\n    depth: int = 1\nplain = dict\n"
    )
    config = resolve_config(component(config="zoo_fake.config:Config"))
    assert config is not None
    assert config().model_dump() == {"depth": 1}
    assert resolve_config(component()) is None
    with pytest.raises(PluginError, match=r"expected a subclass of zoo.Options"):
        resolve_config(component(config="zoo_fake.config:plain"))


HEAVY = (
    "torch",
    "pydantic",
    "pluggy",
    "rich",
    "huggingface_hub",
    "numpy",
    "importlib.metadata",
    "zoo_fake",
    "zoo_slow",
)


@pytest.mark.parametrize("code", ["import zoo; zoo.list()", "import zoo; zoo.list(); zoo.info('net')"])
def test_listing_imports_nothing_heavy(shelf, code):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    shelf.plugin("zoo-slow", "net2")
    answer = shelf.python(code, "-X", "importtime")
    assert answer.returncode == 0, answer.stderr
    imported = {
        line.rpartition("|")[2].strip()
        for line in answer.stderr.splitlines()
        if line.startswith("import time")
    }
    assert "zoo.registry.listing" in imported
    assert [
        name for name in HEAVY if any(item == name or item.startswith(f"{name}.") for item in imported)
    ] == []


def test_every_public_name_has_a_home():
    assert set(zoo._HOMES) == {*zoo.__all__, "list"}
    assert {*zoo._HOMES, "__version__"} <= set(dir(zoo))
    assert isinstance(zoo.__version__, str)


def test_what_a_verb_returns_is_imported_from_the_same_door():
    verbs = [getattr(zoo, name) for name in (*zoo.__all__, "list") if name.islower() and name != "hookimpl"]
    # Some return one of two
    returned = {
        name for verb in verbs for name in str(inspect.signature(verb).return_annotation).split(" | ")
    }
    named = {name for name in returned if name.isidentifier() and name not in dir(builtins)} - {"Path"}
    assert {"Evaluation", "Run", "Predictions", "Images", "Latents", "Verified", "Pushed", "Rows"} < named
    for name in (*named, "Measured", "Predicted", "Row"):  # and what is in them
        assert isinstance(getattr(zoo, name), type), name
    done = subprocess.run(
        [sys.executable, "-c", "import sys, zoo; zoo.Rows, zoo.Row; sys.exit('torch' in sys.modules)"],
        check=False,
    )
    assert done.returncode == 0


def test_a_star_import_leaves_the_names_of_python_alone():
    names: dict[str, object] = {}
    exec("from zoo import *\nnumbers = list(range(3))", names)
    assert names["numbers"] == [0, 1, 2]
    assert not set(zoo.__all__) & set(dir(builtins))
    assert zoo.list is listing.list_components


def test_an_unknown_public_name_is_a_helpful_error():
    with pytest.raises(AttributeError, match="did you mean build"):
        zoo.biuld  # noqa: B018
    assert not hasattr(zoo, "nothing_like_it")


def test_importing_zoo_imports_nothing_else():
    code = "import sys; old = set(sys.modules); import zoo; print(*set(sys.modules) - old)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in answer.stdout.split() if name.startswith("zoo")] == ["zoo"]
