"""The freeze grammar."""

from __future__ import annotations

import pytest

from zoo.spec.errors import FreezeError
from zoo.spec.freeze_grammar import Freeze

ONE = {"": ["block1", "block2", "block3"]}
PARTS = {"encoder": ["block1", "block2"], "decoder": ["block1"]}


@pytest.mark.parametrize(
    ("spec", "parts", "chosen"),
    [
        ("block1-2", ONE, [("", "block1"), ("", "block2")]),
        ("block3,block1", ONE, [("", "block1"), ("", "block3")]),
        (["block1", "block3"], ONE, [("", "block1"), ("", "block3")]),
        ("block1-block2", ONE, [("", "block1"), ("", "block2")]),
        ("all", ONE, [("", "block1"), ("", "block2"), ("", "block3")]),
        ("none", ONE, []),
        (None, ONE, []),
        ("encoder.block2", PARTS, [("encoder", "block2")]),
        ("encoder", PARTS, [("encoder", "block1"), ("encoder", "block2")]),
        ("encoder.all, decoder.block1", PARTS, [(p, b) for p in PARTS for b in PARTS[p]]),
    ],
)
def test_what_a_spec_selects(spec, parts, chosen):
    assert list(Freeze.parse(spec).select(parts)) == chosen


@pytest.mark.parametrize("spec", ["", "1-4", "block1-", "block1;block2", "all,none", 3, ["block1", 2]])
def test_what_is_no_spec(spec):
    with pytest.raises(FreezeError, match="expected"):
        Freeze.parse(spec)


@pytest.mark.parametrize(
    ("spec", "parts", "message"),
    [
        ("block4", ONE, "block1, block2, block3"),
        ("block0", ONE, "block1, block2, block3"),
        ("block2-9", ONE, "no block4"),
        ("blok1", ONE, "did you mean block1"),
        ("block1", PARTS, r'for example "encoder\.block1"'),
        ("encodr.block1", PARTS, "did you mean encoder"),
        ("encoder", {}, "expected a model with blocks to freeze, got one without"),
    ],
)
def test_a_spec_that_matches_nothing_says_what_there_is(spec, parts, message):
    with pytest.raises(FreezeError, match=message):
        Freeze.parse(spec).select(parts)


@pytest.mark.parametrize("spec", ["block1-2", "block1,block3", "all", "none", "block2-3"])
def test_the_shortest_spec_of_a_selection_selects_it_again(spec):
    chosen = Freeze.parse(spec).select(ONE)
    assert str(Freeze.of(chosen, ONE)) == spec
