"""What a message says of values and of foreign errors."""

from contextlib import contextmanager
from typing import Any

import pytest

from zoo.spec.errors import ZooWarning, quote, reason, warn


@pytest.mark.parametrize("length", [76, 78, 79, 80, 81, 500])
def test_a_long_reason_ends_in_three_dots_and_a_short_one_as_it_is(length: int) -> None:
    text = "x" * length
    assert reason(OSError(text)) == (text if length <= 80 else "x" * 77 + "...")


def test_a_reason_is_one_line_without_quotes_or_escapes() -> None:
    said = reason(ValueError('it\'s "no"\n  number\t of C:\\data'))
    assert said == 'it\'s "no" number of C:\\data'
    assert quote("it's\n").startswith('"')


def test_an_error_without_words_is_called_by_its_class() -> None:
    assert reason(EOFError()) == "EOFError"


def test_a_warning_from_within_a_context_names_the_line_that_called_zoo() -> None:
    # As `zoo.push` does: between the room's own frames lies that of contextlib, which enters the context
    room: dict[str, Any] = {"__name__": "zoo.room", "warn": warn, "contextmanager": contextmanager}
    body = "def context():\n    warn('no')\n    yield\ndef call():\n    with context():\n        pass\n"
    exec(f"@contextmanager\n{body}", room)
    with pytest.warns(ZooWarning, match="^no$") as caught:
        room["call"]()
    assert caught[0].filename == __file__
