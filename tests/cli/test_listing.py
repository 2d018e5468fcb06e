"""`zoo list`, `show`, `plugins`, `doctor`: what they print, and how they end."""

from __future__ import annotations

import json

import pytest

from zoo.spec.kinds import KINDS

SCHEMA = {
    "properties": {
        "dropout": {"type": "number", "default": 0.5, "description": "Share of\nunits."},
        "pool": {"$ref": "#/$defs/Pool"},
        "classes": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    },
    "required": ["pool"],
    "$defs": {"Pool": {"enum": ["avg", "max"]}},
}
NET = {
    "kind": "backbone",
    "name": "net",
    "target": "zoo_fake.net:Net",
    "summary": "A small net.",
    "paper": "https://arxiv.org/abs/1409.1556",
    "tags": ["small"],
    "weights": {"imagenet": {"repo": "me/net", "metrics": {"top-1": 71.5}, "licence": "MIT"}},
    "facts": {
        "parameters": 14_714_688,
        "options": SCHEMA,
        "blocks": [{"name": "block1", "channels": 64, "reduction": 2, "parameters": 38_720}],
        "taps": [{"name": "block1", "channels": 64, "reduction": 1}],
    },
}


@pytest.fixture
def fake(shelf):
    shelf.plugin("zoo-fake", rows=[NET], catalogue=True)
    return shelf


def test_list_is_a_table(fake):
    answer = fake.zoo("list", "backbone", "--search", "small")
    header, line = answer.stdout.splitlines()
    assert header.split() == ["NAME", "KIND", "PARAMETERS", "SUMMARY"]
    assert line.split() == ["net", "backbone", "14.7M", "A", "small", "net."]
    assert answer.returncode == 0


def test_list_as_json(fake):
    (row,) = json.loads(fake.zoo("list", "backbone", "--tag", "small", "--json").stdout)
    assert (row["ref"], row["parameters"], row["weights"], row["installed"]) == (
        "net",
        14_714_688,
        ["imagenet"],
        True,
    )


def test_list_says_when_nothing_fits(fake):
    answer = fake.zoo("list", "--search", "no such thing")
    assert (answer.stdout, answer.returncode) == ("", 0)
    assert "--all" in answer.stderr


def test_a_list_without_components_says_which_plugins_have_some(fake):
    answer = fake.zoo("list", "backbone", ZOO_PLUGINS="zoo-core")
    assert answer.stdout == ""
    assert answer.stderr.startswith("no backbone is installed; some come from ")
    assert "zoo-vgg: ZOO_PLUGINS or ZOO_DISABLED_PLUGINS excludes it" in answer.stderr
    code = "import zoo; rows = zoo.list('backbone'); print(rows); assert rows._repr_html_().count('zoo-vgg')"
    done = fake.python(code, ZOO_PLUGINS="zoo-core")
    assert done.stdout == answer.stderr, done.stderr
    # As where they are not installed
    patched = "import zoo; zoo.list(); import zoo.registry.hints as h; h.installed = list; "
    patched += (
        "from types import SimpleNamespace as N; h.PluginChoice = N(from_environment=lambda: N(takes=bool)); "
    )
    done = fake.python(patched + code, ZOO_PLUGINS="zoo-core")
    assert ", zoo-vgg: pip install " in done.stdout, done.stderr


def test_list_names_broken_plugins_beside_the_table(fake):
    fake.plugin("zoo-bad", code="1 / 0")
    answer = fake.zoo("list", "backbone")
    assert "net" in answer.stdout
    assert "broken: zoo-bad" in answer.stderr
    assert answer.returncode == 0


def test_list_of_an_unknown_kind_is_one_line(fake):
    answer = fake.zoo("list", "heads")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "did you mean head?" in answer.stderr


def test_a_reader_that_leaves_is_no_error(shelf):
    shelf.plugin("zoo-fake", *(f"net{i}" for i in range(3000)), catalogue=True)
    closed = "import os; r, w = os.pipe(); os.dup2(w, 1); os.close(r)"
    answer = shelf.python(f"{closed}; from zoo.cli import main; main(['list'])")
    assert (answer.returncode, answer.stderr) == (141, "")


