"""What a message says of values and of foreign errors."""

import pytest

from zoo.spec.errors import quote, reason


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
