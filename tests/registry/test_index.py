"""A large catalogue is read once; its facts are read when they are asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from zoo.registry import catalogue_index as index
from zoo.registry import find, list_components, reset
from zoo.registry.cache import sealed


@pytest.fixture
def large(shelf, monkeypatch):
    monkeypatch.setattr(index, "LARGE", 0)
    facts = {"parameters": 7, "blocks": [{"name": "block1"}]}
    rows = [{"kind": "head", "name": "h", "target": "a:B", "summary": "s", "facts": facts}]
    return shelf.plugin("zoo-fake", rows=rows, catalogue=True) / "catalogue.json"


def parameters() -> list[int | None]:
    reset()
    return [row.parameters for row in list_components() if row.namespace == "fake"]


def test_a_second_listing_reads_the_index_alone(large, monkeypatch):
    assert parameters() == [7]
    monkeypatch.setattr(index, "read_catalogue", lambda file: pytest.fail(f"{file} was read"))
    assert parameters() == [7]


def test_the_index_leaves_out_what_a_listing_does_not_show(large):
    parameters()
    (file,) = Path(os.environ["ZOO_CACHE"], "catalogues").glob("*fake*")
    assert "block1" not in file.read_text()


def test_facts_are_all_there_when_a_component_is_looked_at(large):
    parameters()
    assert find("h").facts["blocks"] == [{"name": "block1"}]


def test_a_changed_catalogue_is_read_again(large):
    parameters()
    large.write_text(large.read_text().replace("7", "18"))
    assert parameters() == [18]
    assert find("h").facts["parameters"] == 18


@pytest.mark.parametrize("damage", ["", "{}", "a name", "catalogue"])
def test_a_damaged_index_is_written_again(large, damage):
    parameters()
    (file,) = Path(os.environ["ZOO_CACHE"], "catalogues").glob("*fake*")
    whole = file.read_bytes()
    odd = {**json.loads(whole.partition(b"\n")[2]), "catalogue": 3}
    others = {"a name": whole.replace(b'"h"', b'"g"'), "catalogue": sealed(json.dumps(odd).encode())}
    file.write_bytes(others.get(damage, damage.encode()))
    assert parameters() == [7]
    assert file.read_bytes() == whole
    assert find("h").facts["parameters"] == 7
