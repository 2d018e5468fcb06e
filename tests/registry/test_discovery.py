"""A plugin is found without being imported, and a broken one costs nobody anything."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from zoo.registry import Plugin, discover, find, list_components, reset
from zoo.registry.cache import sealed
from zoo.registry.plugins import probe
from zoo.registry.plugins.inspection import inspect
from zoo.registry.plugins.installed import requirements
from zoo.spec.errors import OptionError, PluginError

COUNTING = """
import pathlib, zoo
(pathlib.Path(__file__).parents[1] / "asked.log").open("a").write("x")
{middle}
@zoo.hookimpl
def zoo_components():
    return [zoo.Component(kind="backbone", name="{name}", target="a.b:C", summary="A net.")]
"""


def names(namespace: str) -> list[str]:
    return [row.name for row in list_components() if row.namespace == namespace]


def plugin(distribution: str) -> Plugin:
    (found,) = [item for item in discover() if item.distribution == distribution]
    return found


def asked(shelf) -> int:
    log = shelf.folder / "asked.log"
    return len(log.read_text()) if log.exists() else 0


def test_a_catalogue_is_read_without_importing_the_plugin(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True, code="raise RuntimeError('imported')")
    assert names("fake") == ["net"]
    assert not any(name.startswith("zoo_fake") for name in sys.modules)


def test_a_plugin_without_catalogue_is_asked_in_another_process(shelf):
    shelf.plugin("zoo-fake", "net", "other")
    assert names("fake") == ["net", "other"]
    assert plugin("zoo-fake").source == "hook"
    assert not any(name.startswith("zoo_fake") for name in sys.modules)


def test_two_distributions_with_one_entry_point_name_are_both_seen(shelf):
    shelf.plugin("zoo-one", "net1", entry="same", catalogue=True)
    shelf.plugin("zoo-two", "net2", entry="same", catalogue=True)
    assert names("one") + names("two") == ["net1", "net2"]


BAD = {
    "raises on import": ("raise ValueError('boom')", "ValueError: boom"),
    "leaves on import": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def (", "SyntaxError"),
    "hook raises": ("import zoo\n@zoo.hookimpl\ndef zoo_components(): return 1 / 0", "ZeroDivisionError"),
    "not a list": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components(): return 7",
        "expected a list of Component, got 7",
    ),
    "nothing": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components(): pass",
        "expected a list of Component, got None",
    ),
    "no components": ("import zoo\n@zoo.hookimpl\ndef zoo_components(): return ['x']", "got 'x'"),
    "no hook": ("x = 1", "does not implement zoo_components"),
    "bad field": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components():\n"
        "    return [zoo.Component(kind='spoon', name='x', target='a:B', summary='s')]",
        "bad kind",
    ),
    "duplicate": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components():\n"
        "    return 2 * [zoo.Component(kind='head', name='x', target='a:B', summary='s')]",
        "each name once per kind",
    ),
    "bad namespace": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components(): return []\n"
        "@zoo.hookimpl\ndef zoo_namespace(): return 'a'",
        "expected a Namespace",
    ),
    "ends the process": ("import os; os._exit(0)", "exit status 0"),
    "kills the process": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
    "unserialisable": (
        "import zoo\n@zoo.hookimpl\ndef zoo_components():\n"
        "    return [zoo.Component(kind='head', name='x', target='a:B', summary='s', tiny={'a': object()})]",
        "TypeError",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_plugin_is_one_line_and_the_rest_works(shelf, case):
    code, said = BAD[case]
    shelf.plugin("zoo-bad", code=code)
    shelf.plugin("zoo-good", "net", catalogue=True)
    error = plugin("zoo-bad").error
    assert error is not None
    assert said in error
    assert "\n" not in error
    assert names("good") == ["net"]
    assert names("bad") == []


def test_a_plugin_that_hangs_is_given_up_with_its_children(shelf, monkeypatch):
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", "1.5")
    shelf.plugin(
        "zoo-slow", code="import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    )
    shelf.plugin("zoo-good", "net", catalogue=True)
    assert "no answer within 1.5 s" in (plugin("zoo-slow").error or "")
    assert names("good") == ["net"]


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_none_is_one_line_that_names_the_variable(shelf, monkeypatch, value):
    shelf.plugin("zoo-asked", code=COUNTING.format(middle="", name="net"))
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", value)
    expected = f"^ZOO_PLUGIN_TIMEOUT: expected a number of seconds from 0.1, got '{value}'; "
    with pytest.raises(OptionError, match=expected):
        names("asked")


def test_what_a_plugin_prints_or_reads_is_no_part_of_its_answer(shelf, capfd):
    noise = "import os; print('{'); os.write(1, b'}'); os.system('echo noise'); os.read(0, 10)"
    shelf.plugin("zoo-loud", code=COUNTING.format(middle=noise, name="net"))
    assert names("loud") == ["net"]
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_lists_while_it_is_asked_does_not_ask_itself(shelf):
    shelf.plugin("zoo-deep", code=COUNTING.format(middle="zoo.list()", name="net"))
    assert names("deep") == ["net"]
    assert asked(shelf) == 1


BAD_CATALOGUES = {
    "no json": ("{", "expected JSON"),
    "no table": ([1], "expected a table"),
    "newer": ({"format": 2}, "written for a newer zoo-core"),
    "no list": ({"format": 1, "components": {}}, "expected a list"),
    "no component": ({"format": 1, "components": [{"kind": "head"}]}, "bad component"),
    "bad facts": (
        {
            "format": 1,
            "components": [{"kind": "head", "name": "a", "target": "a:B", "summary": "s", "facts": 3}],
        },
        "component a: expected facts as a table, got 3",
    ),
    "twice": (
        {"format": 1, "components": 2 * [{"kind": "head", "name": "a", "target": "a:B", "summary": "s"}]},
        "each name once",
    ),
    "bad bare": ({"format": 1, "bare": 3, "components": []}, "bad bare"),
    "bad namespace": ({"format": 1, "namespace": "A B", "components": []}, "lower case"),
    "recipe outside": ({"format": 1, "components": [], "recipes": {"a": "../../a.toml"}}, "relative paths"),
}

ROW = {"kind": "head", "name": "a", "target": "a:B", "summary": "s"}
BAD_CATALOGUES |= {
    f"{field} {value!r}": ({"format": 1, "components": [{**ROW, field: value}]}, said)
    for field, value, said in [
        ("tags", None, "component a: expected tags as a list of lines of text, got None"),
        ("tags", 5, "component a: expected tags as a list of lines of text"),
        ("tags", [1], "component a: expected tags as a list of lines of text"),
        ("tags", ["a\x1b[31m"], "component a: expected tags as a list of lines of text"),
        ("weights", None, "component a: expected weights as tables by tag"),
        ("weights", {"a": 5}, "component a: expected weights"),
        ("task", 5, "component a: expected task as a line of text"),
        ("tiny", [1], "component a: expected tiny as a table"),
        ("summary", "s\x1b[31m", "bad component"),
        ("name", "\u202ea", "bad component"),
    ]
}


@pytest.mark.parametrize("case", BAD_CATALOGUES)
def test_a_bad_catalogue_is_one_line_and_the_rest_works(shelf, case):
    content, said = BAD_CATALOGUES[case]
    shelf.plugin("zoo-bad", catalogue=content if isinstance(content, str) else json.dumps(content))
    shelf.plugin("zoo-good", "net", catalogue=True)
    assert said in (plugin("zoo-bad").error or "")
    assert names("good") == ["net"]


def test_a_bad_row_costs_only_itself(shelf):
    rows = [
        {"kind": "head", "name": "odd", "target": "a:B", "summary": "s", "colour": "red"},
        {"kind": "head", "name": "fine", "target": "a:B", "summary": "s"},
    ]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    assert find("fine").qualified == "fake:fine"
    with pytest.raises(PluginError, match=r"catalogue of zoo-fake.*unknown field"):
        find("odd")


def test_a_package_that_is_gone_is_an_error_of_its_own(shelf):
    folder = shelf.plugin("zoo-gone", "net")
    folder.rename(shelf.folder / "elsewhere")
    assert "expected a package on sys.path" in (plugin("zoo-gone").error or "")


def test_two_entry_points_in_one_distribution_are_an_error(shelf):
    shelf.plugin("zoo-two", "net")
    (shelf.folder / "zoo_two-1.0.dist-info" / "entry_points.txt").write_text(
        "[zoo]\na = zoo_two.plugin\nb = zoo_two.x\n"
    )
    assert "expected one" in (plugin("zoo-two").error or "")


def test_an_entry_point_at_an_object_is_an_error(shelf):
    shelf.plugin("zoo-obj", "net")
    (shelf.folder / "zoo_obj-1.0.dist-info" / "entry_points.txt").write_text(
        "[zoo]\na = zoo_obj.plugin:Thing\n"
    )
    assert "expected a module" in (plugin("zoo-obj").error or "")


def test_the_first_of_a_name_on_the_path_is_the_one(shelf, tmp_path, monkeypatch):
    shelf.plugin("zoo-fake", "old", catalogue=True)
    later = tmp_path / "later"
    later.mkdir()
    type(shelf)(later).plugin("zoo-fake", "new", version="2.0", catalogue=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(later)])
    assert plugin("zoo-fake").version == "1.0"


def test_an_egg_link_of_a_development_install_is_seen(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True)
    info = (shelf.folder / "zoo_fake-1.0.dist-info").rename(shelf.folder / "zoo_fake.egg-info")
    (info / "METADATA").rename(info / "PKG-INFO")
    assert (plugin("zoo-fake").version, names("fake")) == ("1.0", ["net"])


def test_a_single_module_is_a_plugin_too(shelf):
    shelf.plugin("zoo-flat", "unused")
    (shelf.folder / "flat.py").write_text(COUNTING.format(middle="", name="net"))
    (shelf.folder / "zoo_flat-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\na = flat\n")
    reset()
    assert names("flat") == ["net"]


def test_the_namespace_is_what_the_plugin_says(shelf):
    shelf.plugin("zoo-a", "net", namespace="mine", catalogue=True)
    shelf.plugin("zoo-b", "net2", namespace="yours")
    assert names("mine") + names("yours") == ["net", "net2"]


def test_the_core_namespace_is_reserved(shelf):
    shelf.plugin("zoo-thief", "net", namespace="core", catalogue=True)
    assert "zoo-core's" in (plugin("zoo-thief").error or "")


def test_recipes_are_found_in_catalogue_and_folder(shelf):
    for name, catalogue in (
        ("zoo-a", {"format": 1, "components": [], "recipes": {"one": "r/x.toml"}}),
        ("zoo-b", False),
    ):
        folder = shelf.plugin(name, "net", catalogue=catalogue)
        (folder / "recipes").mkdir()
        (folder / "recipes" / "two.toml").write_text("")
    assert plugin("zoo-a").recipes == {"one": shelf.folder / "zoo_a" / "r" / "x.toml"}
    assert plugin("zoo-b").recipes == {"two": shelf.folder / "zoo_b" / "recipes" / "two.toml"}


def test_only_the_chosen_plugins_take_part(shelf, monkeypatch):
    shelf.plugin("zoo-one", "net1", catalogue=True)
    shelf.plugin("zoo-two", "net2", catalogue=True)
    monkeypatch.setenv("ZOO_PLUGINS", "Zoo_One")
    assert (names("one"), names("two")) == (["net1"], [])
    assert "zoo-core" in [item.distribution for item in discover()]


def test_disabled_plugins_take_no_part_and_the_core_cannot_be_disabled(shelf, monkeypatch):
    shelf.plugin("zoo-one", "net1", catalogue=True)
    shelf.plugin("zoo-two", "net2", catalogue=True)
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", f"zoo-two, zoo-core,{os.environ['ZOO_DISABLED_PLUGINS']}")
    assert (names("one"), names("two")) == (["net1"], [])
    assert "zoo-core" in [item.distribution for item in discover()]


def test_strict_raises(shelf, monkeypatch):
    shelf.plugin("zoo-bad", catalogue="{")
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"zoo-bad 1.0 is broken"):
        list_components()


@pytest.mark.parametrize("word", ["0", "off", "No", "false", ""])
def test_strict_can_be_switched_off_by_each_word_for_it(shelf, monkeypatch, word):
    shelf.plugin("zoo-bad", catalogue="{")
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", word)
    assert list_components()


def test_a_hook_is_asked_once(shelf):
    shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    for _ in range(3):
        reset()
        assert names("fake") == ["net"]
    assert asked(shelf) == 1


def test_a_failure_is_remembered_until_something_is_installed(shelf):
    shelf.plugin("zoo-bad", code=COUNTING.format(middle="import nowhere_at_all", name="net"))
    for _ in range(2):
        assert "nowhere_at_all" in (plugin("zoo-bad").error or "")
    assert asked(shelf) == 1
    shelf.plugin("zoo-other", "net", catalogue=True)
    (shelf.folder / "nowhere_at_all.py").write_text("")
    assert plugin("zoo-bad").error is None
    assert asked(shelf) == 2


def test_a_system_without_room_for_asking_is_one_line_and_asked_again(shelf, monkeypatch):
    shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("tempfile.TemporaryFile", full)
        assert plugin("zoo-fake").error == "could not be asked: No space left on device"
    reset()
    assert names("fake") == ["net"]
    assert plugin("zoo-fake").error is None


@pytest.mark.parametrize("change", ["version", "file", "new file"])
def test_a_changed_plugin_is_asked_again(shelf, change):
    folder = shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    discover()
    if change == "version":
        shelf.plugin("zoo-fake", version="2.0", code=COUNTING.format(middle="", name="net"))
    elif change == "file":
        (folder / "plugin.py").write_text(COUNTING.format(middle="", name="renamed"))
    else:
        (folder / "more.py").write_text("")
    discover()
    assert asked(shelf) == 2


def test_refresh_asks_again(shelf):
    shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    discover()
    discover(refresh=True)
    assert asked(shelf) == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"key": [], "answer": {}}', '{"key": 1, "answer": {"components": 1}}']
)
def test_a_corrupt_cache_is_ignored(shelf, content):
    shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    discover()
    for file in Path(os.environ["ZOO_CACHE"]).rglob("*.jsonl"):
        file.write_bytes(sealed(content.encode()) if content else b"")
    reset()
    assert names("fake") == ["net"]


def test_a_cache_that_cannot_be_written_is_no_error(shelf, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file" / "below"))
    shelf.plugin("zoo-fake", "net")
    assert names("fake") == ["net"]


def test_a_link_to_itself_costs_no_more_than_itself(shelf):
    folder = shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    for number in range(9):
        (folder / f"data{number}").symlink_to(f"data{number}")
    assert names("fake") == ["net"]
    reset()
    assert names("fake") == ["net"]
    assert asked(shelf) == 1
    files = {str(folder / name) for name in ("__init__.py", "net.py", "plugin.py")}
    assert {path for path, _, _ in probe._stamps(str(folder))} == files


def test_links_that_lead_round_in_a_circle_are_looked_at_once(shelf):
    folder = shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    for number, target in enumerate(("..", "..", "../zoo_fake", "../..")):
        (folder / f"up{number}").symlink_to(target)
    assert names("fake") == ["net"]
    found = [os.path.realpath(path) for path, _, _ in probe._stamps(str(folder))]
    assert str(folder / "plugin.py") in found
    assert len(found) == len({*found})


def test_a_package_of_more_files_than_anyone_looks_at_is_asked_each_time(shelf, monkeypatch):
    shelf.plugin("zoo-fake", code=COUNTING.format(middle="", name="net"))
    monkeypatch.setattr(probe, "MOST_ENTRIES", 2)
    assert names("fake") == ["net"]
    reset()
    assert names("fake") == ["net"]
    assert asked(shelf) == 2


@pytest.mark.parametrize("catalogue", [True, False])
def test_a_plugin_whose_files_cannot_be_looked_at_costs_itself_alone(shelf, monkeypatch, catalogue):
    folder = shelf.plugin("zoo-bad", "net", catalogue=catalogue)
    shelf.plugin("zoo-good", "other", catalogue=True)
    (folder / "recipes").mkdir()
    is_file, glob = Path.is_file, Path.glob

    def refusing(way):
        def refused(path, *rest):
            if path.is_relative_to(folder):
                raise PermissionError(13, "Permission denied", str(path))
            return way(path, *rest)

        return refused

    monkeypatch.setattr(Path, "is_file", refusing(is_file) if catalogue else is_file)
    monkeypatch.setattr(Path, "glob", refusing(glob))
    where = folder / ("catalogue.json" if catalogue else "recipes")
    assert plugin("zoo-bad").error == f"{where}: expected what can be read, got Permission denied"
    assert names("good") == ["other"]


def pipe(file: Path) -> None:
    os.mkfifo(file)


UNREADABLE = {
    "a pipe and no file": pipe,
    "a device and no file": lambda file: file.symlink_to("/dev/zero"),
    "1,048,577 bytes, more than 1,048,576": lambda file: file.write_bytes(b" " * ((1 << 20) + 1)),
    "no UTF-8 at byte 0": lambda file: file.write_bytes(b"\xff"),
    "a folder and no file": lambda file: file.mkdir(),
}


with_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")


@with_pipes
@pytest.mark.parametrize("said", UNREADABLE)
def test_entry_points_that_nobody_can_read_cost_one_line_of_the_inspection(shelf, said):
    shelf.plugin("zoo-good", "net", catalogue=True)
    info = shelf.folder / "some_package-1.0.dist-info"
    info.mkdir()
    UNREADABLE[said](info / "entry_points.txt")
    assert names("good") == ["net"]
    found = inspect(ask=False)
    (line,) = found.unreadable
    assert line == (
        f"some-package 1.0: {info}/entry_points.txt: {said}; "
        "whether it is a plugin cannot be told; install it again, or remove it"
    )
    assert not found.fine


@with_pipes
def test_metadata_that_nobody_can_read_ask_for_no_core(shelf):
    shelf.plugin("zoo-fake", "net", catalogue=True, requires="zoo-core>=9")
    assert requirements("zoo-fake") == ("zoo-core>=9",)
    (file,) = shelf.folder.glob("zoo_fake-*/METADATA")
    file.unlink()
    pipe(file)
    assert requirements("zoo-fake") == ()
    assert requirements("zoo-gone") == ()
