"""Checks of values: what each lets through, and how what does not fit is told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from zoo.spec.disk import schema
from zoo.spec.disk.schema import Check

CHECKS: dict[str, tuple[Check, list[Any], list[Any]]] = {
    "text": (schema.text, ["a", "", "a\nb"], [None, 1, ["a"]]),
    "line": (schema.line, ["a", "", "a b", "кот"], ["a\nb", "\x1b[31m", "a\u202eb", None, 1, ["a"]]),
    "lines": (schema.lines, [[], ["a", "b"]], ["ab", [None], ["a\n"], {"a": "b"}, None]),
    "flag": (schema.flag, [True, False], [0, 1, "true", None]),
    "number": (schema.number, [0, -1, 2.5], [True, "1", None, [1]]),
    "table": (schema.table, [{}, {"a": None}], [{1: "a"}, [], None, "a"]),
    "whole": (schema.whole(1), [1, 2, 1 << 70], [0, -1, True, 1.0, "1", None]),
    "one_of": (schema.one_of("a", "b"), ["a", "b"], ["c", "", None, ["a"], 1]),
    "or_none": (schema.or_none(schema.flag), [None, True], [0, "a"]),
    "table_of": (schema.table_of(schema.line, "lines"), [{}, {"a": "b"}], [{"a": 1}, {1: "a"}, ["a"], None]),
    "matching": (schema.matching(re.compile("[0-9a-f]+"), "hex"), ["0f"], ["", "0f ", "g", b"0f", None]),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_lets_its_own_kind_through_alone(name: str) -> None:
    (fits, words), good, bad = CHECKS[name]
    assert [value for value in good if not fits(value)] == []
    assert [value for value in bad if fits(value)] == []
    assert words


def test_the_first_value_that_does_not_fit_is_told_and_unknown_keys_are_not() -> None:
    rows = {"labels": schema.list_of(schema.record({"name": schema.line}, "a label", ["name"]), "labels")}
    assert schema.misfit({"labels": [{"name": "a"}], "newer": object()}, rows) is None
    assert schema.misfit({"labels": [{}]}, rows) == ("labels as labels", "[{}]")
    assert schema.misfit({}, rows, ["labels"]) == ("labels as labels", "none")