def test_show_tells_everything(fake):
    answer = fake.zoo("show", "net")
    assert answer.returncode == 0
    page = [" ".join(line.split()) for line in answer.stdout.splitlines()]
    for line in (
        "net: A small net.",
        "comes from: zoo-fake 1.0",
        "paper: https://arxiv.org/abs/1409.1556",
        "dropout number 0.5 Share of units.",
        "pool 'avg' or 'max' required",
        "classes integer or none none",
        "block1 64 2 38.7k",
        "imagenet 224 x 224 me/net top-1 71.5 MIT",
        'zoo.build("net", weights="imagenet")',
        "zoo build net --weights imagenet",
    ):
        assert line in page


def test_show_as_json_is_the_info(fake):
    data = json.loads(fake.zoo("show", "fake:net", "--json").stdout)
    assert (data["qualified"], data["facts"]["options"]) == ("fake:net", SCHEMA)


@pytest.mark.parametrize("kind", ["head", "model", "augmenter", "loss", "trainer", "dataset"])
def test_show_says_how_to_use_each_kind(shelf, kind):
    shelf.plugin(
        "zoo-fake", rows=[{"kind": kind, "name": "thing", "target": "a:B", "summary": "s"}], catalogue=True
    )
    answer = shelf.zoo("show", "thing", "--kind", kind)
    assert answer.stdout.rpartition("use\n")[2].count("thing") == 2


def test_show_says_what_the_declaration_says_of_its_example(shelf):
    example = {"model": "dcgan", "classes": 40, "for": ["*", "binary"]}
    rows = [{"kind": "loss", "name": "thing", "target": "a:B", "summary": "s", "example": example}]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    page = [" ".join(line.split()) for line in shelf.zoo("show", "thing").stdout.splitlines()]
    assert "example with: model dcgan, classes 40" in page
    assert "in examples of: any task, task binary" in page


def test_show_knows_the_options_of_a_plugin_without_catalogue(shelf):
    rows = [
        {
            "kind": "head",
            "name": "h",
            "target": "zoo_fake.net:Net",
            "summary": "s",
            "config": "zoo_fake.config:Config",
        }
    ]
    folder = shelf.plugin("zoo-fake", rows=rows)
    (folder / "config.py").write_text("import zoo\nclass Config(zoo.Options):\n    depth: int = 11\n")
    assert ["depth", "integer", "11"] in [line.split() for line in shelf.zoo("show", "h").stdout.splitlines()]


def test_an_unknown_name_is_one_line(fake):
    answer = fake.zoo("show", "nett")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: no component is called 'nett'; did you mean net")
    assert answer.stderr.count("\n") == 1


def test_debug_shows_the_traceback(fake):
    assert "Traceback" in fake.zoo("show", "nett", "--debug").stderr
    assert "Traceback" in fake.zoo("--debug", "show", "nett").stderr


@pytest.mark.parametrize("arguments", [["shw"], ["show"], ["list", "--colour"], ["--colour"]])
def test_a_wrong_word_is_one_line_and_status_2(fake, arguments):
    answer = fake.zoo(*arguments)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "--help" in answer.stderr


def test_help_imports_no_subcommand(fake):
    code = "import sys; sys.argv[1:] = ['--help']; import atexit, zoo.cli\n"
    code += (
        "atexit.register(lambda: print([n for n in sys.modules if n.startswith('zoo.cli.')]))\nzoo.cli.main()"
    )
    answer = fake.python(code)
    assert answer.stdout.splitlines()[-1] == "[]"
    assert "catalogue" in answer.stdout


def test_something_unforeseen_is_one_line_and_status_1(fake):
    code = "import zoo.cli.list as m; import zoo.registry.listing as n\n"
    code += "def broken(*a, **k): raise KeyError('x')\nn.list_components = broken\n"
    answer = fake.python(f"{code}from zoo.cli import main; main(['list'])")
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1)
    assert "--debug" in answer.stderr


def test_an_interruption_is_status_130(fake):
    code = "import zoo.registry.listing as n\ndef stop(*a, **k): raise KeyboardInterrupt\n"
    code += "n.list_components = stop\n"
    assert fake.python(f"{code}from zoo.cli import main; main(['list'])").returncode == 130


def test_list_imports_nothing_heavy(fake):
    answer = fake.python("from zoo.cli import main; main(['list'])", "-X", "importtime")
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "click" in imported
    assert not imported & {
        "torch",
        "pydantic",
        "pluggy",
        "rich",
        "numpy",
        "importlib.metadata",
        "platformdirs",
        "zoo_fake",
    }


