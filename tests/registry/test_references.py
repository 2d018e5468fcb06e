"""Names that may be paths, listings and records: what is told apart, and in which order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.registry.plugins import probe_child
from zoo.registry.plugins.discovery import Plugin, discover
from zoo.registry.plugins.inspection import Inspection, Report
from zoo.registry.references import component_hint, component_or_path, path_or_place
from zoo.spec.component import Namespace
from zoo.spec.errors import AmbiguousNameError, PluginError, UnknownComponentError
from zoo.spec.reference import ComponentRef, PathRef


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_bare_name_is_a_component_or_an_existing_path_and_never_silently_one_of_both(
    here: Path, shelf: Any
) -> None:
    shelf.plugin("zoo-fake", "net", catalogue=True)
    assert component_or_path("net", "backbone") == ComponentRef("net")
    assert component_or_path("other", "backbone") == ComponentRef("other")
    for name in ("net", "other"):
        (here / name).mkdir()
    assert component_or_path("other", "backbone") == PathRef("other")
    with pytest.raises(AmbiguousNameError, match=r"a backbone and a folder here.*'fake:net' or './net'"):
        component_or_path("net", "backbone")
    assert component_or_path("net", "backbone", fits=Path.is_file) == ComponentRef("net")
    assert component_or_path("net", "loss") == PathRef("net")
    for said in ("./net", "fake:net", {"name": "net", "k": 1}, ComponentRef("net")):
        assert component_or_path(said, "backbone") == (
            PathRef("./net") if said == "./net" else component_or_path(said, "backbone")
        )
        assert isinstance(component_or_path(said, "backbone"), PathRef) == (said == "./net")
    (here / "net").rmdir()
    (here / "net").write_text("")
    with pytest.raises(AmbiguousNameError, match="a file here"):
        component_or_path("net", "backbone")


def test_where_no_component_can_be_a_bare_name_is_the_path_that_is_there(here: Path) -> None:
    assert path_or_place("net") == "net"
    (here / "net").mkdir()
    assert path_or_place("net") == PathRef("net")
    assert path_or_place(" net ") == PathRef("net")
    assert [path_or_place(value) for value in ("", 3, "./net")] == ["", 3, "./net"]


def test_a_name_that_was_taken_for_a_path_may_be_a_component(shelf: Any) -> None:
    shelf.plugin("zoo-fake", "net", catalogue=True)
    assert component_hint("net") == "'net' is the backbone fake:net"
    assert component_hint("nett") is None


def plugin(**more: Any) -> Plugin:
    return Plugin(distribution="zoo-fake", version="1.0", namespace=Namespace(name="fake"), **more)


def test_nothing_is_wrong_where_no_report_and_no_name_says_so() -> None:
    good, bad = Report(plugin=plugin()), Report(plugin=plugin(), problems=("broken",))
    assert Inspection([good, good]).fine
    assert not Inspection([good, bad]).fine
    assert not Inspection([good], conflicts={("backbone", "net"): ("a", "b")}).fine
    rows = [{"kind": "head", "name": "a"}, {"kind": "head", "name": "b"}]
    assert Report(plugin=plugin(rows=rows)).counts == {"head": 2}


def test_facts_come_from_where_the_rows_come_from(tmp_path: Path) -> None:
    rows = [{"kind": "head", "name": "a", "facts": {"x": 1}}, {"kind": "head", "name": "b"}]
    asked = plugin(rows=rows, source="hook", folder=tmp_path)
    assert asked.facts("head", "a") == {"x": 1}
    assert asked.facts("head", "b") == {}
    assert asked.facts("loss", "a") == {}
    assert plugin(rows=rows).facts("head", "a") == {"x": 1}


def test_a_broken_plugin_is_told_of_or_refused_where_that_is_asked_for(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.plugin("zoo-bad", code="1 / 0")
    found = next(item for item in discover() if item.distribution == "zoo-bad")
    assert "division by zero" in found.error
    with pytest.raises(PluginError, match=r"plugin zoo-bad 1\.0 is broken"):
        monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
        discover()


def test_a_listing_goes_by_kind_and_has_bare_names_first(shelf: Any) -> None:
    shelf.plugin("zoo-big", "b1", "a1", bare=False, namespace="big", catalogue=True)
    rows = [{"kind": "loss", "name": "a0", "target": "a:B", "summary": "s"}]
    shelf.plugin("zoo-own", rows=[*rows], catalogue=True)
    shelf.plugin("zoo-net", "z9", "c1", catalogue=True)
    assert [row.ref for row in zoo.list("backbone")] == ["c1", "z9", "big:a1", "big:b1"]
    kinds = [row.kind for row in zoo.list()]
    assert kinds.index("loss") > len([k for k in kinds if k == "backbone"]) - 1


def test_what_a_plugin_prints_or_reads_while_it_is_asked_goes_nowhere(shelf: Any) -> None:
    code = (
        "import os, sys\nos.write(1, b'noise'); os.write(2, b'noise'); print('noise')\n"
        "assert sys.stdin.read() == '' and os.read(0, 1) == b''\n"
        "import zoo\n@zoo.hookimpl\ndef zoo_components():\n    return []\n"
    )
    shelf.plugin("zoo-loud", code=code)
    question = {
        "path": [str(shelf.folder), *sys.path],
        "module": "zoo_loud.plugin",
        "distribution": "zoo-loud",
    }
    read, write = os.pipe()
    os.write(write, json.dumps(question).encode())
    os.close(write)
    code = f"from {probe_child.__name__} import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=read, capture_output=True, timeout=60, check=False
    )
    os.close(read)
    assert (json.loads(done.stdout), done.stderr) == ({"components": []}, b"")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("backbon", "did you mean backbone"),
        ("net", "'net' is a component: zoo show net"),
        ("fake:net", "is a component: zoo show fake:net"),
        ("The ne", "1 component has the word: zoo list --search The ne"),
        ("xyzzy", "zoo list --search WORD looks for a word"),
    ],
)
def test_a_kind_that_there_is_not_may_be_a_name_or_a_word(shelf: Any, kind: str, words: str) -> None:
    shelf.plugin("zoo-fake", "net", catalogue=True)
    with pytest.raises(UnknownComponentError, match=words):
        zoo.list(kind)
