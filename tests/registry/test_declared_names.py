"""Names that declarations say, read off the text of a module."""

from __future__ import annotations

import pytest

from zoo.registry.declared_names import declared_names

TEXT = """
WEIGHTS = {"imagenet": 1}
def _net(target, name, *, tags=("helper",)):
    "Makes 'doc' of it."
    return Component(kind="backbone", name=name, target=target, summary="s", tags=tags)
def _other(word):
    return print(word)
def zoo_components():
    return [
        Component(kind="backbone", name="plain", target="a:B", summary="as resnet", tags=("resnet",)),
        Component(**{"kind": "head", "name": "table", "summary": "s"}),
        _net("a:C", "placed"), _net("a:C", name="spoken"), _other("word"), Weights(name="weights"),
    ]
"""


def test_names_are_those_of_components_and_no_other_string() -> None:
    assert declared_names(TEXT) == {"plain", "table", "placed", "spoken"}


def test_a_text_that_is_no_python_says_so() -> None:
    with pytest.raises(SyntaxError):
        declared_names("Component(")