def test_plugins_shows_what_is_offered_and_what_is_wrong(shelf):
    rows = [{"kind": "head", "name": "h", "target": "a:B", "summary": "s"}]
    shelf.plugin("zoo-one", rows=rows, catalogue=True)
    shelf.plugin("zoo-two", rows=rows, catalogue=True)
    shelf.plugin("zoo-bad", code="raise ValueError('boom')", rows=rows, catalogue=True)
    stale = {"format": 1, "components": [{**rows[0], "summary": "old"}]}
    shelf.plugin("zoo-stale", rows=rows, catalogue=stale)
    answer = shelf.zoo("plugins")
    assert answer.returncode == 0
    assert ["zoo-one", "1.0", "one", "1", "head"] in [line.split() for line in answer.stdout.splitlines()]
    assert "error: zoo-bad 1.0: its hook: failed to import: ValueError: boom" in answer.stdout
    assert "error: zoo-stale 1.0: catalogue and code disagree on head 'h' (summary); install" in answer.stdout
    assert "the head 'h' is claimed by zoo-bad, zoo-one, zoo-stale, zoo-two" in answer.stdout
    assert shelf.zoo("plugins", "--check").returncode == 1
    data = json.loads(shelf.zoo("plugins", "--json").stdout)
    found = {item["distribution"]: item for item in data["plugins"]}
    assert found["zoo-one"]["components"] == {"head": 1}
    assert len(found["zoo-bad"]["errors"]) == 1
    assert data["conflicts"][0]["name"] == "h"


def test_plugins_finds_a_namespace_that_two_claim(shelf):
    shelf.plugin("zoo-one", "net1", namespace="same", catalogue=True)
    shelf.plugin("zoo-two", "net2", namespace="same", catalogue=True)
    assert "namespace 'same' is also claimed by zoo-two" in shelf.zoo("plugins").stdout


def test_plugins_shows_in_strict_mode_what_strict_mode_stops_at(shelf):
    shelf.plugin("zoo-bad", catalogue="{")
    answer = shelf.zoo("plugins", ZOO_STRICT_PLUGINS="1")
    assert "error: zoo-bad" in answer.stdout
    assert shelf.zoo("list", ZOO_STRICT_PLUGINS="1").returncode == 2


def test_doctor_names_a_next_step_for_each_problem(fake, tmp_path):
    fake.plugin("zoo-bad", code="1 / 0")
    (tmp_path / "file").write_text("")
    answer = fake.zoo(
        "doctor",
        "--json",
        ZOO_CACHE=str(tmp_path / "file"),
        HF_HUB_OFFLINE="1",
        ZOO_PLUGINS="zoo-nil,zoo-bad",
    )
    found = {item["what"]: item for item in json.loads(answer.stdout)}
    assert answer.returncode == 1
    assert "ZOO_CACHE" in found["cache"]["step"]
    assert "ZeroDivisionError" in found["plugin zoo-bad"]["found"]
    assert found["plugin zoo-nil"]["step"].startswith("install zoo-nil from where")
    assert found["Hub"]["found"].startswith("offline")
    assert found["torch"]["step"] is None


@pytest.mark.slow
def test_doctor_says_the_hubs_cache_as_the_hubs_own_library_does(fake, tmp_path, monkeypatch):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def home(**environment):
        answer = fake.zoo("doctor", "--json", HF_HUB_OFFLINE="1", **environment)
        found = {item["what"]: item["found"] for item in json.loads(answer.stdout)}["Hub"]
        return found.rpartition("files come from ")[2]

    assert home(XDG_CACHE_HOME=str(tmp_path)) == str(tmp_path / "huggingface" / "hub")
    assert home(HF_HOME=str(tmp_path)) == str(tmp_path / "hub")
    assert home(HF_HOME="/elsewhere", HF_HUB_CACHE=str(tmp_path)) == str(tmp_path)


def test_the_help_of_list_names_every_kind(fake):
    text = " ".join(fake.zoo("list", "--help").stdout.split())
    assert f"KIND is {', '.join([*KINDS][:-1])} or {[*KINDS][-1]}." in text


def test_the_number_that_a_command_returns_is_the_exit_status(fake):
    code = "import click, zoo.cli.list as m\nm.command = click.command()(lambda: 3)\n"
    assert fake.python(f"{code}from zoo.cli import main; main(['list'])").returncode == 3
