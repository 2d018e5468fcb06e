"""Lists of paths: read line by line, up to their ceilings."""

from __future__ import annotations

import io
from typing import Any

import pytest

from zoo.spec.disk import lists
from zoo.spec.disk.lists import lines_of


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MOST_LINE", "abcd\n", "a line of more than 4 characters"),
        ("MOST_LINES", "a\nb\nc\nd\ne", "more than 4 lines"),
        ("MOST_LIST", "ab\ncd", "more than 4 characters"),
    ],
)
def test_lines_are_read_up_to_their_ceilings(monkeypatch: Any, name: str, text: str, words: str) -> None:
    assert [*lines_of(io.StringIO(text))] == text.splitlines(keepends=True)
    assert [*lines_of(io.BytesIO(text.encode()))] == text.encode().splitlines(keepends=True)
    monkeypatch.setattr(lists, name, 4)
    with pytest.raises(ValueError, match=f"^{words}$"):
        [*lines_of(io.StringIO(text))]
    assert [*lines_of(io.StringIO(text[:4]))] == text[:4].splitlines(keepends=True)
