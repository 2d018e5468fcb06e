"""What a declaration may say of its example."""

import pytest

from zoo import Component
from zoo.errors import DeclarationError

NET = {"kind": "backbone", "name": "net", "target": "pkg.net:Net", "summary": "A net."}


def test_an_example_travels_as_plain_data_and_may_be_missing():
    told = Component(**NET, example={"head": "multiclass", "for": ["*"]})
    assert told.to_dict()["example"] == {"head": "multiclass", "for": ["*"]}
    assert Component.from_dict(NET).example == {}


def test_an_unknown_word_in_an_example_is_refused():
    with pytest.raises(DeclarationError, match="bad example: expected a table of model, head, data, classes"):
        Component(**NET, example={"backbone": "net"})
