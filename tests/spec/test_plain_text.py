"""Texts of strangers: a terminal, a page and a card show them letter by letter."""

from __future__ import annotations

import pytest

from zoo.spec.display import markdown, table
from zoo.spec.errors import ZooError, ZooWarning, warn
from zoo.spec.names import one_line

ODD = "cat\x1b[31m\nred\u202e\x07 "


def test_no_order_to_a_terminal_is_left_in_messages_and_tables() -> None:
    assert one_line(ODD) == "cat\ufffd[31m red\ufffd\ufffd"
    assert str(ZooError(f"label {ODD}", expected=ODD, hint=ODD)).isprintable()
    with pytest.warns(ZooWarning) as caught:
        warn(f"label {ODD}")
    assert str(caught[0].message).isprintable()
    lines = table([[ODD, 1]], ["LABEL", "N"]).splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_text_is_left_as_it_is_where_it_is_plain() -> None:
    assert one_line("Zürich, 猫 1.5 µm") == "Zürich, 猫 1.5 µm"
    assert markdown("no_face of 猫.png, 5% (1-2)!") == "no_face of 猫.png, 5% (1-2)!"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>1</script>", "&lt;script&gt;1&lt;/script&gt;"),
        ("a\n\n# Heading", "a # Heading"),
        ("![x](http://y)", r"!\[x\](http://y)"),
        ("_a_ __b__", r"\_a\_ \_\_b\_\_"),
        ("`a` | b ~c~ \\", r"\`a\` \| b \~c\~ \\"),
        ("a & b", "a &amp; b"),
    ],
)
def test_marks_of_a_page_are_shown_as_letters(text: str, shown: str) -> None:
    assert markdown(text) == shown
