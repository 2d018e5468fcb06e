"""Options of data: what they take, and what is said of what they do not."""

from __future__ import annotations

import pytest

from zoo.spec.data_options import DataOptions
from zoo.spec.errors import OptionError
from zoo.spec.options import validate


@pytest.mark.parametrize("given", [{"fold": "2/5"}, {"fold": "5/5"}, {"group": r"patient\d+"}])
def test_options_are_taken_as_they_were_given(given: dict[str, str]) -> None:
    assert validate(DataOptions, given, "data").model_dump(exclude_unset=True) == given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"fold": "6/5"}, "a fold such as 2/5"),
        ({"fold": "1/1"}, "a fold such as 2/5"),
        ({"fold": "half"}, "a fold such as 2/5"),
        ({"group": "patient("}, "a regular expression"),
    ],
)
def test_what_means_nothing_is_refused(given: dict[str, str], expected: str) -> None:
    with pytest.raises(OptionError, match=expected):
        validate(DataOptions, given, "data")
