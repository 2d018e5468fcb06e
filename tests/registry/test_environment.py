"""Values of the environment: what is taken, and what is refused."""

import pytest

from zoo.registry.environment import switch, whole
from zoo.spec.errors import OptionError


@pytest.mark.parametrize(
    ("words", "on"),
    [(("1", "true", "YES", " on "), True), (("", "0", "False", "no", "OFF", "off "), False)],
)
def test_words_for_on_and_off_are_taken_in_any_case(monkeypatch, words, on):
    for word in words:
        monkeypatch.setenv("ZOO_SOMETHING", word)
        assert switch("ZOO_SOMETHING") is on


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("ZOO_SOMETHING", "maybe")
    with pytest.raises(OptionError, match=r"ZOO_SOMETHING: expected one of 1, .* off, got 'maybe'; set"):
        switch("ZOO_SOMETHING")


@pytest.mark.parametrize("given", ["two", "-1", "1.5", "0"])
def test_what_is_no_whole_number_is_refused(monkeypatch, given):
    monkeypatch.setenv("ZOO_SOMETHING", given)
    with pytest.raises(OptionError, match=f"ZOO_SOMETHING: expected apples, a .* from 1, got '{given}'"):
        whole("ZOO_SOMETHING", 1, "apples", least=1)
